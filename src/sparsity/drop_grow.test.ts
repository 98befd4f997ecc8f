import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../base/random.js';
import type { BlockView, MaskChooser, MaskedMatrix } from './chooser.js';
import { dropAndGrow, dropFraction, rigl, sparseEvolutionaryTraining } from './drop_grow.js';
import { keptBlocks, type Mask } from './mask.js';
import { blockMeans } from './masked_weights.js';

const matrices: MaskedMatrix[] = [
  { name: 'a', rows: 160, columns: 40, block: { rows: 16, columns: 1 }, density: 0.25 },
  { name: 'b', rows: 16, columns: 100, block: { rows: 4, columns: 4 }, density: 0.1 },
];
const kept = matrices.map((matrix) => keptBlocks(matrix, matrix.density));
const settings = { every: 100, drop: 0.3, until: 0.75 };

function viewOf(seed: number): BlockView {
  const random = new RandomStream(seed, 0);
  const draw = () =>
    matrices.map(({ rows, columns }) => Float32Array.from({ length: (rows * columns) / 16 }, () => random.uniform()));
  const [weights, gradients] = [draw(), draw()];
  // Of a block's weights one has all of the gradient, with either sign.
  const spread = gradients.map((means) =>
    Float32Array.from({ length: 16 * means.length }, (_, i) =>
      i % 16 === 5 ? 16 * means[i >> 4] * (i % 32 < 16 ? 1 : -1) : 0,
    ),
  );
  return { magnitudes: () => weights, gradients: () => spread, losses: () => assert.fail('asked for losses') };
}

const meanGradients = (view: BlockView) => view.gradients().map((gradient) => blockMeans(gradient, 16));

const both = (a: Mask, b: Mask) => a.reduce((sum, bit, i) => sum + (bit & b[i]), 0);

test('the fraction falls from 0.3 to nothing along a cosine', () => {
  assert.equal(dropFraction(0, 750, 0.3), 0.3);
  assert.ok(Math.abs(dropFraction(375, 750, 0.3) - 0.15) < 1e-12);
  assert.ok(Math.abs(dropFraction(250, 750, 0.3) - 0.225) < 1e-12);
  assert.equal(dropFraction(750, 750, 0.3), 0);
});

test('the lowest go, the highest of the others come, and one that has gone may come back', () => {
  const mask = Uint8Array.of(1, 1, 1, 1, 0, 0, 0, 0);
  const group = [{ name: 'a', start: 0, end: 8, kept: 4 }];
  const keep = Float32Array.of(4, 1, 3, 2, 9, 9, 9, 9);
  assert.deepEqual(
    [...dropAndGrow(mask, group, 0.5, keep, Float32Array.of(9, 1, 9, 8, 2, 7, 3, 4))],
    [1, 0, 1, 1, 0, 1, 0, 0],
  );
  assert.deepEqual([...dropAndGrow(mask, group, 0, keep, keep)], [...mask]);
  // Of 4, 0.3 is 1.2: one goes.
  assert.deepEqual(
    [...dropAndGrow(mask, group, 0.3, keep, Float32Array.of(0, 0, 0, 0, 1, 0, 2, 0))],
    [1, 0, 1, 1, 0, 0, 1, 0],
  );
  assert.deepEqual(
    [...dropAndGrow(mask, [{ ...group[0], kept: 6 }], 0, keep, Float32Array.of(0, 0, 0, 0, 1, 3, 2, 0))],
    [1, 1, 1, 1, 0, 1, 1, 0],
  );
});

const choosers: [string, (steps: number) => MaskChooser][] = [
  ['SET', (steps) => sparseEvolutionaryTraining(matrices, 4, steps, settings)],
  ['RigL', (steps) => rigl(matrices, 4, steps, settings)],
];
for (const [name, create] of choosers) {
  test(`${name} exchanges the right blocks, as many as the schedule says, until three quarters of the run`, () => {
    const chooser = create(1000);
    let [masks] = chooser.initial();
    let exchanges = 0;
    for (let step = 0; step < 1000; step++) {
      const view = viewOf(step);
      const next = chooser.update(step, view)?.[0];
      assert.equal(next !== undefined, step > 0 && step % 100 === 0 && step < 750, `step ${step}`);
      if (!next) continue;
      exchanges++;
      next.forEach((mask, i) => {
        assert.equal(both(mask, mask), kept[i]);
        const dropped = Math.floor(kept[i] * dropFraction(step, 750, 0.3));
        const byMagnitude = [...mask.keys()]
          .filter((block) => masks[i][block])
          .sort((a, b) => view.magnitudes()[i][b] - view.magnitudes()[i][a]);
        const stayed = byMagnitude.slice(0, kept[i] - dropped);
        for (const block of stayed) assert.equal(mask[block], 1);
        const grown = [...mask.keys()].filter((block) => mask[block] && !stayed.includes(block));
        assert.equal(grown.length, dropped);
        if (name === 'RigL') {
          const others = [...mask.keys()].filter((block) => !mask[block]).map((block) => meanGradients(view)[i][block]);
          for (const block of grown) assert.ok(meanGradients(view)[i][block] >= Math.max(...others));
        }
      });
      masks = next;
    }
    assert.equal(exchanges, 7);
    assert.deepEqual(chooser.deployed(), masks);
    assert.ok(chooser.diagnostics()['masks/ever_active'] > 0.3);
  });
}

test('SET grows other blocks every time, each about equally often, and asks for no gradients', () => {
  const times = new Float64Array(400);
  for (let seed = 0; seed < 200; seed++) {
    const chooser = sparseEvolutionaryTraining(matrices, seed, 1000, settings);
    const [before] = chooser.initial();
    const [after] =
      chooser.update(100, { ...viewOf(1), gradients: () => assert.fail('asked for gradients') }) ?? assert.fail();
    after[0].forEach((bit, block) => (times[block] += bit & (before[0][block] ^ 1)));
  }
  // About 28 of 100 blocks of 400 are exchanged; a block is outside with 3/4, so a mean of 200 · 28 / 400 · 300/328 ≈
  // 13.
  const mean = times.reduce((a, b) => a + b) / 400;
  assert.ok(mean > 11 && mean < 15, `${mean}`);
  const variance = times.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 400;
  assert.ok(variance < 2 * mean, `variance ${variance} of mean ${mean}`);
});
