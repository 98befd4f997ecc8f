import { allBlocks, type GradientBlocks } from '../interface/blocks.js';
import type {
  ClassifierBatch,
  ClassifierGradients,
  ClassifierNetwork,
  ClassifierResult,
} from '../interface/classifier.js';
import { imageShapes } from '../interface/classifier.js';
import type { LayerSums } from './layers.js';
import { backwardLayer, forwardLayer } from './layers.js';

/**
 * Loss in nats and correct answers of each member, and with `gradients` those of `scale` times its loss. One example
 * after the other; gradients are summed in double and rounded once. Arguments are taken as checked.
 */
export function referenceClassifier(
  members: readonly ClassifierNetwork[],
  batch: ClassifierBatch,
  scale: number,
  gradients: readonly ClassifierGradients[] | null,
  blocks?: GradientBlocks,
): ClassifierResult {
  const { examples, shared = 1, images, labels, nll } = batch;
  const result = { loss: new Float64Array(members.length), correct: new Int32Array(members.length) };
  const pixels = (images.length * shared) / (members.length * examples);
  members.forEach((member, m) => {
    const doubles = (arrays?: readonly Float32Array[]) => (arrays ?? []).map((array) => new Float64Array(array.length));
    const [weights, biases] = [doubles(gradients?.[m].weights), doubles(gradients?.[m].biases)];
    const sums = weights.map((array, l): LayerSums => {
      const layer = member.layers[l];
      const at = layer.kind !== 'convolution' ? undefined : blocks === 'all' ? allBlocks(layer.matrix) : layer.matrix;
      return { at, weights: array, biases: biases[l] };
    });
    const first = Math.floor(m / shared) * examples;
    for (let i = first; i < first + examples; i++) {
      const activations = forward(member, Float64Array.from(images.subarray(i * pixels, (i + 1) * pixels)));
      const logits = activations[member.layers.length];
      const logProbabilities = logSoftmax(logits);
      result.loss[m] -= logProbabilities[labels[i]];
      if (nll) nll[m * examples + i - first] = -logProbabilities[labels[i]];
      if (logits.indexOf(Math.max(...logits)) === labels[i]) result.correct[m]++;
      if (gradients)
        backward(
          member,
          activations,
          logProbabilities.map((log, k) => scale * (Math.exp(log) - (k === labels[i] ? 1 : 0))),
          sums,
        );
    }
    weights.forEach((array, l) => gradients?.[m].weights[l].set(array));
    biases.forEach((array, l) => gradients?.[m].biases[l].set(array));
  });
  return result;
}

/** What goes into each layer, and the logits. */
function forward(network: ClassifierNetwork, image: Float64Array): Float64Array[] {
  const shapes = imageShapes(network);
  const activations = [image];
  network.layers.forEach((layer, l) => activations.push(forwardLayer(layer, shapes[l], shapes[l + 1], activations[l])));
  return activations;
}

function backward(
  network: ClassifierNetwork,
  activations: readonly Float64Array[],
  dLogits: Float64Array,
  sums: readonly LayerSums[],
): void {
  const shapes = imageShapes(network);
  let dy = dLogits;
  for (let l = network.layers.length - 1; l >= 0; l--)
    dy = backwardLayer(network.layers[l], shapes[l], shapes[l + 1], activations[l], activations[l + 1], dy, sums[l]);
}

/** Subtracting the largest logit first keeps exp from overflowing. */
function logSoftmax(logits: Float64Array): Float64Array {
  const largest = Math.max(...logits);
  const logTotal = largest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
  return logits.map((logit) => logit - logTotal);
}
