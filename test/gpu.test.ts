import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { chooseKernels, findGpu } from '../src/kernels/index.js';
import { loadTensorFlow } from '../src/model/backend/backend.js';
import { VocoderTrainer } from '../src/training/vocoder/trainer.js';
import { root, run, temporaryFolder, tinySettings, tinyTraining } from './support/command_line.js';
import { skipWithoutGpu } from './support/gpu.js';
import { tinyStore, tinyVocoder } from './support/tiny_vocoder.js';

const skip = skipWithoutGpu();

const tiny = ['training.steps=20', 'training.learningRate=1e-2'];

for (const [title, ...set] of [
  [
    'a search with a population',
    'sparsity.method=es',
    'sparsity.es={ population: 4, hold: 5, grace: 0.4, sigma: 0.5 }',
  ],
  [
    'masks by gradients, blocks of 16×4',
    'sparsity.method=rigl',
    'sparsity.rigl={ every: 6 }',
    'model.block=[16, 4]',
    'model.encoding=mulaw10',
    'model.hears=symbols',
  ],
])
  test(`20 steps on a GPU have the losses of the processor: ${title}`, { skip }, async (t) => {
    const recipe = tinyVocoder(...tiny, ...set);
    const store = await tinyStore(recipe, temporaryFolder(t));
    const losses = async (name?: string, learningRate = recipe.training.learningRate) => {
      const kernels = chooseKernels({ name, threads: 2 });
      const { tf } = await loadTensorFlow(kernels);
      const training = { ...recipe.training, learningRate };
      const trainer = new VocoderTrainer({ ...recipe, training }, store, kernels, tf);
      return Array.from({ length: 20 }, () => trainer.advance().loss);
    };
    const expected = await losses();
    const [learned, untaught] = [expected[19], (await losses(undefined, 0))[19]];
    assert.ok(learned < untaught - 0.02, `${untaught} without learning, ${learned} with`);
    (await losses('webgpu')).forEach((loss, step) =>
      assert.ok(Math.abs(loss - expected[step]) < 1e-4, `step ${step}: ${loss}, on the processor ${expected[step]}`),
    );
  });

test('tts-train trains on a GPU, and the voice says so', { skip }, (t) => {
  const out = join(temporaryFolder(t), 'run');
  const { status, stderr } = run('train', ...tinyTraining, '--steps', '3', '--kernels', 'webgpu', '--out', out);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /kernels webgpu, \d+ threads/);
});

test('tts-bench train prints the parts of a step on a GPU', { skip }, () => {
  const args = ['--size', 'small', '--kernels', 'webgpu', '--seconds', '0.1', '--json', ...tinySettings];
  const { status, stdout, stderr } = run('bench', 'train', ...args, '--set', 'sparsity.method=fixed');
  assert.equal(status, 0, stderr);
  const [{ kernels, parts }] = JSON.parse(stdout) as [
    { kernels: string; parts: { part: string; milliseconds: number; gmacPerThread?: number }[] },
  ];
  assert.equal(kernels, 'webgpu');
  const milliseconds = new Map(parts.map((each) => [each.part, each.milliseconds]));
  for (const { part, gmacPerThread } of parts) assert.equal(gmacPerThread, undefined, part);
  const shaders = ['conditioning', 'scanForward', 'outputs', 'scanBackward', 'blockGradients', 'conditioningBack'];
  for (const part of [...shaders, 'Adam']) assert.ok(milliseconds.get(part)! > 0, `${part}: ${milliseconds.get(part)}`);
});

test('tts-bench info names the GPU', { skip }, () => {
  const { status, stdout, stderr } = run('bench', 'info', '--json');
  assert.equal(status, 0, stderr);
  const { gpu } = JSON.parse(stdout) as { gpu: string };
  const found = findGpu();
  assert.equal(gpu, 'adapter' in found && found.adapter);
});

test('without a driver, kernels on a GPU are refused with what to install', { skip }, () => {
  const names = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'];
  const before = names.map((name) => process.env[name]);
  for (const name of names) process.env[name] = join(root, 'no-driver.json');
  const { status, stderr } = run('bench', 'train', '--size', 'small', '--kernels', 'webgpu');
  names.forEach((name, i) => {
    if (before[i] === undefined) delete process.env[name];
    else process.env[name] = before[i];
  });
  assert.equal(status, 2);
  assert.match(stderr, /ERR_KERNELS.*no kernels "webgpu" on this machine.*install the driver/s);
});
