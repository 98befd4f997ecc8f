import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DecodedAudio } from '../../src/audio/audio.js';
import { mixDown, readChannels, readWithFaults } from '../../src/audio/read.js';
import type { RandomStream } from '../../src/base/random.js';
import { chunk, formatChunk, riff, waveGuid } from '../support/odd_audio.js';
import { chance, damaged, oneOf, randomBytes } from './damage.js';
import { assertFinite, assertNumbers, type Files, type FuzzedReader, type Input } from './reader.js';

/** A recording as the file has it, and as commands take it. */
type Sound = DecodedAudio & { readonly mono: Float32Array };

const soundReader = (name: string, make: (random: RandomStream) => Input<Sound>): FuzzedReader<Sound> => ({
  make,
  async read(folder) {
    const path = join(folder, name);
    const decoded = await readChannels(path);
    const { samples } = await readWithFaults(path);
    return { ...decoded, mono: samples };
  },
  check: (sound, files) => checkSound(sound, files[name].length),
});

function checkSound({ sampleRate, channels, mono }: Sound, bytes: number): void {
  assert.ok(Number.isInteger(sampleRate) && sampleRate >= 1000 && sampleRate <= 768_000, `${sampleRate} Hz`);
  assert.ok(channels.length >= 1 && channels.length <= 64, `${channels.length} channels`);
  for (const { length } of channels) assert.equal(length, channels[0].length, 'channels of unequal length');
  assert.ok(mono.length >= 1, 'no samples');
  assert.equal(mono.length, channels[0].length);
  assertFinite(mono, 'samples');
  assertNumbers(mono, mixDown(channels), 'the mean of the channels, read once more');
  assert.ok(
    4 * mono.length * channels.length <= Math.max(2 ** 28, 200 * bytes),
    `${mono.length} samples of ${bytes} bytes`,
  );
}

const expectSound =
  (rate: number, channels: readonly ArrayLike<number>[]) =>
  (sound: Sound): void => {
    assert.equal(sound.sampleRate, rate);
    assert.equal(sound.channels.length, channels.length);
    channels.forEach((wanted, i) => assertNumbers(sound.channels[i], wanted, `channel ${i}`, 1e-7));
  };

/** A value of ITU-T G.711, by the formulas of the recommendation. */
function expand(law: 'A' | 'µ', byte: number): number {
  const code = law === 'A' ? byte ^ 0x55 : ~byte & 255;
  const [segment, step] = [(code >> 4) & 7, code & 15];
  const magnitude =
    law === 'µ'
      ? ((2 * step + 33) * 2 ** segment - 33) * 4
      : (segment === 0 ? 2 * step + 1 : (2 * step + 33) * 2 ** (segment - 1)) * 8;
  const negative = law === 'µ' ? (code & 128) !== 0 : (code & 128) === 0;
  return (negative ? -magnitude : magnitude) / 32768;
}

/** Encodings as [WAV format, bits], with bytes for a random sample and its value. */
const encodings: readonly [number, number, (random: RandomStream, bigEndian: boolean) => [Buffer, number]][] = [
  ...[8, 16, 24, 32]
    .map(
      (bits) =>
        [
          1,
          bits,
          (random: RandomStream, bigEndian: boolean): [Buffer, number] => {
            const value = random.below(2 ** bits) - 2 ** (bits - 1);
            const bytes = Buffer.alloc(bits / 8);
            if (bits === 8) bytes[0] = value + 128;
            else if (bigEndian) bytes.writeIntBE(value, 0, bits / 8);
            else bytes.writeIntLE(value, 0, bits / 8);
            return [bytes, value / 2 ** (bits - 1)];
          },
        ] as const,
    )
    .map(([format, bits, sample]): (typeof encodings)[number] => [format, bits, sample]),
  ...([32, 64] as const).map((bits): (typeof encodings)[number] => [
    3,
    bits,
    (random, bigEndian) => {
      const value = Math.fround(2 * random.uniform() - 1);
      const bytes = Buffer.alloc(bits / 8);
      if (bits === 32) bytes[bigEndian ? 'writeFloatBE' : 'writeFloatLE'](value);
      else bytes[bigEndian ? 'writeDoubleBE' : 'writeDoubleLE'](value);
      return [bytes, value];
    },
  ]),
  ...(['A', 'µ'] as const).map((law): (typeof encodings)[number] => [
    law === 'A' ? 6 : 7,
    8,
    (random) => {
      const byte = random.below(256);
      return [Buffer.of(byte), expand(law, byte)];
    },
  ]),
];

