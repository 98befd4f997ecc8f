import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import v8 from 'node:v8';
import vm from 'node:vm';
import { chooseKernels, type Kernels } from '../src/kernels/index.js';
import { loadTensorFlow } from '../src/model/backend/backend.js';
import { loadVoice } from '../src/model/voice/file.js';
import { type Voice } from '../src/model/voice/voice.js';
import { type SynthesisFeatures, synthesize } from '../src/synthesis/synthesize.js';
import { runWarm, temporaryFolder, tinyTraining } from './support/command_line.js';

const folder = temporaryFolder({ after });
const kernels = chooseKernels({ threads: 1 });
let voice: Voice;
before(async () => {
  const { status, stderr } = runWarm('train', ...tinyTraining, '--steps', '2', '--out', join(folder, 'run'));
  assert.equal(status, 0, stderr);
  voice = await loadVoice(join(folder, 'run', 'voice.safetensors'));
});

/** Frames that look like a mel spectrogram's, the same at every call. */
function frames(first: number, count: number): SynthesisFeatures {
  const bins = voice.statistics.mean.length;
  const data = Float32Array.from(
    { length: count * bins },
    (_, i) =>
      voice.statistics.mean[i % bins] +
      voice.statistics.std[i % bins] * Math.sin(0.7 * (first + Math.floor(i / bins)) + 0.3 * (i % bins)),
  );
  return { data, frames: count };
}

async function* pieces(sizes: readonly number[]): AsyncGenerator<SynthesisFeatures> {
  let first = 0;
  for (const size of sizes) {
    yield await Promise.resolve(frames(first, size));
    first += size;
  }
}

async function spoken(features: SynthesisFeatures | AsyncIterable<SynthesisFeatures>): Promise<number[]> {
  const all: number[] = [];
  for await (const pcm of synthesize(voice, features, { kernels, seed: 5 })) all.push(...pcm);
  return all;
}

test('however the features are cut, the samples are the same', async () => {
  for (const total of [1, 3, 50]) {
    const whole = await spoken(frames(0, total));
    assert.equal(whole.length, total * voice.features.hop);
    assert.equal(whole[0], 0, 'the sound begins and ends in silence');
    assert.equal(whole[whole.length - 1], 0);
    for (const size of [1, 7, 50]) {
      const sizes = Array.from({ length: Math.ceil(total / size) }, (_, i) => Math.min(size, total - i * size));
      assert.deepEqual(await spoken(pieces(sizes)), whole, `${total} frames in pieces of ${size}`);
    }
  }
});

test('a chunk does not wait for features beyond its context', async () => {
  let goOn = (): void => undefined;
  const heard = new Promise<void>((resolve) => (goOn = resolve));
  async function* live(): AsyncGenerator<SynthesisFeatures> {
    yield frames(0, 14);
    // Without sound from these first frames there will be no others.
    await heard;
    yield frames(14, 6);
  }
  let samples = 0;
  for await (const pcm of synthesize(voice, live(), { kernels })) {
    samples += pcm.length;
    goOn();
  }
  assert.equal(samples, 20 * voice.features.hop);
});

test('impossible features are refused, and their source is closed when the listener leaves', async () => {
  await assert.rejects(spoken(pieces([])), { code: 'ERR_FEATURE_SHAPE', message: /ended before the first frame/ });
  await assert.rejects(spoken({ data: new Float32Array(81), frames: 1 }), {
    code: 'ERR_FEATURE_SHAPE',
    message: /81 values in 1 frames, expected 80/,
  });
  let closed = false;
  async function* endless(): AsyncGenerator<SynthesisFeatures> {
    try {
      for (let i = 0; ; i++) yield await Promise.resolve(frames(i, 1));
    } finally {
      closed = true;
    }
  }
  for await (const pcm of synthesize(voice, endless(), { kernels })) if (pcm.length > 0) break;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(closed);
});

test('memory does not grow over thousands of chunks', async () => {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as () => void;
  const { tf } = await loadTensorFlow(kernels);
  const tensors = tf.memory().numTensors;
  let chunks = 0;
  const used: number[] = [];
  for await (const pcm of synthesize(voice, pieces(Array<number>(4000).fill(1)), { kernels })) {
    assert.ok(pcm.length > 0);
    if (++chunks % 1000 !== 0) continue;
    collect();
    // Buffers of finished native work are let go of in a turn of the event loop of their own.
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    used.push(heapUsed + external + arrayBuffers);
  }
  assert.ok(used.length >= 3, `${chunks} chunks`);
  const growth = used[used.length - 1] - used[0];
  // A chunk that were kept would be 2 kB, a megabyte and more in all with its features and gates.
  assert.ok(growth < 1.5e6, `${growth} bytes more after ${used.length - 1} thousand chunks`);
  assert.equal(tf.memory().numTensors, tensors);
});

test('a wide voice is spoken by several threads, a narrow one by one, to the same samples', async () => {
  const { status, stderr } = runWarm(
    'train',
    ...tinyTraining,
    '--set',
    'sizes.small={ hidden: 1024, projection: 32, density: { recurrent: 0.01, output: 0.1 } }',
    '--steps',
    '1',
    '--out',
    join(folder, 'wide'),
  );
  assert.equal(status, 0, stderr);
  const wide = await loadVoice(join(folder, 'wide', 'voice.safetensors'));
  const speaking = async (speaker: Voice, threads: number) => {
    const several = chooseKernels({ threads });
    const asked: (number | undefined)[] = [];
    const watched = new Proxy(several, {
      get: (target, key) =>
        key === 'createSampler'
          ? (...args: Parameters<Kernels['createSampler']>) => {
              asked.push(args[2]);
              return target.createSampler(...args);
            }
          : (Reflect.get(target, key) as unknown),
    });
    const all: number[] = [];
    for await (const pcm of synthesize(speaker, frames(0, 40), { kernels: watched, seed: 5 })) all.push(...pcm);
    return { asked, all };
  };
  const [alone, together] = [await speaking(wide, 1), await speaking(wide, 8)];
  assert.deepEqual([alone.asked, together.asked], [[1], [2]]);
  assert.deepEqual(together.all, alone.all);
  assert.deepEqual((await speaking(voice, 8)).asked, [1]);
});
