import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import util from 'node:util';
import { TtsError } from '../../base/errors.js';
import { chooseKernels } from '../../kernels/index.js';
import { loadTensorFlow, loadTensorFlowWith } from './backend.js';

const kernels = chooseKernels();
const gpu = '@tensorflow/tfjs-node-gpu';

/** Loads real packages but for the GPU package, for which it gives a stand-in or throws. */
const importing = (standIn: () => unknown) => async (name: string) => (name === gpu ? standIn() : import(name));

/** What `import()` throws for a package that is not there. */
function missing(name: string): never {
  throw Object.assign(new Error(`Cannot find package '${name}' imported from backend.js`), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
}

/** TensorFlow.js under another backend name, as tfjs-node-gpu exports it. */
async function standIn(changes: object = {}): Promise<object> {
  return { ...(await import('./tensorflow.js')), ready: async () => {}, getBackend: () => 'tensorflow', ...changes };
}

test('without the GPU package the cpu backend runs, and nothing is said', async (t) => {
  const [warn, log] = [t.mock.method(console, 'warn'), t.mock.method(console, 'log')];
  const { tf, backend, reason } = await loadTensorFlowWith(
    kernels,
    importing(() => missing(gpu)),
  );
  assert.equal(backend, 'cpu');
  assert.equal(tf.getBackend(), 'cpu');
  assert.equal(reason, undefined);
  assert.deepEqual([...tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])).dataSync()], [11]);
  assert.deepEqual(
    [...warn.mock.calls, ...log.mock.calls].map((call) => call.arguments),
    [],
  );
});

test('the packages of this machine load', async () => {
  const { tf, backend } = await loadTensorFlow(kernels);
  assert.equal(tf.getBackend(), backend);
});

test('a GPU package that works is taken', async () => {
  const module = await standIn();
  for (const shape of [module, { default: module }]) {
    const { tf, backend, reason } = await loadTensorFlowWith(
      kernels,
      importing(() => shape),
    );
    assert.equal(backend, 'tensorflow');
    assert.equal(tf, module);
    assert.equal(reason, undefined);
  }
});

test('what tfjs-node needs of node:util is there before it is imported', async () => {
  const old = util as { isNullOrUndefined?: (value: unknown) => boolean };
  const kept = old.isNullOrUndefined;
  delete old.isNullOrUndefined;
  try {
    let during: unknown;
    await loadTensorFlowWith(
      kernels,
      importing(() => ((during = old.isNullOrUndefined), missing(gpu))),
    );
    assert.equal(typeof during, 'function');
    assert.deepEqual(
      [null, undefined, 0].map((value) => old.isNullOrUndefined!(value)),
      [true, true, false],
    );
  } finally {
    if (kept) old.isNullOrUndefined = kept;
  }
});

test('a GPU package that does not load is passed over, with the reason', async () => {
  const { backend, reason } = await loadTensorFlowWith(
    kernels,
    importing(() => {
      throw new Error('libcudart.so.11.0: cannot open shared object file\n    at somewhere');
    }),
  );
  assert.equal(backend, 'cpu');
  assert.equal(
    reason,
    '@tensorflow/tfjs-node-gpu is installed but does not work: libcudart.so.11.0: cannot open shared object file',
  );
  const part = await loadTensorFlowWith(
    kernels,
    importing(() => missing('@mapbox/node-pre-gyp')),
  );
  assert.match(part.reason ?? '', /is installed but does not work: Cannot find package '@mapbox\/node-pre-gyp'/);
});

test('a copy of TensorFlow.js that a failed GPU package leaves behind makes no noise', () => {
  const script = `
    import { loadTensorFlowWith } from './backend.js';
    import { chooseKernels } from '../../kernels/index.js';
    const { backend, reason } = await loadTensorFlowWith(chooseKernels(), async (name) => {
      if (name !== '${gpu}') return import(name);
      await import('@tensorflow/tfjs-core');
      await import('@tensorflow/tfjs-backend-cpu');
      throw new Error('no driver');
    });
    console.log(backend, reason);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  assert.equal(stdout, `cpu ${gpu} is installed but does not work: no driver\n`);
});

test('a GPU package whose operations fail or are wrong is passed over, with the reason', async () => {
  const failing = await standIn({
    matMul: () => {
      throw new Error('CUDA driver version is insufficient');
    },
  });
  const broken = await loadTensorFlowWith(
    kernels,
    importing(() => failing),
  );
  assert.equal(broken.backend, 'cpu');
  assert.match(broken.reason ?? '', /CUDA driver version is insufficient/);
  assert.deepEqual([...broken.tf.relu(broken.tf.tensor1d([-1, 2])).dataSync()], [0, 2]);

  const real = (await standIn()) as typeof broken.tf;
  const wrong = await standIn({
    matMul: (...call: Parameters<typeof real.matMul>) => real.mul(real.matMul(...call), 2),
  });
  const { reason } = await loadTensorFlowWith(
    kernels,
    importing(() => wrong),
  );
  assert.match(reason ?? '', /a test product gives 146 2 2 20 20, expected 73 1 1 10 10/);
});

test('no TensorFlow.js at all is an error with a code', async () => {
  await assert.rejects(
    loadTensorFlowWith(kernels, async (name) => missing(name)),
    (error: unknown) =>
      error instanceof TtsError &&
      error.code === 'ERR_BACKEND' &&
      /Cannot find package '\.\/tensorflow\.js'/.test(error.message),
  );
});
