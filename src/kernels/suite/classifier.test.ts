import assert from 'node:assert/strict';
import test from 'node:test';
import {
  classifierCases,
  emptyClassifierGradients,
  examplesOf,
  randomClassifier,
  randomExamples,
} from '../../../test/support/classifiers.js';
import { classifierInTensorFlow } from '../../../test/support/classifiers_in_tensorflow.js';
import { assertClose, normals, tolerances } from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import type { ClassifierNetwork, ConvolutionLayer } from '../index.js';
import { chooseKernels, imageShapes, kernelNames } from '../index.js';

const cases = classifierCases.map((plan, i) => {
  const stream = new RandomStream(i, 50);
  const members = [false, false, true].map((full) => randomClassifier(stream, plan, full));
  const batch = randomExamples(stream, members[0], members.length, plan.examples);
  return {
    title: plan.title,
    members,
    batch,
    expected: members.map((member, m) => classifierInTensorFlow(member, examplesOf(batch, m))),
  };
});

/** A network without hidden layers, whose logits for an image that is all 1 are the weights given. */
function logitsOnly(logits: readonly number[]): ClassifierNetwork {
  const rows = logits.length;
  const matrix = {
    rows,
    columns: 1,
    blockRows: 1,
    blockColumns: 1,
    rowStart: Int32Array.from({ length: rows + 1 }, (_, i) => i),
    column: new Int32Array(rows),
    values: Float32Array.from(logits),
  };
  return {
    input: [1, 1, 1],
    layers: [
      { kind: 'convolution', matrix, bias: new Float32Array(rows), kernel: [1, 1], stride: 1, padding: 0, relu: false },
    ],
  };
}