/** A WAV file that nothing is wrong with, in one of the many ways to write one. */
function wavOf(random: RandomStream): { file: Buffer; rate: number; channels: number[][] } {
  const [format, bits, sample] = oneOf(random, encodings);
  const tag = oneOf(random, ['RIFF', 'RIFF', 'RIFF', 'RIFX', 'RF64', 'BW64']);
  const bigEndian = tag === 'RIFX';
  const count = 1 + random.below(3);
  const rate = oneOf(random, [8000, 16000, 22050, 44100, 48000]);
  const length = 1 + random.below(200);
  const channels = Array.from({ length: count }, () => new Array<number>(length));
  const pieces: Buffer[] = [];
  for (let i = 0; i < length; i++)
    for (const channel of channels) {
      const [bytes, value] = sample(random, bigEndian);
      pieces.push(bytes);
      channel[i] = value;
    }
  const data = Buffer.concat(pieces);
  const guid = !bigEndian && chance(random, 0.4) ? waveGuid(format) : undefined;
  const other = () =>
    chance(random, 0.3)
      ? [
          chunk(oneOf(random, ['LIST', 'fact', 'JUNK', 'bext', 'abcd']), randomBytes(random, random.below(20)), {
            bigEndian,
          }),
        ]
      : [];
  const chunks = [formatChunk({ format, channels: count, rate, bits, bigEndian }, guid), ...other()];
  if (tag === 'RF64' || tag === 'BW64') {
    const long = Buffer.alloc(28);
    long.writeUInt32LE(data.length, 8);
    long.writeUInt32LE(length, 16);
    return {
      file: riff([chunk('ds64', long), ...chunks, chunk('data', data, { size: 2 ** 32 - 1 }), ...other()], {
        tag,
        size: 2 ** 32 - 1,
      }),
      rate,
      channels,
    };
  }
  return { file: riff([...chunks, chunk('data', data, { bigEndian }), ...other()], { tag }), rate, channels };
}

export const wav = soundReader('s.wav', (random) => {
  const { file, rate, channels } = wavOf(random);
  if (chance(random, 0.75)) return { files: { 's.wav': damaged(file, random) } };
  return { files: { 's.wav': file }, expected: expectSound(rate, channels) };
});

/** The remainder of a polynomial division, most significant bit first. */
function crc(bytes: Uint8Array, bits: 8 | 16 | 32, polynomial: number): number {
  let value = 0;
  for (const byte of bytes) {
    value = (value ^ (byte * 2 ** (bits - 8))) >>> 0;
    for (let i = 0; i < 8; i++)
      value =
        (((value << 1) ^ ((value >>> (bits - 1)) & 1 ? polynomial : 0)) & (bits === 32 ? -1 : 2 ** bits - 1)) >>> 0;
  }
  return value;
}

/** Bits in a row, most significant first. */
class Bits {
  private readonly bits: number[] = [];
  put(value: number, width: number): void {
    for (let i = width - 1; i >= 0; i--) this.bits.push(Math.floor(value / 2 ** i) & 1);
  }
  signed(value: number, width: number): void {
    this.put(value < 0 ? value + 2 ** width : value, width);
  }
  bytes(): Buffer {
    while (this.bits.length % 8 !== 0) this.bits.push(0);
    return Buffer.from(
      Array.from({ length: this.bits.length / 8 }, (_, i) => parseInt(this.bits.slice(8 * i, 8 * i + 8).join(''), 2)),
    );
  }
}

/** A frame of FLAC (RFC 9639, section 9) without its last checksum; subframes are constant, verbatim or of order 1. */
function flacFrame(
  random: RandomStream,
  number: number,
  rate: number,
  channels: readonly number[][],
  bits: number,
): Buffer {
  const length = channels[0].length;
  const head = new Bits();
  head.put(0xfff8, 16);
  head.put(7, 4);
  // 13: in Hz, behind the number of samples.
  const code = oneOf(random, [{ 8000: 4, 16000: 5, 22050: 6, 48000: 10 }[rate] as number, 13]);
  head.put(code, 4);
  head.put(channels.length - 1, 4);
  head.put({ 8: 1, 16: 4, 24: 6 }[bits] as number, 3);
  head.put(0, 1);
  head.put(number, 8);
  head.put(length - 1, 16);
  if (code === 13) head.put(rate, 16);
  const header = head.bytes();
  const body = new Bits();
  for (const samples of channels) {
    if (samples.every((sample) => sample === samples[0])) {
      body.put(0, 8);
      body.signed(samples[0], bits);
    } else if (length > 4 && chance(random, 0.5)) {
      // Order 1, residuals as plain numbers of 25 bits behind an escape code of the Rice partition.
      body.put(0b00010010, 8);
      body.signed(samples[0], bits);
      body.put(0, 2);
      body.put(0, 4);
      body.put(15, 4);
      body.put(25, 5);
      for (let i = 1; i < length; i++) body.signed(samples[i] - samples[i - 1], 25);
    } else {
      body.put(0b00000010, 8);
      for (const sample of samples) body.signed(sample, bits);
    }
  }
  return Buffer.concat([header, Buffer.of(crc(header, 8, 0x07)), body.bytes()]);
}

