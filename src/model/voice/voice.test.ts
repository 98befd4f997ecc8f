import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { melPresets } from '../../audio/presets.js';
import { untreated } from '../../audio/treatment.js';
import type { BlockMatrix, StoredMatrix } from '../../kernels/interface/blocks.js';
import { type Precision, precisions } from '../../kernels/interface/precision.js';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../safetensors.js';
import { conditioningParameters } from '../wavernn/conditioning.js';
import {
  type DenseName,
  denseNames,
  shapeOf,
  type SparseName,
  sparseNames,
  type WaveRnnConfig,
} from '../wavernn/config.js';
import { conditioningShapes } from './encoding.js';
import { loadVoice, saveVoice } from './file.js';
import { voiceInPrecision, voicePrecision } from './network.js';
import { type Voice } from './voice.js';

const dir = mkdtempSync(join(tmpdir(), 'voice-'));
after(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'tiny.safetensors');

const config: WaveRnnConfig = {
  hidden: 32,
  projection: 16,
  encoding: 'mulaw10',
  density: { recurrent: 0.25, output: 0.5 },
  block: { rows: 16, columns: 1 },
  conditioning: { channels: 8, kernel: 3, residualBlocks: 1 },
};
const ramp = (length: number, scale = 1): Float32Array =>
  Float32Array.from({ length }, (_, i) => scale * ((i % 17) - 8));

/** Every `step`-th block of a matrix, with values that tell where they are. */
function blocks(name: SparseName, step: number): BlockMatrix {
  const [rows, columns] = shapeOf(name, config);
  const { rows: blockRows, columns: blockColumns } = config.block;
  const perRow = Array.from({ length: rows / blockRows }, (_, row) =>
    Array.from({ length: columns }, (_, c) => c).filter((c) => (c + row) % step === 0),
  );
  const column = Int32Array.from(perRow.flat());
  const rowStart = Int32Array.from([0, ...perRow.map((_, row) => perRow.slice(0, row + 1).flat().length)]);
  return {
    rows,
    columns,
    blockRows,
    blockColumns,
    rowStart,
    column,
    values: ramp(column.length * blockRows * blockColumns, 0.25),
  };
}

const conditioningRamps = (sizes: WaveRnnConfig): Voice['conditioning'] =>
  new Map(
    Object.entries(conditioningShapes(sizes, 80)).map(([name, shape]) => [
      name,
      {
        shape,
        data: ramp(
          shape.reduce((a, b) => a * b),
          0.5,
        ),
      },
    ]),
  );

/** The voice in the kept fixture; changing it would break that test. */
export function sampleVoice(): Voice {
  return {
    config,
    features: melPresets.hifigan,
    treatment: untreated,
    statistics: { mean: ramp(80), std: Float32Array.from({ length: 80 }, (_, i) => 1 + i / 64), min: -11.5, max: 2.25 },
    sparse: Object.fromEntries(sparseNames.map((name, i) => [name, blocks(name, i === 0 ? 4 : 2)])) as Record<
      SparseName,
      BlockMatrix
    >,
    dense: Object.fromEntries(
      denseNames.map((name) => [
        name,
        ramp(
          shapeOf(name, config).reduce((a, b) => a * b),
          0.125,
        ),
      ]),
    ) as Record<DenseName, Float32Array>,
    conditioning: conditioningRamps(config),
    provenance: {
      recipe: 'ljspeech/tiny',
      corpus: 'ljspeech',
      corpusHash: 'c0ffee',
      steps: 3,
      seconds: 1.5,
      nll: null,
      kernels: 'reference',
      created: '2025-01-01T00:00:00.000Z',
    },
  };
}

const refuses = (voice: string, message: RegExp | string, code = 'ERR_VOICE_CORRUPT'): Promise<void> =>
  assert.rejects(loadVoice(voice), (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.message);
    if (typeof message === 'string')
      assert.ok(error.message.includes(message), `${error.message}\ndoes not say\n${message}`);
    else assert.match(error.message, message);
    return true;
  });

/** Writes bytes beside the sample voice and returns the path. */
function altered(bytes: Uint8Array): string {
  const name = join(dir, 'altered.safetensors');
  writeFileSync(name, bytes);
  return name;
}

