import assert from 'node:assert/strict';
import test from 'node:test';
import { sameFrames, warp } from './alignment.js';

const path = (a: number[], b: number[]) => {
  const { target, output } = warp(a.length, b.length, (i, j) => Math.abs(a[i] - b[j]));
  return Array.from(target, (i, at) => [i, output[at]]);
};

test('equal series are aligned frame by frame', () =>
  assert.deepEqual(path([1, 2, 3, 2], [1, 2, 3, 2]), [
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 3],
  ]));

test('a value that is held in one signal belongs to a single frame of the other', () => {
  assert.deepEqual(path([1, 2, 3], [1, 2, 2, 2, 3]), [
    [0, 0],
    [1, 1],
    [1, 2],
    [1, 3],
    [2, 4],
  ]);
  assert.deepEqual(path([1, 2, 2, 3], [1, 2, 3]), [
    [0, 0],
    [1, 1],
    [2, 1],
    [3, 2],
  ]);
});

test('the sum along the path is the least of all paths', () => {
  const [a, b] = [
    [3, 1, 4, 1, 5],
    [2, 7, 1, 8],
  ];
  const least = (i: number, j: number): number => {
    const here = Math.abs(a[i] - b[j]);
    if (i === 0 && j === 0) return here;
    return (
      here +
      Math.min(
        i > 0 && j > 0 ? least(i - 1, j - 1) : Infinity,
        i > 0 ? least(i - 1, j) : Infinity,
        j > 0 ? least(i, j - 1) : Infinity,
      )
    );
  };
  assert.equal(
    path(a, b).reduce((sum, [i, j]) => sum + Math.abs(a[i] - b[j]), 0),
    least(4, 3),
  );
});

test('a single frame belongs to all frames of the other signal', () =>
  assert.deepEqual(path([1], [5, 6, 7]), [
    [0, 0],
    [0, 1],
    [0, 2],
  ]));

test('without warping the longer one is cut', () => assert.deepEqual([...sameFrames(3, 5).output], [0, 1, 2]));
