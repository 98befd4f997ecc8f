import assert from 'node:assert/strict';
import test from 'node:test';
import {
  classifierCases,
  classifierTensors,
  emptyClassifierGradients,
  examplesOf,
  namedClassifierGradients,
  randomClassifier,
  randomExamples,
} from '../../../test/support/classifiers.js';
import { classifierInTensorFlow } from '../../../test/support/classifiers_in_tensorflow.js';
import { assertClose, tolerances } from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import type { BlockMatrix, ClassifierNetwork, ConvolutionLayer } from '../index.js';
import { chooseKernels, kernelNames } from '../index.js';
import { storingAll } from '../interface/blocks.js';

const reference = chooseKernels({ name: 'reference' });
const scale = 0.25;

const cases = classifierCases.map((plan, i) => {
  const stream = new RandomStream(i, 60);
  const members = [false, false, true].map((full) => randomClassifier(stream, plan, full));
  const batch = randomExamples(stream, members[0], members.length, plan.examples);
  const gradients = emptyClassifierGradients(members);
  const result = reference.classifierGradients(members, batch, scale, gradients);
  return { title: plan.title, members, batch, gradients, result };
});

/**
 * Central differences of the reference's loss, which is double throughout, at up to 25 entries of each tensor of a
 * member. The step is exact in float32. A ReLU or a maximum that flips within it would be seen as a wrong slope: few
 * examples, and a seed for which none does.
 */
const differences = classifierCases.map((plan, i) => {
  const stream = new RandomStream(i, 62);
  const member = randomClassifier(stream, plan);
  const batch = randomExamples(stream, member, 1, 3);
  const total = () => scale * reference.classifierLoss([member], batch).loss[0];
  const slopes = namedClassifierGradients(classifierTensors(member)).map(([, tensor]) => {
    const indices = [...Array(Math.min(25, tensor.length)).keys()].map((k) =>
      Math.floor((k * tensor.length) / Math.min(25, tensor.length)),
    );
    const values = indices.map((at) => {
      const value = tensor[at];
      tensor[at] = value + 2 ** -16;
      const [up, above] = [tensor[at], total()];
      tensor[at] = value - 2 ** -16;
      const [down, below] = [tensor[at], total()];
      tensor[at] = value;
      return (above - below) / (up - down);
    });
    return { indices, values };
  });
  return { title: plan.title, member, batch, slopes };
});

/**
 * A 2×2 image whose pixel p has its channel p set: behind a 1×1 convolution to one channel, weight p is the value at
 * pixel p, and its gradient the one there.
 */
const oneHot = Float32Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0));

/** Those four values, pooled to one x; the logits are x and -x. */
function pooled(how: 'max' | 'mean', values: readonly number[]): ClassifierNetwork {
  const full = (rows: number, columns: number, weights: readonly number[]) => {
    const rowStart = Int32Array.from({ length: rows + 1 }, (_, i) => i * columns);
    return {
      rows,
      columns,
      blockRows: 1,
      blockColumns: 1,
      rowStart,
      column: Int32Array.from({ length: rows * columns }, (_, i) => i % columns),
      values: Float32Array.from(weights),
    };
  };
  const layer = (matrix: BlockMatrix): ConvolutionLayer => ({
    kind: 'convolution',
    matrix,
    bias: new Float32Array(matrix.rows),
    kernel: [1, 1],
    stride: 1,
    padding: 0,
    relu: false,
  });
  return {
    input: [2, 2, 4],
    layers: [layer(full(1, 4, values)), { kind: 'pool', how, size: 2 }, layer(full(2, 1, [1, -1]))],
  };
}

const storingZeros = (member: ClassifierNetwork): ClassifierNetwork => ({
  ...member,
  layers: member.layers.map((layer) =>
    layer.kind === 'convolution' ? { ...layer, matrix: storingAll(layer.matrix) } : layer,
  ),
});