/** Saves a voice that somebody changed; it must be refused and leave no file. */
async function refusesToSave(change: (voice: Voice) => Voice, message: RegExp): Promise<void> {
  const name = join(dir, 'never.safetensors');
  await assert.rejects(saveVoice(name, change(sampleVoice())), message);
  assert.ok(!readdirSync(dir).some((file) => file.startsWith('never')));
}
const withMatrix =
  (name: SparseName, change: Partial<BlockMatrix>) =>
  (voice: Voice): Voice => ({
    ...voice,
    sparse: { ...voice.sparse, [name]: { ...voice.sparse[name], ...change } as BlockMatrix },
  });

test('a voice comes back as it was saved, and nothing else stays in the folder', async () => {
  await saveVoice(path, sampleVoice());
  assert.deepEqual(await loadVoice(path), sampleVoice());
  assert.deepEqual(readdirSync(dir), ['tiny.safetensors']);
});

test('a voice of 4×4 blocks with 16-bit output comes back too', async () => {
  const wide: WaveRnnConfig = { ...config, encoding: 'linear16', block: { rows: 4, columns: 4 } };
  const matrix = (name: SparseName): BlockMatrix => {
    const [rows, columns] = shapeOf(name, wide);
    const rowStart = Int32Array.from({ length: rows / 4 + 1 }, (_, row) => row);
    return {
      rows,
      columns,
      blockRows: 4,
      blockColumns: 4,
      rowStart,
      column: new Int32Array(rows / 4).fill(columns / 4 - 1),
      values: ramp(rows * 4),
    };
  };
  const vector = (name: DenseName): Float32Array => ramp(shapeOf(name, wide).reduce((a, b) => a * b));
  const voice = {
    ...sampleVoice(),
    config: wide,
    sparse: Object.fromEntries(sparseNames.map((name) => [name, matrix(name)])) as Record<SparseName, BlockMatrix>,
    dense: Object.fromEntries(denseNames.map((name) => [name, vector(name)])) as Record<DenseName, Float32Array>,
  };
  const file = join(dir, 'wide.safetensors');
  await saveVoice(file, voice);
  assert.deepEqual(await loadVoice(file), voice);
});

test('the kept files of every version still load', async () => {
  assert.deepEqual(await loadVoice('test/fixtures/voice/version-1.safetensors'), sampleVoice());
  assert.deepEqual(
    await loadVoice('test/fixtures/voice/version-2.safetensors'),
    voiceInPrecision(sampleVoice(), 'int8'),
  );
});

test('the treatment of the recordings travels with the voice; without one the file has no word of it', async () => {
  const treated = { ...sampleVoice(), treatment: { highPass: 60, level: -22.5 } };
  const file = join(dir, 'treated.safetensors');
  await saveVoice(file, treated);
  assert.deepEqual(await loadVoice(file), treated);
  assert.equal(decodeSafetensors(readFileSync(file)).metadata.treatment, '{"highPass":60,"level":-22.5}');
  assert.ok(!('treatment' in decodeSafetensors(readFileSync(path)).metadata));
  for (const [treatment, message] of [
    [{ highPass: 60 }, /treatment\.level/],
    [{ highPass: 0, level: null }, /treatment\.highPass/],
    [{ highPass: 60, level: -23, levelPer: 'clip' }, /treatment/],
  ] as const)
    await refusesToSave((voice) => ({ ...voice, treatment: treatment as Voice['treatment'] }), message);
});

test('voices of every precision come back as they were saved, smaller ones in smaller files', async () => {
  const sizes = [];
  for (const precision of precisions) {
    const voice = voiceInPrecision(sampleVoice(), precision);
    assert.equal(voicePrecision(voice), precision);
    const file = join(dir, `${precision}.safetensors`);
    await saveVoice(file, voice);
    assert.deepEqual(await loadVoice(file), voice);
    assert.equal(decodeSafetensors(readFileSync(file)).metadata.version, precision === 'float32' ? '1' : '2');
    sizes.push(readFileSync(file).length);
  }
  assert.ok(sizes[0] > sizes[1] && sizes[1] > sizes[2], String(sizes));
});