test('shapes of images follow from the layers', () => {
  assert.deepEqual(imageShapes(cases[1].members[0]), [
    [9, 7, 3],
    [5, 4, 16],
    [5, 4, 8],
    [2, 2, 8],
    [1, 1, 10],
  ]);
  assert.deepEqual(imageShapes(cases[3].members[0]), [
    [11, 10, 1],
    [5, 5, 1],
    [5, 5, 16],
    [2, 2, 16],
    [1, 1, 16],
    [1, 1, 3],
  ]);
});

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 2 });

  for (const { title, members, batch, expected } of cases) {
    test(`${name}: loss and correct answers as TensorFlow.js, ${title}`, () => {
      const nll = new Float32Array(members.length * batch.examples).fill(NaN);
      const { loss, correct } = kernels.classifierLoss(members, { ...batch, nll });
      assertClose(
        'sums of the nats of each example',
        members.map((_, m) => nll.subarray(m * batch.examples, (m + 1) * batch.examples).reduce((a, b) => a + b, 0)),
        loss,
        tolerances.product,
      );
      assertClose(
        'loss',
        loss,
        expected.map((each) => each.loss),
        tolerances.product,
      );
      assert.deepEqual(
        [...correct],
        expected.map((each) => each.correct),
      );
    });

    test(`${name}: members are as in calls of their own, to the bit, ${title}`, () => {
      const gradients = emptyClassifierGradients(members);
      const all = [kernels.classifierLoss(members, batch), kernels.classifierGradients(members, batch, 0.5, gradients)];
      members.forEach((member, m) => {
        const own = emptyClassifierGradients([member]);
        const alone = [
          kernels.classifierLoss([member], examplesOf(batch, m)),
          kernels.classifierGradients([member], examplesOf(batch, m), 0.5, own),
        ];
        assert.deepEqual(own[0], gradients[m]);
        alone.forEach(({ loss, correct }, i) =>
          assert.deepEqual([loss[0], correct[0]], [all[i].loss[m], all[i].correct[m]]),
        );
      });
    });
  }

  test(`${name}: the pass with gradients has the loss and the correct answers of the pass without`, () => {
    for (const { members, batch } of cases)
      assert.deepEqual(
        kernels.classifierGradients(members, batch, 1, emptyClassifierGradients(members)),
        kernels.classifierLoss(members, batch),
      );
  });

  test(`${name}: the loss of a batch is the sum over its examples`, () => {
    const { members, batch } = cases[2];
    const examples = examplesOf(batch, 1);
    const pixels = examples.images.length / examples.examples;
    const singles = [...examples.labels].map((label, i) =>
      kernels.classifierLoss([members[1]], {
        examples: 1,
        images: examples.images.slice(i * pixels, (i + 1) * pixels),
        labels: Uint8Array.of(label),
      }),
    );
    const nll = new Float32Array(examples.examples);
    const { loss, correct } = kernels.classifierLoss([members[1]], { ...examples, nll });
    assertClose('nats of each example', nll, [...singles.map((single) => single.loss[0])], tolerances.loss);
    assertClose('loss', loss, [singles.reduce((sum, single) => sum + single.loss[0], 0)], tolerances.loss);
    assert.equal(
      correct[0],
      singles.reduce((sum, single) => sum + single.correct[0], 0),
    );
  });

  test(`${name}: members that share examples, and layers, are as in calls of their own, to the bit`, () => {
    for (const { members, batch } of cases) {
      const examples = examplesOf(batch, 0);
      const last = members[0].layers.length - 1;
      // The first two have all layers but the last in common, the next two none.
      const other = { ...members[0], layers: [...members[0].layers.slice(0, last), members[2].layers[last]] };
      const all = [members[0], other, members[1], members[2]];
      const shared = {
        examples: examples.examples,
        shared: 2,
        images: Float32Array.of(...examples.images, ...examples.images),
        labels: Uint8Array.of(...examples.labels, ...examples.labels),
        nll: new Float32Array(4 * examples.examples),
      };
      const expected = all.map((member) => {
        const nll = new Float32Array(examples.examples);
        return { ...kernels.classifierLoss([member], { ...examples, nll }), nll };
      });
      const gradients = emptyClassifierGradients(all);
      for (const { loss, correct } of [
        kernels.classifierLoss(all, shared),
        kernels.classifierGradients(all, shared, 0.5, gradients),
      ]) {
        assert.deepEqual(
          [...loss],
          expected.map((each) => each.loss[0]),
        );
        assert.deepEqual(
          [...correct],
          expected.map((each) => each.correct[0]),
        );
        assert.deepEqual(
          [...shared.nll],
          expected.flatMap(({ nll }) => [...nll]),
        );
      }
      all.forEach((member, m) => {
        const own = emptyClassifierGradients([member]);
        kernels.classifierGradients([member], examples, 0.5, own);
        assert.deepEqual(gradients[m], own[0]);
      });
    }
  });

  test(`${name}: of equally likely classes the first counts`, () => {
    const answers = (logits: number[]) =>
      logits.map(
        (_, label) =>
          kernels.classifierLoss([logitsOnly(logits)], {
            examples: 1,
            images: Float32Array.of(1),
            labels: Uint8Array.of(label),
          }).correct[0],
      );
    assert.deepEqual(answers([1, 3, 2, 3]), [0, 1, 0, 0]);
    assert.deepEqual(answers([0, 0]), [1, 0]);
    assert.deepEqual(answers([5]), [1]);
  });

  test(`${name}: classes of vanishing probability give the right finite loss, 256 classes too`, () => {
    const logits = Array.from({ length: 256 }, (_, i) => (i === 255 ? 200 : -i));
    const loss = (label: number) =>
      kernels.classifierLoss([logitsOnly(logits)], {
        examples: 1,
        images: Float32Array.of(1),
        labels: Uint8Array.of(label),
      }).loss[0];
    assert.equal(loss(255), 0);
    assertClose('loss', [loss(0), loss(100)], [200, 300], tolerances.loss);
  });

  test(`${name}: a loss that is no number is not hidden by a ReLU`, () => {
    const { members, batch } = cases[1];
    const [first, ...rest] = members[0].layers as readonly ConvolutionLayer[];
    const broken = { ...members[0], layers: [{ ...first, bias: first.bias.map(() => NaN) }, ...rest] };
    assert.ok(Number.isNaN(kernels.classifierLoss([broken], examplesOf(batch, 0)).loss[0]));
  });

  if (name !== 'reference')
    test(`${name}: nothing depends on the number of threads, to the bit`, () => {
      const stream = new RandomStream(7, 50);
      const members = [1, 2].map(() => randomClassifier(stream, classifierCases[1]));
      const batch = randomExamples(stream, members[0], members.length, 230);
      const runs = [1, 2, 3, 5, 2].map((threads) => {
        const gradients = emptyClassifierGradients(members);
        const own = chooseKernels({ name, threads });
        return {
          with_: own.classifierGradients(members, batch, 1, gradients),
          without: own.classifierLoss(members, batch),
          gradients,
        };
      });
      for (const run of runs) assert.deepEqual(run, runs[0]);
    });

  test(`${name}: a call leaves nothing behind for the next, of other sizes`, () => {
    const fresh = cases.map(({ members, batch }) => kernels.classifierLoss(members, batch));
    for (const i of [4, 1, 3, 0, 2]) {
      const { members, batch } = cases[i];
      kernels.classifierGradients(
        members,
        { ...batch, images: normals(new RandomStream(8, 50), batch.images.length, 100) },
        1,
        emptyClassifierGradients(members),
      );
      assert.deepEqual(kernels.classifierLoss(members, batch), fresh[i]);
    }
  });
}
