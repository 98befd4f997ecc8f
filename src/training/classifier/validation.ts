import { type Examples, takeExamples } from '../../data/images/examples.js';
import type { ClassifierKernels, ClassifierNetwork } from '../../kernels/interface/classifier.js';

/** How well a classifier does on examples. */
export interface ClassifierScore {
  /** Share of the examples whose most likely class is the label. */
  readonly accuracy: number;
  /** Mean nats per example. */
  readonly nll: number;
}

/** Examples per call of the kernels: a bound on memory only. */
const perCall = 1000;

/** The nats of each example. */
export function natsOf(kernels: ClassifierKernels, network: ClassifierNetwork, examples: Examples): Float32Array {
  const nll = new Float32Array(examples.count);
  for (let first = 0; first < examples.count; first += perCall) {
    const count = Math.min(perCall, examples.count - first);
    const part = nll.subarray(first, first + count);
    kernels.classifierLoss([network], { ...takeExamples(examples, first, count), nll: part });
  }
  return nll;
}

/** Runs all examples through a network. */
export function scoreClassifier(
  kernels: ClassifierKernels,
  network: ClassifierNetwork,
  examples: Examples,
): ClassifierScore {
  let nats = 0;
  let correct = 0;
  for (let first = 0; first < examples.count; first += perCall) {
    const result = kernels.classifierLoss(
      [network],
      takeExamples(examples, first, Math.min(perCall, examples.count - first)),
    );
    nats += result.loss[0];
    correct += result.correct[0];
  }
  return { accuracy: correct / examples.count, nll: nats / examples.count };
}
