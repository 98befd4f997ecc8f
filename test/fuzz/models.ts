import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TtsError } from '../../src/base/errors.js';
import { RandomStream } from '../../src/base/random.js';
import { chooseKernels } from '../../src/kernels/index.js';
import { encodeAcoustic } from '../../src/model/acoustic/encoding.js';
import { loadAcoustic } from '../../src/model/acoustic/file.js';
import type { AcousticModel } from '../../src/model/acoustic/model.js';
import { MelPredictor, type PredictedMel } from '../../src/model/acoustic/predict.js';
import { loadClassifier, saveClassifier, type SavedClassifier } from '../../src/model/classifiers/file.js';
import { checksum } from '../../src/model/model_file.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/model/safetensors.js';
import { decodeVoice, encodeVoice } from '../../src/model/voice/encoding.js';
import { loadVoice } from '../../src/model/voice/file.js';
import type { Voice } from '../../src/model/voice/voice.js';
import { synthesize } from '../../src/synthesis/synthesize.js';
import { randomModel } from '../support/acoustic.js';
import { classifierCases, randomClassifier } from '../support/classifiers.js';
import { chance, damaged, oneOf } from './damage.js';
import { assertFinite, type FuzzedReader } from './reader.js';
import { forged, otherHeader } from './safetensors.js';

const kernels = chooseKernels({ threads: 1 });

const [older, ...others] = ['version-1', 'version-2'].map((name) =>
  readFileSync(`test/fixtures/voice/${name}.safetensors`),
);
const newest = encodeVoice({
  ...decodeVoice(older),
  upper: Float32Array.from({ length: 2 * 81 }, (_, i) => Math.sin(i)),
});
const voices = [older, ...others, Buffer.from(newest)].map((bytes) => ({ bytes, parts: decodeSafetensors(bytes) }));

/** Speaks three frames of mean features; returns the samples, or undefined where the voice says by code why not. */
async function speak(voice: Voice): Promise<number | undefined> {
  const { mean } = voice.statistics;
  const data = Float32Array.from({ length: 3 * mean.length }, (_, i) => mean[i % mean.length]);
  let samples = 0;
  try {
    for await (const pcm of synthesize(voice, { data, frames: 3 }, { kernels })) samples += pcm.length;
  } catch (error) {
    if (error instanceof TtsError && ['ERR_NOT_FINITE', 'ERR_FEATURE_RANGE'].includes(error.code)) return undefined;
    throw error;
  }
  return samples;
}

export const voice: FuzzedReader<{ voice: Voice; spoken: number | undefined }> = {
  make(random) {
    const { bytes, parts } = oneOf(random, voices);
    if (chance(random, 0.05))
      return {
        files: { 'v.safetensors': bytes },
        expected: ({ voice: read, spoken }) => {
          assert.equal(spoken, 3 * read.features.hop);
          assert.deepEqual(Buffer.from(encodeVoice(read)), bytes, 'what was read is not what was written');
        },
      };
    const kind = random.below(10);
    if (kind === 0) return { files: { 'v.safetensors': damaged(bytes, random) } };
    if (kind <= 2) return { files: { 'v.safetensors': otherHeader(bytes, random) } };
    const { tensors, metadata } = forged(parts, random);
    const right = { ...metadata, sha256: checksum(tensors, metadata) };
    return { files: { 'v.safetensors': encodeSafetensors(tensors, right) } };
  },
  async read(folder) {
    const read = await loadVoice(join(folder, 'v.safetensors'));
    return { voice: read, spoken: await speak(read) };
  },
  check({ voice: { dense, features, statistics, upper = new Float32Array(0), conditioning }, spoken }) {
    assertFinite(upper, 'upper.weights');
    for (const [name, values] of Object.entries(dense)) assertFinite(values, name);
    for (const [name, { data }] of conditioning) assertFinite(data, name);
    assertFinite([...statistics.mean, ...statistics.std, statistics.min, statistics.max], 'statistics');
    assert.ok(statistics.std.every((deviation) => deviation > 0));
    assert.equal(statistics.mean.length, features.bins);
    if (spoken !== undefined) assert.equal(spoken, 3 * features.hop, 'samples of three frames');
  },
};

