import util from 'node:util';
import { TtsError } from '../../base/errors.js';
import type { Kernels } from '../../kernels/index.js';
import { type TensorFlow } from './fast_kernel.js';
import { registerFastKernels } from './fast_kernels.js';

export type { TensorFlow } from './fast_kernel.js';

export interface LoadedTensorFlow {
  readonly tf: TensorFlow;
  /** `tensorflow` for tfjs-node-gpu, `cpu` for plain TensorFlow.js under our kernels. */
  readonly backend: string;
  /** Why tfjs-node-gpu is installed but not used; worth a line to the user. */
  readonly reason?: string;
}

const gpuPackage = '@tensorflow/tfjs-node-gpu';

/**
 * TensorFlow.js on the best backend there is: `@tensorflow/tfjs-node-gpu` when it is installed and works, else the cpu
 * backend with `kernels` under its hot operations.
 * @throws {TtsError} ERR_BACKEND when no TensorFlow.js loads at all.
 */
export function loadTensorFlow(kernels: Kernels): Promise<LoadedTensorFlow> {
  return loadTensorFlowWith(kernels, (name) => import(name) as Promise<unknown>);
}

/** `loadTensorFlow` with `import()` as a parameter, so that tests can give packages that are not installed. */
export async function loadTensorFlowWith(
  kernels: Kernels,
  importer: (name: string) => Promise<unknown>,
): Promise<LoadedTensorFlow> {
  // tfjs-node calls it in nearly every operation; Node 23 removed it.
  (util as { isNullOrUndefined?: (value: unknown) => boolean }).isNullOrUndefined ??= (value) => value == null;
  let reason: string | undefined;
  try {
    const tf = unwrap(await importer(gpuPackage));
    await tf.ready();
    tryOut(tf);
    return { tf, backend: tf.getBackend() };
  } catch (error) {
    if (!isMissing(error)) reason = `${gpuPackage} is installed but does not work: ${firstLine(error)}`;
  }

  try {
    quieten();
    const tf = (await importer('./tensorflow.js')) as TensorFlow;
    // Without it the first tensor prints an advertisement.
    tf.enableProdMode();
    await tf.setBackend('cpu');
    registerFastKernels(tf, kernels);
    tryOut(tf);
    return { tf, backend: 'cpu', reason };
  } catch (cause) {
    throw new TtsError(
      'ERR_BACKEND',
      `TensorFlow.js, which comes with this package, does not load: ${firstLine(cause)}`,
      {
        cause,
      },
    );
  }
}

/**
 * All copies of TensorFlow.js in a process share one engine. A GPU package that failed may have left its copy's kernels
 * there, and ours would then warn of every kernel that it registers again.
 */
function quieten(): void {
  const { _tfengine } = globalThis as { _tfengine?: { ENV: { set(flag: string, value: boolean): void } } };
  _tfengine?.ENV.set('PROD', true);
}

/** A CommonJS module comes as `default`, or spread, or both. */
function unwrap(module: unknown): TensorFlow {
  return (module as { default?: TensorFlow }).default ?? (module as TensorFlow);
}

/** One product and its gradient: a backend that loads may still lack its driver. */
function tryOut(tf: TensorFlow): void {
  const values = tf.tidy(() => {
    const weight = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const input = tf.tensor2d([1, 10], [1, 2]);
    const { value, grad } = tf.valueAndGrad((w) => tf.sum(tf.matMul(input, w as typeof weight)))(weight);
    return [...value.dataSync(), ...grad.dataSync()];
  });
  const expected = [73, 1, 1, 10, 10];
  if (!expected.every((value, i) => value === values[i]))
    throw new Error(`a test product gives ${values.join(' ')}, expected ${expected.join(' ')}`);
}

/** True if the GPU package itself is not there; a missing part of it is another matter. */
function isMissing(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return (
    (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && String(message).includes(`'${gpuPackage}'`)
  );
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0];
}
