import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../../base/random.js';
import { stripRows } from './layout.js';
import {
  backwardEntries,
  forwardEntries,
  forwardSlices,
  none,
  type SlicedEntries,
  sliceStrips,
  sliceThreads,
} from './slices.js';

/** Recurrent matrices of some members with rows of blocks of any length, some of none. */
function recurrent(hidden: number, members: number) {
  const stream = new RandomStream(hidden, 90);
  const strips = (3 * hidden) / stripRows;
  let first = 7;
  return Array.from({ length: members }, () => {
    const rowStart = new Int32Array(strips + 1);
    const columns: number[] = [];
    for (let strip = 0; strip < strips; strip++) {
      const kept = stream.below(hidden / 2);
      const all = stream.shuffle(Array.from({ length: hidden }, (_, c) => c));
      columns.push(...all.slice(0, kept).sort((a, b) => a - b));
      rowStart[strip + 1] = columns.length;
    }
    const member = { rowStart, column: Int32Array.from(columns), first, columns: hidden };
    first += columns.length + 5;
    return member;
  });
}

/** What the slots list: 'slot place block' of each entry, by slot of all members. */
function listed({ order, starts, places, blocks }: SlicedEntries, width: number): string[] {
  return [...order].flatMap((row, slot) => {
    const slice = Math.floor(slot / width);
    const found: string[] = [];
    for (let e = starts[slice]; e < starts[slice + 1]; e++) {
      const at = e * width + (slot % width);
      if (blocks[at] === none) continue;
      assert.notEqual(row, none);
      found.push(`${row} ${places[at]} ${blocks[at]}`);
    }
    return found;
  });
}

for (const [hidden, rounds] of [
  [32, 1],
  [384, 3],
  [544, 2],
  [1024, 4],
]) {
  const members = recurrent(hidden, 2);

  test(`forwards every block of the recurrent matrix is in the slot of its strip, ${hidden} units`, () => {
    const entries = forwardEntries(members, rounds);
    const slices = forwardSlices((3 * hidden) / stripRows);
    assert.equal(entries.order.length, 2 * Math.ceil(slices / rounds) * rounds * sliceStrips);
    const expected = members.flatMap(({ rowStart, column, first }) =>
      Array.from(column, (c, k) => `${rowStart.findLastIndex((start) => start <= k)} ${c} ${first + k}`),
    );
    assert.deepEqual(listed(entries, sliceStrips).sort(), expected.sort());
  });

  for (const gates of [1, 3])
    test(`backwards every block is in the slot of its column, ${hidden} units, ${gates} gates at a time`, () => {
      const entries = backwardEntries(members, (strips) => (strips / 3) * gates, rounds);
      const sets = 3 / gates;
      const slots = entries.order.length / 2 / sets;
      assert.equal(slots, Math.ceil(hidden / sliceThreads / rounds) * rounds * sliceThreads);
      for (let set = 0; set < 2 * sets; set++)
        assert.deepEqual(
          [...entries.order.subarray(set * slots, (set + 1) * slots)].filter((c) => c !== none).sort((a, b) => a - b),
          Array.from({ length: hidden }, (_, c) => c),
        );
      const strips = (gates * hidden) / stripRows;
      const expected = members.flatMap(({ rowStart, column, first }) =>
        Array.from(column, (c, k) => `${c} ${rowStart.findLastIndex((start) => start <= k) % strips} ${first + k}`),
      );
      assert.deepEqual(listed(entries, sliceThreads).sort(), expected.sort());
    });
}

test('the rows of a slice are about as long as each other', () => {
  const members = recurrent(1024, 1);
  const { starts, blocks } = forwardEntries(members, 1);
  const rows = starts[starts.length - 1];
  assert.equal(blocks.length, rows * sliceStrips);
  const zeros = blocks.reduce((sum, block) => sum + Number(block === none), 0);
  assert.ok(zeros < 0.1 * blocks.length, `${zeros} of ${blocks.length}`);
});