function withoutBlocks(matrix: BlockMatrix): BlockMatrix {
  return {
    ...matrix,
    rowStart: new Int32Array(matrix.rowStart.length),
    column: new Int32Array(0),
    values: new Float32Array(0),
  };
}

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 2 });

  for (const { title, member, batch, slopes } of differences)
    test(`${name}: gradients of every tensor agree with finite differences, ${title}`, () => {
      const gradients = emptyClassifierGradients([member]);
      kernels.classifierGradients([member], batch, scale, gradients);
      namedClassifierGradients(gradients[0]).forEach(([tensor, array], i) => {
        assert.ok(
          slopes[i].values.some((slope) => Math.abs(slope) > 1e-3),
          `${tensor} has no slope to speak of`,
        );
        assertClose(
          tensor,
          slopes[i].indices.map((at) => array[at]),
          slopes[i].values,
          tolerances.gradient,
        );
      });
    });

  for (const { title, members, batch, gradients, result } of cases) {
    if (name !== 'reference')
      test(`${name}: gradients as the reference, ${title}`, () => {
        const actual = emptyClassifierGradients(members);
        const { loss, correct } = kernels.classifierGradients(members, batch, scale, actual);
        assertClose('loss', loss, result.loss, tolerances.loss);
        assert.deepEqual(correct, result.correct);
        members.forEach((_, m) => {
          const expected = namedClassifierGradients(gradients[m]);
          namedClassifierGradients(actual[m]).forEach(([tensor, array], i) =>
            assertClose(`${tensor} of member ${m}`, array, expected[i][1], tolerances.gradient),
          );
        });
      });

    test(`${name}: gradients of all blocks are those of the same nets with their zeros stored, to the bit, ${title}`, () => {
      const full = members.map(storingZeros);
      const [all, expected] = [emptyClassifierGradients(full), emptyClassifierGradients(full)];
      const actual = kernels.classifierGradients(members, batch, scale, all, 'all');
      assert.deepEqual(actual, kernels.classifierGradients(full, batch, scale, expected));
      assert.deepEqual(all, expected);
      const stored = emptyClassifierGradients(members);
      kernels.classifierGradients(members, batch, scale, stored, 'stored');
      // Of a matrix with zeros in it those that are stored are the same, and some of the others are not zero.
      members[0].layers.forEach((layer, l) => {
        if (layer.kind !== 'convolution') return;
        const placed = storingAll({ ...layer.matrix, values: stored[0].weights[l] }).values;
        const inside = storingAll({ ...layer.matrix, values: layer.matrix.values.map(() => 1) }).values;
        assert.deepEqual(
          all[0].weights[l].map((value, at) => (inside[at] ? value : 0)),
          placed,
        );
        if (inside.includes(0)) assert.ok(all[0].weights[l].some((value, at) => inside[at] === 0 && value !== 0));
      });
      assert.ok(members[0].layers.some((_, l) => stored[0].weights[l].length < all[0].weights[l].length));
    });

    test(`${name}: gradients as TensorFlow.js, ${title}`, () => {
      const actual = emptyClassifierGradients(members);
      kernels.classifierGradients(members, batch, 1, actual);
      members.forEach((member, m) => {
        const expected = namedClassifierGradients(classifierInTensorFlow(member, examplesOf(batch, m)).gradients);
        namedClassifierGradients(actual[m]).forEach(([tensor, array], i) =>
          assertClose(`${tensor} of member ${m}`, array, expected[i][1], 4 * tolerances.gradient),
        );
      });
    });
  }

  test(`${name}: gradients are those of scale times the loss`, () => {
    const { members, batch } = cases[1];
    const [once, half, none] = [1, 0.5, 0].map((factor) => {
      const gradients = emptyClassifierGradients(members);
      kernels.classifierGradients(members, batch, factor, gradients);
      return namedClassifierGradients(gradients[1]);
    });
    once.forEach(([tensor, array], i) => {
      assertClose(
        tensor,
        half[i][1].map((value) => 2 * value),
        array,
        tolerances.gradient,
      );
      assert.ok(
        none[i][1].every((value) => value === 0),
        tensor,
      );
    });
  });

  test(`${name}: of equal maxima the first gets the gradient, a mean is shared by all`, () => {
    const gradientOf = (how: 'max' | 'mean', values: number[]) => {
      const gradients = emptyClassifierGradients([pooled(how, values)]);
      kernels.classifierGradients(
        [pooled(how, values)],
        { examples: 1, images: oneHot, labels: Uint8Array.of(0) },
        1,
        gradients,
      );
      return [...gradients[0].weights[0]].map((value) => Math.round(value * 1e4) / 1e4);
    };
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    // The gradient of -log softmax([x, -x])[0] is -2 sigmoid(-2x).
    const slope = (x: number) => Math.round(-2 * sigmoid(-2 * x) * 1e4) / 1e4;
    assert.deepEqual(gradientOf('max', [1, 1, 1, 1]), [slope(1), 0, 0, 0]);
    assert.deepEqual(gradientOf('max', [0, 1, 0.5, 1]), [0, slope(1), 0, 0]);
    assert.deepEqual(gradientOf('max', [0, 0, 0.5, 1]), [0, 0, 0, slope(1)]);
    assert.deepEqual(gradientOf('mean', [2, 0, 0, 2]), Array(4).fill(slope(1) / 4));
  });

  test(`${name}: pixels that no window of a pool covers have no gradient`, () => {
    const stream = new RandomStream(9, 61);
    const plan = {
      input: [3, 3, 1],
      plan: [
        { outputs: 16, blocks: { rows: 16, columns: 1 }, kernel: [1, 1] },
        { pool: 'max', size: 2 },
        { outputs: 2, blocks: { rows: 1, columns: 1 }, kernel: [1, 1] },
      ],
    } as const;
    const member = randomClassifier(stream, plan, true);
    const batch = { examples: 1, images: Float32Array.of(0, 0, 1, 0, 0, 1, 1, 1, 1), labels: Uint8Array.of(0) };
    const gradients = emptyClassifierGradients([member]);
    kernels.classifierGradients([member], batch, 1, gradients);
    assert.ok(gradients[0].weights[0].every((value) => value === 0));
    assert.ok(gradients[0].biases[0].some((value) => value !== 0));
  });

  test(`${name}: a member without a single block learns its biases`, () => {
    const { members, batch } = cases[1];
    const empty = {
      ...members[0],
      layers: members[0].layers.map((layer) =>
        layer.kind === 'convolution' ? { ...layer, matrix: withoutBlocks(layer.matrix) } : layer,
      ),
    };
    const gradients = emptyClassifierGradients([empty]);
    kernels.classifierGradients([empty], examplesOf(batch, 0), 1, gradients);
    const last = gradients[0].biases.length - 1;
    assert.ok(gradients[0].biases[last].some((value) => value !== 0));
    assert.ok(gradients[0].biases[0].every((value) => value === 0));
  });
}