test('a voice that names its licence or what it came from is of version 3, and comes back as it was saved', async () => {
  const voice = sampleVoice();
  const { provenance } = voice;
  const file = join(dir, 'from.safetensors');
  const from = { voice: 'ljspeech', sha256: 'c0ffee', provenance: { ...provenance, from: undefined } };
  for (const more of [
    { licence: 'public domain' },
    { from },
    { from: { ...from, provenance: { ...provenance, from } } },
  ]) {
    const told = { ...voice, provenance: { ...provenance, ...more } };
    await saveVoice(file, told);
    assert.deepEqual(
      JSON.parse(JSON.stringify((await loadVoice(file)).provenance)),
      JSON.parse(JSON.stringify(told.provenance)),
    );
    assert.equal(decodeSafetensors(readFileSync(file)).metadata.version, '3');
  }
});

test('a voice that knows of the spectrum above its features is of version 4, in any precision', async () => {
  const file = join(dir, 'upper.safetensors');
  const upper = ramp(2 * 81, 0.5);
  for (const precision of precisions) {
    const voice = { ...voiceInPrecision(sampleVoice(), precision), upper };
    await saveVoice(file, voice, { force: true });
    assert.deepEqual(await loadVoice(file), voice);
    assert.equal(decodeSafetensors(readFileSync(file)).metadata.version, '4');
  }
  await refusesToSave(
    () => ({ ...sampleVoice(), upper: ramp(3 * 81) }),
    /upper\.weights is F32 \[3, 81\], expected F32/,
  );
  await refusesToSave(() => ({ ...sampleVoice(), upper: ramp(162).fill(NaN, 7, 8) }), /upper\.weights/);
  await refusesToSave(
    () => ({ ...sampleVoice(), features: { ...melPresets.hifigan, fMax: 11025 }, upper: ramp(162) }),
    /upper\.weights/,
  );
});

test('rounded weights that kernels could not trust are refused', async () => {
  const change = (precision: Precision, of: (values: StoredMatrix) => object) => (): Voice => {
    const voice = voiceInPrecision(sampleVoice(), precision);
    return {
      ...voice,
      sparse: {
        ...voice.sparse,
        recurrent: { ...voice.sparse.recurrent, ...of(voice.sparse.recurrent) },
      },
    };
  };
  await refusesToSave(
    change('int8', ({ values }) => ({ values: (values as Int8Array).with(3, -128) })),
    /recurrent\.values has -128 at 3/,
  );
  await refusesToSave(
    change('int8', () => ({ scale: ramp(95) })),
    /recurrent\.scale is F32 \[95\], expected F32 \[96\]/,
  );
  await refusesToSave(
    change('bf16', ({ values }) => ({ values: (values as Uint16Array).with(7, 0x7f80) })),
    /recurrent\.values has bf16 0x7f80 at 7/,
  );
  const { tensors, metadata } = decodeSafetensors(readFileSync('test/fixtures/voice/version-2.safetensors'));
  await refuses(altered(encodeSafetensors(tensors, { ...metadata, version: '1' })), 'checksum');
});

test('a missing file, a folder and a missing folder are refused', async () => {
  await refuses(join(dir, 'nobody.safetensors'), 'nobody.safetensors: no such file', 'ERR_FILE_NOT_FOUND');
  await refuses(dir, 'it is a folder', 'ERR_FILE_READ');
  await assert.rejects(saveVoice(join(dir, 'nowhere', 'voice.safetensors'), sampleVoice()), { code: 'ERR_FILE_WRITE' });
});

test('a voice cut at any of many places is refused', async () => {
  const bytes = readFileSync(path);
  for (let length = 0; length < bytes.length; length += length < 64 ? 1 : 997)
    await refuses(altered(bytes.subarray(0, length)), /altered\.safetensors: /);
  await refuses(altered(bytes.subarray(0, -1)), 'truncated');
  await refuses(altered(Buffer.concat([bytes, Buffer.of(0)])), '1 bytes after the last tensor');
});

test('a flipped bit anywhere is noticed', async () => {
  const bytes = readFileSync(path);
  const header = 8 + Number(bytes.readBigUInt64LE(0));
  for (let at = 0; at < bytes.length; at += at < header ? 7 : 911) {
    const flipped = Buffer.from(bytes);
    flipped[at] ^= 1 << (at % 8);
    await assert.rejects(
      loadVoice(altered(flipped)),
      (error: Error & { code?: string }) => /^ERR_VOICE_(CORRUPT|VERSION)$/.test(error.code ?? ''),
      `byte ${at}`,
    );
  }
});

