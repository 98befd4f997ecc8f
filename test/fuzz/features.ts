import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { melPresets } from '../../src/audio/presets.js';
import { TtsError } from '../../src/base/errors.js';
import type { RandomStream } from '../../src/base/random.js';
import { conformFeatures, type ConformingFeatures } from '../../src/data/features/conform.js';
import { readRawFeatures } from '../../src/data/features/files.js';
import type { RawFeatures } from '../../src/data/features/layout.js';
import { loadVoiceSync } from '../../src/model/voice/file.js';
import { bombText, chance, damaged, damagedData, damagedText, oneOf } from './damage.js';
import { assertFinite, assertNumbers, type FuzzedReader } from './reader.js';

const voice = loadVoiceSync('test/fixtures/voice/version-1.safetensors');
const expected = { name: 'the voice', settings: voice.features, statistics: voice.statistics };
const { bins } = voice.features;

interface Features {
  readonly raw: RawFeatures;
  /** Undefined where they do not fit the voice. */
  readonly conforming: ConformingFeatures | undefined;
}

const widths: Readonly<Record<string, number>> = { f2: 2, f4: 4, f8: 8, i2: 2 };

/** The bytes of an array as numpy may write it, by a writer that shares nothing with the reader. */
function npyFile(values: readonly number[], shape: readonly number[], random: RandomStream): [Buffer, number[]] {
  const type = oneOf(random, ['f4', 'f4', 'f8', 'f2', 'i2']);
  const order = oneOf(random, ['<', '<', '>']);
  const width = widths[type];
  const body = Buffer.alloc(values.length * width);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const stored = values.map((value, i) => {
    const little = order === '<';
    if (type === 'f4') view.setFloat32(4 * i, value, little);
    else if (type === 'f8') view.setFloat64(8 * i, value, little);
    else if (type === 'i2') view.setInt16(2 * i, Math.round(value), little);
    // Halves of whole numbers below 2^11 are exact: sign, exponent, fraction.
    else view.setUint16(2 * i, halfOf(Math.round(value)), little);
    return type === 'f4' ? Math.fround(value) : type === 'f8' ? value : Math.round(value);
  });
  const quote = oneOf(random, ["'", '"']);
  const python2 = chance(random, 0.2);
  const tuple = shape.map((length) => `${length}${python2 ? 'L' : ''}`).join(', ') + (shape.length === 1 ? ',' : '');
  const entries = [
    `${quote}descr${quote}: ${python2 ? 'u' : ''}${quote}${order}${type}${quote}`,
    `${quote}fortran_order${quote}: False`,
    `${quote}shape${quote}: (${tuple})`,
  ];
  if (chance(random, 0.3)) entries.reverse();
  const version = 1 + random.below(3);
  const text = `{${entries.join(', ')}${chance(random, 0.8) ? ', ' : ''}}`;
  const start = version === 1 ? 10 : 12;
  const header = Buffer.from(`${text.padEnd(Math.ceil((start + text.length + 1) / 64) * 64 - start - 1)}\n`);
  const head = Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0\0\0\0\0`, 'latin1').subarray(0, start);
  if (version === 1) head.writeUInt16LE(header.length, 8);
  else head.writeUInt32LE(header.length, 8);
  return [Buffer.concat([head, header, body]), stored];
}

function halfOf(whole: number): number {
  if (whole === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(whole)));
  return (whole < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | ((Math.abs(whole) / 2 ** exponent - 1) * 1024);
}

/** The keys of a header, by another way than the reader's: as JSON. Undefined for what numpy would not read. */
function keysOfHeader(bytes: Uint8Array): string[] | undefined {
  const file = Buffer.from(bytes);
  const [start, length] = file[6] === 1 ? [10, file.readUInt16LE(8)] : [12, file.readUInt32LE(8)];
  const json = file
    .toString('latin1', start, start + length)
    // A space to Python, and not to JSON.
    .replaceAll('\f', ' ')
    .replaceAll(/u?'([^']*)'/g, '"$1"')
    .replaceAll(/u"/g, '"')
    .replaceAll('True', 'true')
    .replaceAll('False', 'false')
    .replaceAll('(', '[')
    .replaceAll(')', ']')
    .replaceAll(/(\d)L/g, '$1')
    .replaceAll(/\b0+(?=\d)/g, '')
    .replaceAll(/,\s*([\]}])/g, '$1');
  try {
    JSON.parse(json);
  } catch {
    return undefined;
  }
  return [...json.matchAll(/"(\w+)"\s*:/g)].map(([, key]) => key).sort();
}

/** Values such as the voice knows, [frames, bins]. */
function levels(random: RandomStream, frames: number): number[] {
  const { mean, std, min, max } = voice.statistics;
  return Array.from({ length: frames * bins }, (_, i) =>
    Math.min(max, Math.max(min, mean[i % bins] + std[i % bins] * random.normal())),
  );
}

async function readFeatures(folder: string): Promise<Features> {
  const raw = await readRawFeatures(join(folder, 'f.npy'));
  try {
    return { raw, conforming: conformFeatures(raw, expected) };
  } catch (error) {
    if (!(error instanceof TtsError)) throw error;
    return { raw, conforming: undefined };
  }
}

export const npy: FuzzedReader<Features> = {
  make(random) {
    const frames = 1 + random.below(20);
    const shape = oneOf(random, [[frames, bins], [1, frames, bins], [bins, frames], [frames * bins]]);
    const [bytes, stored] = npyFile(levels(random, frames), shape, random);
    if (chance(random, 0.8)) return { files: { 'f.npy': damaged(bytes, random) } };
    return {
      files: { 'f.npy': bytes },
      expected({ raw: { array } }) {
        assert.deepEqual(array.shape, shape);
        assertNumbers(array.data, stored, 'the array');
      },
    };
  },
  read: readFeatures,
  check({ raw: { array }, conforming }, files) {
    assert.deepEqual(keysOfHeader(files['f.npy']), ['descr', 'fortran_order', 'shape'], 'numpy reads no such header');
    assert.equal(
      array.data.length,
      array.shape.reduce((product, length) => product * length, 1),
    );
    if (conforming === undefined) return;
    assert.ok(conforming.frames >= 1, 'no frames');
    assert.equal(conforming.data.length, conforming.frames * bins);
    assertFinite(conforming.data, 'features');
  },
};

const plain = readFileSync('test/fixtures/mel/chirp.npy');

/** The settings beside features. */
export const settings: FuzzedReader<Features> = {
  make(random) {
    const original = oneOf(random, Object.values(melPresets));
    const text = JSON.stringify(original, null, oneOf(random, [0, 2]));
    const files = (json: string | Uint8Array) => ({ 'f.npy': plain, 'f.json': Buffer.from(json as string) });
    if (chance(random, 0.1))
      return { files: files(text), expected: ({ raw }) => assert.deepEqual(raw.settings, original) };
    const kind = random.below(8);
    if (kind === 0) return { files: files(bombText(random)) };
    if (kind === 1) return { files: files(damaged(Buffer.from(text), random)) };
    if (kind === 2) return { files: files(damagedText(text, random)) };
    return { files: files(JSON.stringify(damagedData(original, random)) ?? '') };
  },
  read: readFeatures,
  check({ raw: { settings: found } }, files) {
    assert.ok(found);
    const text = Buffer.from(files['f.json']).toString('latin1');
    for (const key of Object.keys(found))
      assert.equal(text.split(`"${key}"`).length - 1, 1, `the key ${key} is not there just once`);
    const { sampleRate, fftSize, windowLength, hop, fMin, fMax } = found;
    for (const size of [sampleRate, fftSize, windowLength, hop, found.bins])
      assert.ok(Number.isSafeInteger(size) && size >= 1 && size <= 768_000, `a size of ${size}`);
    assert.ok(Math.log2(fftSize) % 1 === 0 && windowLength <= fftSize && hop <= fftSize && hop <= sampleRate / 4);
    assert.ok(fMin >= 0 && fMin < fMax && fMax <= sampleRate / 2, `${fMin} to ${fMax} Hz`);
    assertFinite([found.powerOffset, found.floor, found.preEmphasis], 'a setting');
  },
};
