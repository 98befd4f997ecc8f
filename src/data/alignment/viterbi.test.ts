import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../../base/random.js';
import { alignmentFeatures, dimensions, normaliseFeatures } from './features.js';
import { Mixtures, Statistics } from './gaussians.js';
import { type Graph, layOut, silenceChances, statesPerUnit, units } from './graph.js';
import { misfits } from './misfits.js';
import type { Transcript } from './transcript.js';
import { bestPath } from './viterbi.js';

const random = new RandomStream(7, 0);
const randomFrames = (frames: number) =>
  ({ frames, data: Float32Array.from({ length: frames * dimensions }, () => random.normal()) }) as const;

/** Models of one Gaussian a state, at random. */
function randomModels(): Mixtures {
  const mixtures = new Mixtures(units.length * statesPerUnit);
  mixtures.means.forEach((_, i) => (mixtures.means[i] = random.normal()));
  return mixtures;
}

/** The best score of all ways, one by one. */
function exhaustive(graph: Graph, mixtures: Mixtures, data: Float32Array, frames: number): number {
  const density = (node: number, frame: number) => mixtures.logDensity(graph.states[node], data, frame);
  const rest = (node: number, frame: number): number => {
    const state = graph.states[node];
    if (frame === frames - 1) {
      const end = graph.end.find((one) => one.node === node);
      return end ? mixtures.leave[state] + end.chance : -Infinity;
    }
    let best = mixtures.stay[state] + density(node, frame + 1) + rest(node, frame + 1);
    for (let link = graph.first[node]; link < graph.first[node + 1]; link++) {
      const to = graph.next[link];
      best = Math.max(best, mixtures.leave[state] + graph.chance[link] + density(to, frame + 1) + rest(to, frame + 1));
    }
    return best;
  };
  return Math.max(...graph.begin.map(({ node, chance }) => chance + density(node, 0) + rest(node, 0)));
}

test('the best path is the best of all, with pronunciations and silences to choose from', () => {
  const transcript: Transcript = {
    words: [
      { spoken: 'a', variants: [['AH0'], ['EY1']] },
      { spoken: 'i', variants: [['AY1']] },
    ],
    boundaries: ['start', 'comma', 'statement'],
  };
  const graph = layOut(transcript, silenceChances());
  assert.equal(graph.least, 2 * statesPerUnit);
  for (let time = 0; time < 5; time++) {
    const mixtures = randomModels();
    const features = randomFrames(10);
    const path = bestPath(graph, mixtures, features, Infinity);
    assert.ok(path);
    const expected = exhaustive(graph, mixtures, features.data, features.frames);
    assert.ok(Math.abs(path.score - expected) < 1e-9 * Math.abs(expected), `${path.score}, expected ${expected}`);
  }
  assert.equal(bestPath(graph, randomModels(), randomFrames(graph.least - 1), Infinity), undefined);
});

test('mixtures come to the mean and the variance of their frames, and split where there are two heaps', () => {
  const mixtures = new Mixtures(2);
  const frames = 4000;
  const data = Float32Array.from(
    { length: frames * dimensions },
    (_, at) => (Math.floor(at / dimensions) % 2 === 0 ? 2 : -2) + 0.5 * random.normal(),
  );
  let model = mixtures;
  for (const gaussians of [1, 2, 2, 2, 2]) {
    const statistics = new Statistics(model);
    for (let frame = 0; frame < frames; frame++) statistics.add(0, data, frame, frame % 4 === 0);
    model = statistics.estimate(() => gaussians);
    if (gaussians === 1) assert.ok(Math.abs(model.means[0]) < 0.1 && Math.abs(1 / model.precisions[0] - 4.25) < 0.2);
  }
  assert.deepEqual([...model.first], [0, 2, 3]);
  const means = [model.means[0], model.means[dimensions]].sort((a, b) => a - b);
  assert.ok(Math.abs(means[0] + 2) < 0.1 && Math.abs(means[1] - 2) < 0.1, means.join());
  assert.ok(Math.abs(1 / model.precisions[0] - 0.25) < 0.05);
  assert.ok(Math.abs(Math.exp(model.leave[0]) - 0.25) < 0.01);
});

test('frames lie where they say, at any sample rate, and readers are brought to mean 0 and variance 1', () => {
  for (const sampleRate of [16000, 22050, 48000]) {
    const samples = Float32Array.from({ length: sampleRate }, (_, i) => (i < 0.5 * sampleRate ? 0 : Math.sin(i)));
    const clip = alignmentFeatures({ samples, sampleRate }, 0.01);
    const levels = Array.from({ length: clip.frames }, (_, frame) => clip.data[frame * dimensions]);
    const middle = (Math.min(...levels) + Math.max(...levels)) / 2;
    const onset = levels.findIndex((level) => level > middle) * clip.hopSeconds;
    assert.ok(Math.abs(onset - 0.5) < 0.015, `${onset} s at ${sampleRate} Hz`);
    assert.equal(clip.seconds, 1);
    normaliseFeatures([clip]);
    const first = Array.from({ length: clip.frames }, (_, frame) => clip.data[frame * dimensions]);
    const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
    const variance = first.reduce((sum, value) => sum + value ** 2, 0) / first.length;
    assert.ok(Math.abs(mean) < 1e-5 && Math.abs(variance - 1) < 1e-4, `${mean}, ${variance}`);
  }
});

test('misfits stand out from the others of their reader', () => {
  const usual = Array.from({ length: 50 }, () => 0.2 * random.normal());
  assert.ok(!misfits(usual).includes(true));
  assert.deepEqual(
    misfits([3, ...usual, 2.5]).flatMap((strange, i) => (strange ? [i] : [])),
    [0, 51],
  );
  assert.deepEqual(misfits([5]), [false]);
});
