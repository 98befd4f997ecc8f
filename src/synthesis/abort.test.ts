import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { writeWav } from '../audio/write.js';
import { chooseKernels, kernelNames } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import { loadVoice } from '../model/voice/file.js';
import { synthesizeFolder } from './folder.js';
import { type SynthesisFeatures, synthesize, synthesizeMany } from './synthesize.js';

const voice = await loadVoice('test/fixtures/voice/version-1.safetensors');
const kernels = chooseKernels({ threads: 1 });
const bins = voice.features.bins;

/** Frames as they are on average. */
function frames(count: number): SynthesisFeatures {
  const { mean } = voice.statistics;
  return { data: Float32Array.from({ length: count * bins }, (_, i) => mean[i % bins] + Math.sin(i)), frames: count };
}

const aborted = (reason?: unknown) => (error: Error & { code?: string }) =>
  error.name === 'AbortError' && error.code === 'ABORT_ERR' && (reason === undefined || error.cause === reason);

/** Features that come up to a point, and then no more. */
function stalled(count: number) {
  const source = {
    closed: false,
    features: {
      [Symbol.asyncIterator]() {
        let given = false;
        return {
          next: () => {
            if (given) return new Promise<never>(() => undefined);
            given = true;
            return Promise.resolve({ done: false as const, value: frames(count) });
          },
          return: () => {
            source.closed = true;
            return Promise.resolve({ done: true as const, value: undefined });
          },
        };
      },
    },
  };
  return source;
}

test('a signal that has said stop before ends the speech before it begins', async () => {
  const reason = new Error('not today');
  const signal = AbortSignal.abort(reason);
  const source = stalled(4);
  await assert.rejects(synthesize(voice, source.features, { kernels, signal }).next(), aborted(reason));
  await assert.rejects(synthesizeMany(voice, [frames(4)], { kernels, signal }).next(), aborted(reason));
});

test('a wait for features ends at once, and their source is told', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const source = stalled(20);
  const speech = synthesize(voice, source.features, { kernels, signal });
  let samples = 0;
  await assert.rejects(
    (async () => {
      for await (const pcm of speech) {
        samples += pcm.length;
        // The next chunk would need features that never come.
        setTimeout(() => controller.abort(), 5);
      }
    })(),
    aborted(),
  );
  assert.ok(samples > 0);
  assert.ok(source.closed);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assert.deepEqual(await speech.next(), { done: true, value: undefined });
});

test('the next chunk after a stop is an error, and nothing is left at the signal', async () => {
  for (const name of kernelNames()) {
    const controller = new AbortController();
    const speech = synthesize(voice, frames(40), {
      kernels: chooseKernels({ name, threads: 1 }),
      signal: controller.signal,
    });
    assert.equal((await speech.next()).done, false);
    controller.abort('enough');
    await assert.rejects(speech.next(), aborted('enough'));
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  }
});

test('without a stop a signal changes nothing', async () => {
  const spoken = async (signal?: AbortSignal) => {
    const all: number[] = [];
    for await (const pcm of synthesize(voice, frames(30), { kernels, signal })) all.push(...pcm);
    return all;
  };
  const { signal } = new AbortController();
  assert.deepEqual(await spoken(signal), await spoken());
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('many utterances at once end at once too, even where the next one is being waited for', async () => {
  const controller = new AbortController();
  let closed = false;
  const endless = {
    [Symbol.asyncIterator]: () => {
      let given = 0;
      return {
        next: () =>
          given++ < 6
            ? Promise.resolve({ done: false as const, value: frames(40) })
            : new Promise<never>(() => undefined),
        return: () => {
          closed = true;
          return Promise.resolve({ done: true as const, value: undefined });
        },
      };
    },
  };
  setTimeout(() => controller.abort(), 20);
  await assert.rejects(async () => {
    for await (const { pcm } of synthesizeMany(voice, endless, { kernels, signal: controller.signal }))
      assert.ok(pcm.length >= 0);
  }, aborted());
  assert.ok(closed);
});

test('a folder that is stopped keeps what is complete, and nothing of the rest', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'abort-'));
  after(() => rmSync(folder, { recursive: true }));
  const [input, output] = [join(folder, 'in'), join(folder, 'out')];
  mkdirSync(input);
  // The largest come first; four slots are filled before the small ones.
  for (let i = 0; i < 12; i++) {
    const samples = Int16Array.from({ length: 256 * (60 + 10 * i) }, (_, t) => 3000 * Math.sin(t * (0.05 + 0.01 * i)));
    await writeWav(join(input, `f${i}.wav`), samples, voice.features.sampleRate);
  }
  const controller = new AbortController();
  let spoken = 0;
  await assert.rejects(
    synthesizeFolder(voice, input, output, {
      voiceName: 'fixture',
      kernels,
      signal: controller.signal,
      onFile: (file) => {
        if (file.error) throw file.error;
        if (++spoken === 2) controller.abort();
      },
    }),
    aborted(),
  );
  assert.ok(existsSync(output));
  assert.equal(readdirSync(output).length, spoken, readdirSync(output).join());
});

test('streams that are let go of in the middle hold no tensors, and what they hold is collected', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { tf } = await loadTensorFlow(kernels);
  const before = tf.memory().numTensors;
  const sources: WeakRef<object>[] = [];
  const begin = async () => {
    const features = stalled(40).features;
    sources.push(new WeakRef(features));
    const speech = synthesize(voice, features, { kernels });
    assert.ok(((await speech.next()).value as Int16Array).length > 0);
    assert.equal(tf.memory().numTensors, before, 'between chunks there is none');
    // And nobody asks for the rest, nor says that it is not wanted.
  };
  for (let i = 0; i < 20; i++) await begin();
  assert.equal(tf.memory().numTensors, before);
  for (let round = 0; round < 50 && sources.some((source) => source.deref()); round++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();
  }
  assert.equal(sources.filter((source) => source.deref()).length, 0);
});
