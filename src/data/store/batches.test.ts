import assert from 'node:assert/strict';
import test from 'node:test';
import { TtsError } from '../../base/errors.js';
import { drawBatch } from './batches.js';
import type { StoredClip } from './clip.js';

const hop = 16;
const bins = 2;

/** A clip whose samples and features say where they are from: pcm[i] = 1000·number + i, feature = (number, frame). */
function tagged(number: number, frames: number): StoredClip {
  return {
    id: `clip${number}`,
    frames,
    samples: frames * hop,
    pcm: (start, length) =>
      Int16Array.from({ length }, (_, i) =>
        start + i < 0 || start + i >= frames * hop ? 0 : 1000 * number + start + i,
      ),
    features: (start, count) =>
      Float32Array.from({ length: count * bins }, (_, i) =>
        i % bins === 0 ? number : Math.max(0, Math.min(frames - 1, start + Math.floor(i / bins))),
      ),
  };
}

const clips = [tagged(1, 10), tagged(2, 3), tagged(3, 30), tagged(4, 20)];
const shape = { lanes: 8, steps: 40, context: 2, hop };

test('lanes are segments of clips, with the sample before them, their frames and the context around', () => {
  for (let step = 0; step < 200; step++) {
    const batch = drawBatch(clips, shape, 7, step);
    const rows = batch.frames + 2 * shape.context;
    assert.ok(batch.phase >= 0 && batch.phase < hop);
    assert.equal(batch.frames, Math.ceil((batch.phase + 40) / hop));
    assert.equal(batch.pcm.length, 8 * 41);
    assert.equal(batch.features.length, 8 * rows * bins);
    for (let lane = 0; lane < 8; lane++) {
      const first = batch.pcm[lane * 41 + 1];
      const number = Math.floor(first / 1000);
      const start = first % 1000;
      assert.equal(start % hop, batch.phase);
      for (let i = 1; i < 41; i++) assert.equal(batch.pcm[lane * 41 + i], first + i - 1);
      assert.equal(batch.pcm[lane * 41], start === 0 ? 0 : first - 1);
      const frame = Math.floor(start / hop);
      for (let row = 0; row < rows; row++) {
        const at = (lane * rows + row) * bins;
        assert.equal(batch.features[at], number);
        assert.equal(
          batch.features[at + 1],
          Math.max(0, Math.min(clips[number - 1].frames - 1, frame + row - shape.context)),
        );
      }
    }
  }
});

test('a batch is a function of seed and step', () => {
  const draw = (seed: number, step: number) => drawBatch(clips, shape, seed, step);
  const later = draw(3, 41);
  draw(3, 1);
  assert.deepEqual(draw(3, 41), later);
  assert.notDeepEqual(draw(3, 42).pcm, later.pcm);
  assert.notDeepEqual(draw(4, 41).pcm, later.pcm);
});

test('every place is equally likely, hence clips by length, and phases are even', () => {
  const seen = new Map<string, number>();
  const phases = new Array<number>(hop).fill(0);
  const draws = 4000;
  for (let step = 0; step < draws; step++) {
    const { phase, pcm } = drawBatch(clips, { ...shape, steps: 16, lanes: 4 }, 1, step);
    phases[phase]++;
    if (phase === 0) continue;
    // Two frames a segment: 9 + 2 + 29 + 19 places.
    for (let lane = 0; lane < 4; lane++) {
      const first = pcm[lane * 17 + 1];
      const place = `${Math.floor(first / 1000)}:${Math.floor((first % 1000) / hop)}`;
      seen.set(place, (seen.get(place) ?? 0) + 1);
    }
  }
  assert.equal(seen.size, 59);
  const total = [...seen.values()].reduce((a, b) => a + b);
  // Chi-square: 99.9% lie below 98.3 at 58 degrees of freedom, below 37.7 at 15.
  assert.ok([...seen.values()].reduce((sum, n) => sum + (n - total / 59) ** 2 / (total / 59), 0) < 98.3);
  assert.ok(phases.reduce((sum, n) => sum + (n - draws / hop) ** 2 / (draws / hop), 0) < 37.7);
});

test('clips that are too short are never drawn; if all are, the error says how long they must be', () => {
  for (let step = 0; step < 100; step++) {
    const { pcm } = drawBatch(clips, { ...shape, steps: 200 }, 1, step);
    for (let lane = 0; lane < 8; lane++) assert.ok([3, 4].includes(Math.floor(pcm[lane * 201 + 1] / 1000)));
  }
  assert.throws(
    () => drawBatch(clips, { ...shape, steps: 480 }, 1, 0),
    (error) =>
      error instanceof TtsError &&
      error.code === 'ERR_CORPUS' &&
      /has 30 frames, expected at least 31/.test(error.message),
  );
  assert.throws(() => drawBatch([], shape, 1, 0), TtsError);
});

test('impossible shapes are refused', () => {
  for (const wrong of [{ lanes: 0 }, { steps: 0 }, { context: -1 }, { hop: 1.5 }, { lanes: NaN }]) {
    assert.throws(() => drawBatch(clips, { ...shape, ...wrong }, 1, 0), RangeError);
  }
  assert.throws(() => drawBatch(clips, shape, 1, -1), RangeError);
  assert.throws(() => drawBatch(clips, shape, -1, 0), RangeError);
});