function flacOf(random: RandomStream, spoil: boolean): { file: Buffer; rate: number; channels: number[][] } {
  const bits = oneOf(random, [8, 16, 24]);
  const count = 1 + random.below(2);
  const rate = oneOf(random, [8000, 16000, 22050, 48000]);
  const block = oneOf(random, [16, 64, 192]);
  const frames = 1 + random.below(4);
  const channels = Array.from({ length: count }, () => {
    const silent = chance(random, 0.1);
    return Array.from({ length: block * frames }, () => (silent ? 0 : random.below(2 ** bits) - 2 ** (bits - 1)));
  });
  const info = new Bits();
  info.put(block, 16);
  info.put(block, 16);
  info.put(0, 48);
  info.put(rate, 20);
  info.put(count - 1, 3);
  info.put(bits - 1, 5);
  info.put(block * frames, 36);
  const stream = Buffer.concat([info.bytes(), Buffer.alloc(16)]);
  const body = Array.from({ length: frames }, (_, i) => {
    let frame = flacFrame(
      random,
      i,
      rate,
      channels.map((samples) => samples.slice(i * block, (i + 1) * block)),
      bits,
    );
    // Damage with a right checksum.
    if (spoil && chance(random, 0.4)) frame = damaged(frame, random);
    const check = Buffer.alloc(2);
    check.writeUInt16BE(crc(frame, 16, 0x8005));
    return Buffer.concat([frame, check]);
  });
  const file = Buffer.concat([Buffer.from('fLaC'), Buffer.of(0x80, 0, 0, 34), stream, ...body]);
  return { file, rate, channels: channels.map((samples) => samples.map((sample) => sample / 2 ** (bits - 1))) };
}

export const flac = soundReader('s.flac', (random) => {
  const spoil = chance(random, 0.8);
  const { file, rate, channels } = flacOf(random, spoil);
  if (!spoil) return { files: { 's.flac': file }, expected: expectSound(rate, channels) };
  return { files: { 's.flac': chance(random, 0.6) ? damaged(file, random) : file } };
});

const speech = {
  mp3: readFileSync('test/fixtures/audio/speech.mp3'),
  ogg: readFileSync('test/fixtures/audio/speech.ogg'),
};

export const mp3 = soundReader('s.mp3', (random) => {
  // A piece of it, since most time goes into decoding.
  const begin = random.below(2) * random.below(1000);
  const file = speech.mp3.subarray(begin, begin + 300 + random.below(1500));
  if (!chance(random, 0.15)) return { files: { 's.mp3': damaged(file, random) } };
  const tag = Buffer.concat([Buffer.from('ID3\x03\0\0\0\0', 'latin1'), Buffer.of(0, 40), Buffer.alloc(40)]);
  return { files: { 's.mp3': damaged(Buffer.concat([tag, file]), random) } };
});

/** The pages of an Ogg file (RFC 3533, section 6). */
function oggPages(bytes: Buffer): Buffer[] {
  const pages: Buffer[] = [];
  for (let at = 0; at + 27 <= bytes.length;) {
    const segments = bytes[at + 26];
    const body = bytes.subarray(at + 27, at + 27 + segments).reduce((sum, length) => sum + length, 0);
    pages.push(bytes.subarray(at, at + 27 + segments + body));
    at += 27 + segments + body;
  }
  return pages;
}

const pages = oggPages(speech.ogg);

export const ogg = soundReader('s.ogg', (random) => {
  if (chance(random, 0.3)) return { files: { 's.ogg': damaged(speech.ogg, random) } };
  // Damage with right checksums, and pages lost or doubled.
  const spoiled = pages.flatMap((page) => {
    if (!chance(random, 0.4)) return [page];
    if (chance(random, 0.1)) return oneOf(random, [[], [page, page]]);
    const bytes = damaged(page, random);
    if (bytes.length >= 27) {
      bytes.fill(0, 22, 26);
      bytes.writeUInt32LE(crc(bytes, 32, 0x04c11db7), 22);
    }
    return [bytes];
  });
  return { files: { 's.ogg': Buffer.concat(spoiled) } satisfies Files };
});
