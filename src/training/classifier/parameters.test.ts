import assert from 'node:assert/strict';
import test from 'node:test';
import { randomExamples } from '../../../test/support/classifiers.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels } from '../../kernels/index.js';
import type { ClassifierConfig } from '../../model/classifiers/classifiers.js';
import { classifierShapes, maskedLayers } from '../../model/classifiers/shapes.js';
import { blockCount, highest, keptBlocks, type Mask } from '../../sparsity/mask.js';
import { ClassifierParameters, gradientsFor } from './parameters.js';

const config: ClassifierConfig = {
  name: 'tiny',
  input: [6, 6, 4],
  layers: [
    { kind: 'depthwise', kernel: 3, padding: 1 },
    { kind: 'convolution', outputs: 8, kernel: 3, padding: 1 },
    { kind: 'pool', how: 'max', size: 2 },
    { kind: 'dense', outputs: 16 },
    { kind: 'dense', outputs: 5, relu: false },
  ],
};
const shapes = classifierShapes(config, { density: 0.3, block: { rows: 4, columns: 4 }, layers: { conv1: 0.5 } });
const kernels = chooseKernels({ threads: 1 });

/** Masks of so many members, each its own. */
function randomMasks(members: number): Mask[][] {
  const random = new RandomStream(5, 0);
  return Array.from({ length: members }, () =>
    maskedLayers(shapes).map((layer) =>
      highest(
        Float64Array.from({ length: blockCount(layer) }, () => random.uniform()),
        keptBlocks(layer, layer.density),
      ),
    ),
  );
}

const parametersOf = (masks: Mask[][]) =>
  new ClassifierParameters(config.input, shapes, masks, { seed: 1, initial: 1, revive: 'zero' });

test('the joined gradients are those of the mean of the members’ mean losses, for what all of them have', () => {
  const parameters = parametersOf(randomMasks(4));
  const networks = parameters.networks();
  const examples = 9;
  const batch = randomExamples(new RandomStream(2, 0), networks[0], 4, examples);
  const buffers = networks.map((network) => gradientsFor(network));
  kernels.classifierGradients(networks, batch, 1 / examples, buffers);
  const gradients = parameters.combine(buffers);
  const loss = () => {
    parameters.gather();
    return kernels.classifierLoss(networks, batch).loss.reduce((sum, nats) => sum + nats, 0) / examples / 4;
  };
  const states = [...parameters.named()];
  assert.deepEqual(
    states.map(([name]) => name),
    ['depthwise1.weights', 'conv1.weights', 'conv1.bias', 'fc1.weights', 'fc1.bias', 'fc2.weights', 'fc2.bias'],
  );
  const step = 2e-3;
  states.forEach(([name, { weights }], i) => {
    if (name === 'conv1.weights' || name === 'fc1.weights') return;
    const at = weights.length >> 1;
    const was = weights[at];
    const [above, below] = [was + step, was - step].map((value) => {
      weights[at] = value;
      return loss();
    });
    weights[at] = was;
    const numeric = (above - below) / (2 * step);
    assert.ok(
      Math.abs(gradients[i][at] - numeric) < 0.03 * Math.max(0.1, Math.abs(numeric)),
      `${name}: ${gradients[i][at]}, by differences ${numeric}`,
    );
  });
});

test('arrays bring everything back, and those of another net are refused', () => {
  const masks = randomMasks(2);
  const parameters = parametersOf(masks);
  const other = new ClassifierParameters(config.input, shapes, [masks[1], masks[1]], {
    seed: 2,
    initial: 1,
    revive: 'zero',
  });
  other.fromArrays(parameters.toArrays(), 2);
  assert.deepEqual(other.masks(), masks);
  assert.deepEqual(other.networks(), parameters.networks());
  assert.throws(() => other.fromArrays(new Map(), 2), RangeError);
});