/** Small acoustic models, as files. */
const acousticModels = [1, 2].map((seed) => encodeAcoustic(randomModel(seed)));

export const acoustic: FuzzedReader<{ model: AcousticModel; mel: PredictedMel | undefined }> = {
  make(random) {
    const bytes = Buffer.from(oneOf(random, acousticModels));
    if (chance(random, 0.05))
      return {
        files: { 'a.safetensors': bytes },
        expected: ({ model }) =>
          assert.deepEqual(Buffer.from(encodeAcoustic(model)), bytes, 'what was read is not what was written'),
      };
    const kind = random.below(10);
    if (kind === 0) return { files: { 'a.safetensors': damaged(bytes, random) } };
    if (kind <= 2) return { files: { 'a.safetensors': otherHeader(bytes, random) } };
    const { tensors, metadata } = forged(decodeSafetensors(bytes), random);
    const right = { ...metadata, sha256: checksum(tensors, metadata) };
    return { files: { 'a.safetensors': encodeSafetensors(tensors, right) } };
  },
  async read(folder) {
    const model = await loadAcoustic(join(folder, 'a.safetensors'));
    try {
      const ids = [0, 30, 12, 44, 1, 20, 51, 5];
      return { model, mel: new MelPredictor(model, kernels).predict(ids.map((id) => ({ id }))) };
    } catch (error) {
      if (error instanceof TtsError && error.code === 'ERR_NOT_FINITE') return { model, mel: undefined };
      throw error;
    }
  },
  check({ model: { weights, statistics, features }, mel }) {
    for (const [name, values] of weights) assertFinite(values, name);
    assertFinite([...statistics.mean, ...statistics.std], 'statistics');
    if (mel === undefined) return;
    assertFinite(mel.data, 'mels');
    assertFinite(mel.f0, 'melody');
    assert.equal(mel.data.length, mel.frames * features.bins);
    assert.equal(mel.starts.at(-1), mel.frames);
  },
};

/** Small classifiers of all kinds of layers, as files. */
const classifiers = await (async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tts-fuzz-'));
  const path = join(folder, 'c.safetensors');
  const files: Buffer[] = [];
  for (const [i, plan] of classifierCases.slice(0, 3).entries()) {
    const network = randomClassifier(new RandomStream(i, 1), plan);
    const channels = Array.from({ length: network.input[2] }, () => 0.5);
    await saveClassifier(path, { network, normalisation: { mean: channels, deviation: channels }, provenance: {} });
    files.push(readFileSync(path));
  }
  rmSync(folder, { recursive: true });
  return files;
})();

export const classifier: FuzzedReader<SavedClassifier> = {
  make(random) {
    const bytes = oneOf(random, classifiers);
    if (chance(random, 0.05))
      return {
        files: { 'c.safetensors': bytes },
        expected: ({ network }) => assert.equal(network.layers.length > 0, true),
      };
    const kind = random.below(6);
    if (kind === 0) return { files: { 'c.safetensors': damaged(bytes, random) } };
    if (kind === 1) return { files: { 'c.safetensors': otherHeader(bytes, random) } };
    const { tensors, metadata } = forged(decodeSafetensors(bytes), random);
    return { files: { 'c.safetensors': encodeSafetensors(tensors, metadata) } };
  },
  read: (folder) => loadClassifier(join(folder, 'c.safetensors')),
  check({ network, normalisation }) {
    assertFinite([...normalisation.mean, ...normalisation.deviation], 'normalisation');
    assert.ok(normalisation.deviation.every((deviation) => deviation > 0));
    for (const layer of network.layers) {
      if (layer.kind === 'pool') continue;
      if (layer.kind === 'depthwise') {
        assertFinite(layer.weights, 'weights');
        continue;
      }
      const { rows, columns, blockRows, blockColumns, rowStart, column, values } = layer.matrix;
      assertFinite(values, 'weights');
      assertFinite(layer.bias, 'bias');
      assert.equal(values.length, column.length * blockRows * blockColumns);
      assert.equal(rowStart.length, Math.ceil(rows / blockRows) + 1);
      assert.equal(rowStart.at(-1), column.length);
      assert.ok(column.every((index) => index >= 0 && index < columns / blockColumns));
    }
  },
};
