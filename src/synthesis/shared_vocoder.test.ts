import assert from 'node:assert/strict';
import test from 'node:test';
import { tinyVoice } from '../../test/support/speaking.js';
import { chooseKernels, kernelNames } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import { loadVoice } from '../model/voice/file.js';
import { SharedVocoder } from './shared_vocoder.js';
import { type SynthesisFeatures, synthesize } from './synthesize.js';

const voice = await loadVoice(tinyVoice);
const bins = voice.features.bins;

/** Frames around the mean ones. */
function frames(count: number, kind = 1): SynthesisFeatures {
  const { mean } = voice.statistics;
  const data = Float32Array.from({ length: count * bins }, (_, i) => mean[i % bins] + Math.sin(i * kind));
  return { data, frames: count };
}

async function all(speech: AsyncIterable<Int16Array>): Promise<Int16Array> {
  const samples: number[] = [];
  for await (const pcm of speech) samples.push(...pcm);
  return Int16Array.from(samples);
}

async function open(slots: number, name?: Parameters<typeof chooseKernels>[0] & object) {
  const kernels = chooseKernels({ threads: 2, ...name });
  const { tf } = await loadTensorFlow(kernels);
  return { kernels, vocoder: new SharedVocoder(voice, { kernels, tf }, slots) };
}

for (const name of kernelNames())
  test(`what a caller gets does not depend on the others: ${name}`, async () => {
    const { kernels, vocoder } = await open(3, { name });
    const callers = [1, 40, 3, 57, 20].map((count, i) => ({ features: frames(count, i + 1), seed: i % 4 }));
    const together = await Promise.all(
      callers.map(({ features, seed }) => all(vocoder.synthesize(features, { seed }))),
    );
    for (const [i, { features, seed }] of callers.entries())
      assert.deepEqual(together[i], await all(synthesize(voice, features, { seed, kernels })), `caller ${i}`);
  });

test('whoever leaves gives the place to the next, in the middle of a speech or before its turn', async () => {
  const { vocoder } = await open(1);
  const first = vocoder.synthesize(frames(400));
  await first.next();
  const controller = new AbortController();
  const impatient = all(vocoder.synthesize(frames(4), { signal: controller.signal }));
  const patient = all(vocoder.synthesize(frames(4)));
  controller.abort();
  await assert.rejects(impatient, { code: 'ABORT_ERR' });
  await first.return();
  assert.equal((await patient).length, 4 * voice.features.hop);
});

test('a slow reader holds up nobody, and little is made for it ahead of time', async () => {
  const { vocoder } = await open(2);
  let asked = 0;
  async function* endless() {
    for (;;) {
      await Promise.resolve();
      asked++;
      yield frames(8);
    }
  }
  const slow = vocoder.synthesize(endless());
  await slow.next();
  for (let i = 0; i < 5; i++) await all(vocoder.synthesize(frames(150)));
  // Two chunks that are drawn, one that is being drawn, one that is prepared, 32 frames each.
  assert.ok(asked <= 30, `${asked} pieces of features were asked for`);
  await slow.return();
});

test('features that are wrong end the speech of whoever gave them, and no other', async () => {
  const { vocoder } = await open(4);
  const wrong = frames(60);
  wrong.data[70 * 50] = NaN;
  const others = [1, 2].map((seed) => all(vocoder.synthesize(frames(60), { seed })));
  await assert.rejects(all(vocoder.synthesize(wrong)), { code: 'ERR_FEATURE_NOT_FINITE' });
  await assert.rejects(all(vocoder.synthesize(frames(60), { seed: -1 })), { code: 'ERR_ARGUMENT' });
  for (const pcm of await Promise.all(others)) assert.equal(pcm.length, 60 * voice.features.hop);
});
