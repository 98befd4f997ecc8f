import assert from 'node:assert/strict';
import test from 'node:test';
import { type DeviceLimits, laneNumbers, planOf, slicesOf, tileLanes, tilingOf } from './plan.js';
import { widestInputs } from './products.js';
import { forwardSlices } from './slices.js';

const usual: DeviceLimits = { bufferBytes: 2 ** 27, memoryBytes: 2 ** 33, workgroupBytes: 2 ** 15, invocations: 256 };
const sizes = (hidden: number, classes = 32, inputs = 7) => ({ hidden, projection: hidden / 2, classes, inputs });

test('every size of the recipes fits a device with 32 KiB and 256 threads a workgroup, in both numbers of classes', () => {
  for (const hidden of [32, 384, 544, 1024, 1792, 2016])
    for (const classes of hidden === 2016 ? [32] : [32, 256]) {
      const tiling = tilingOf(sizes(hidden, classes), usual)!;
      assert.ok(tiling.forwardThreads <= 256 && tiling.backwardThreads <= 256);
      const { forwardThreads, forwardItems, backwardThreads, backwardItems } = tiling;
      for (const [threads, items, needed] of [
        [forwardThreads, forwardItems, 32 * forwardSlices((3 * hidden) / 16)],
        [backwardThreads, backwardItems, hidden],
      ])
        assert.ok(threads * items >= needed && items === Math.ceil(needed / 256), `${hidden}`);
      assert.ok(tiling.productStrips >= 1);
      const staged = tiling.productPositions * (widestInputs(sizes(hidden, classes)) + 16 * tiling.productStrips);
      assert.ok(16 * staged <= usual.workgroupBytes);
      assert.ok(tiling.outputSteps >= 1);
    }
  assert.equal(tilingOf(sizes(4096), usual), undefined);
  assert.ok(tilingOf(sizes(4096), { ...usual, workgroupBytes: 2 ** 17 }));
});

test('groups and chunks cover all tiles and steps once, in order, and fit', () => {
  for (const bufferBytes of [2 ** 20, 2 ** 23, 2 ** 27])
    for (const gradients of [true, false])
      for (const [members, lanes, steps, hop] of [
        [1, 1, 1, 1],
        [1, 64, 960, 256],
        [3, 17, 100, 1],
        [4, 256, 960, 256],
        [1, 5, 17_408, 64],
        [2, 3, 100_000, 256],
      ]) {
        const limits = { ...usual, bufferBytes };
        const plan = planOf(sizes(384), limits, { members, lanes, steps, hop }, gradients)!;
        const what = `${bufferBytes} bytes, ${members} × ${lanes} lanes, ${steps} steps`;
        let tile = 0;
        for (const { first, count } of plan.groups) {
          assert.equal(first, tile, what);
          tile += count;
        }
        assert.equal(tile, members * Math.ceil(lanes / tileLanes), what);
        let step = 0;
        for (const { start, steps: some, firstSlice } of plan.chunks) {
          assert.equal(start, step, what);
          assert.equal(start, firstSlice * plan.sliceSteps, what);
          step += some;
        }
        assert.equal(step, steps, what);
        assert.equal(plan.slices, Math.ceil(steps / plan.sliceSteps), what);
        const largest = Math.max(...plan.groups.map(({ count }) => count)) * tileLanes;
        const longest = Math.max(...plan.chunks.map((chunk) => chunk.steps));
        const numbers = laneNumbers(sizes(384), hop, gradients)(longest);
        assert.ok(4 * numbers.largest * largest <= bufferBytes, what);
        if (!plan.kept) continue;
        assert.ok(gradients && plan.groups.length === 1, what);
        assert.ok(4 * laneNumbers(sizes(384), hop, true)(steps).all * largest <= limits.memoryBytes, what);
      }
});

test('where buffers are small and memory is large, the chunks of a batch are kept', () => {
  const shape = { members: 1, lanes: 64, steps: 960, hop: 256 };
  const limits = { ...usual, bufferBytes: 2 ** 26 };
  const plan = planOf(sizes(384), limits, shape, true)!;
  assert.ok(plan.kept && plan.chunks.length > 1);
  const little = planOf(sizes(384), { ...limits, memoryBytes: 2 ** 27 }, shape, true)!;
  assert.ok(!little.kept && little.chunks.length > plan.chunks.length);
});

test('slices of time do not depend on lanes, members or memory', () => {
  const slices = [1, 50].flatMap((lanes) =>
    [1, 4].flatMap((members) =>
      [2 ** 26, 2 ** 33].map((memoryBytes) => {
        const limits = { ...usual, memoryBytes };
        return planOf(sizes(384), limits, { members, lanes, steps: 960, hop: 256 }, true)!.sliceSteps;
      }),
    ),
  );
  assert.deepEqual(new Set(slices), new Set([Math.ceil(960 / slicesOf(sizes(384), usual))]));
});

test('where not one step fits there is no plan', () => {
  const limits = { ...usual, bufferBytes: 1000 };
  assert.equal(planOf(sizes(384), limits, { members: 1, lanes: 1, steps: 1, hop: 1 }, true), undefined);
});