test('a voice made by a newer version asks for an update', async () => {
  const { tensors, metadata } = decodeSafetensors(readFileSync(path));
  await refuses(
    altered(encodeSafetensors(tensors, { ...metadata, version: '5' })),
    /format 5 was made by a newer version.*update/,
    'ERR_VOICE_VERSION',
  );
  await refuses(altered(encodeSafetensors(tensors, { ...metadata, version: 'x' })), 'version "x"');
});

test('other safetensors files are refused', async () => {
  await refuses(altered(encodeSafetensors(new Map())), 'not a voice');
  const { tensors, metadata } = decodeSafetensors(readFileSync(path));
  await refuses(altered(encodeSafetensors(tensors, { ...metadata, sha256: '0' })), 'checksum');
  await refuses(altered(encodeSafetensors(new Map<string, Tensor>([...tensors].slice(1)), metadata)), 'checksum');
});

test('shapes that contradict the configuration are refused', async () => {
  await refusesToSave(
    (voice) => ({ ...voice, config: { ...voice.config, hidden: 64 } }),
    /recurrent\.rowStart is I32 \[7\], expected I32 \[13\]|input: shape/,
  );
  await refusesToSave(
    (voice) => ({ ...voice, statistics: { ...voice.statistics, std: ramp(79) } }),
    /statistics\.std is F32 \[79\], expected F32 \[80\]/,
  );
  await refusesToSave(
    (voice) => ({ ...voice, config: { ...voice.config, block: { rows: 8, columns: 2 } } }),
    /config\.block is .*blocks of 8×2, expected one of 16×1/,
  );
});

test('a conditioning network other than the configured one is refused', async () => {
  const changed =
    (change: (weights: Voice['conditioning']) => unknown) =>
    (voice: Voice): Voice => {
      change(voice.conditioning);
      return voice;
    };
  await refusesToSave(
    changed((weights) => weights.delete('output.bias')),
    /conditioning\.output\.bias is missing/,
  );
  await refusesToSave(
    changed((weights) => weights.set('residual1.wide.bias', { shape: [8], data: ramp(8) })),
    /residual1\.wide\.bias does not belong/,
  );
  await refusesToSave(
    changed((weights) => weights.set('input.bias', { shape: [9], data: ramp(9) })),
    /input\.bias is F32 \[9\], expected F32 \[8\]/,
  );
});

test('the conditioning network that is trained has the shapes that voices have', () => {
  for (const residualBlocks of [0, 1, 3]) {
    const sizes = { ...config, conditioning: { channels: 24, kernel: 5, residualBlocks } };
    const trained = [...conditioningParameters(sizes, 80, 1)].map(([name, { shape }]) => [name, shape]);
    assert.deepEqual(Object.fromEntries(trained), conditioningShapes(sizes, 80));
  }
});

test('block indices that kernels could not trust are refused', async () => {
  const { rowStart, column } = sampleVoice().sparse.fineLogits;
  const changed = (array: Int32Array, at: number, value: number): Int32Array =>
    Int32Array.from(array, (old, i) => (i === at ? value : old));
  await refusesToSave(
    withMatrix('fineLogits', { column: changed(column, 7, 16) }),
    /fineLogits\.column has 16 at 7, expected less than 16/,
  );
  await refusesToSave(withMatrix('fineLogits', { column: changed(column, 1, -1) }), /block column outside/);
  await refusesToSave(
    withMatrix('fineLogits', { column: changed(column, 1, column[0]) }),
    /has 0 after 0 in block row 0/,
  );
  await refusesToSave(withMatrix('fineLogits', { rowStart: changed(rowStart, 1, 99) }), /goes from 0 to 99/);
  await refusesToSave(
    withMatrix('fineLogits', { rowStart: changed(rowStart, 2, 15) }),
    /runs from 0 to 15, expected 0 to 16/,
  );
});

test('values that are not finite are refused', async () => {
  await refusesToSave(
    (voice) => ({ ...voice, dense: { ...voice.dense, input: ramp(288).fill(NaN, 5, 6) } }),
    /input has NaN at 5/,
  );
  await refusesToSave(
    (voice) => ({ ...voice, statistics: { ...voice.statistics, max: Infinity } }),
    /metadata statistics\.max/,
  );
});
