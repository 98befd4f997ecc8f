import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream, streams } from '../base/random.js';
import {
  generationNoise,
  noiseIndex,
  pairUtilities,
  rankUtilities,
  Snes,
  type SnesSettings,
  utilities,
} from './snes.js';

const searchFrom = (start: number[], sigma: number, settings: SnesSettings, seed = 1) =>
  new Snes(Float32Array.from(start), new Float32Array(start.length).fill(sigma), settings, seed, streams.es);

/** All members of the present generation. */
function membersOf(search: Snes): Float32Array[] {
  return Array.from({ length: search.population / 2 }, (_, pair) => {
    const two = [new Float32Array(search.mean.length), new Float32Array(search.mean.length)];
    search.samplePair(pair, two[0], two[1]);
    return two;
  }).flat();
}

function minimise(search: Snes, f: (x: Float32Array) => number, generations: number): number {
  for (let i = 0; i < generations; i++) search.update(membersOf(search).map((x) => -f(x)));
  return f(search.mean);
}

const sphere = (x: Float32Array) => x.reduce((sum, v) => sum + v * v, 0);
const rosenbrock = (x: Float32Array) => {
  let sum = 0;
  for (let i = 0; i + 1 < x.length; i++) sum += 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2;
  return sum;
};

test('a sphere in 20 dimensions: from 20 to below 1e-10 in 300 generations of 24', () => {
  for (const seed of [1, 2, 3]) {
    const value = minimise(searchFrom(Array(20).fill(1), 1, { population: 24 }, seed), sphere, 300);
    assert.ok(value < 1e-10, `seed ${seed}: ${value}`);
  }
});

test("Rosenbrock's valley in 2 dimensions: from (-1.2, 1) to below 1e-7 in 10,000 generations of 16", () => {
  for (const seed of [1, 2]) {
    // A search without correlations creeps along a bent valley; that it arrives at all takes a sigma that adapts.
    const value = minimise(searchFrom([-1.2, 1], 0.5, { population: 16 }, seed), rosenbrock, 10_000);
    assert.ok(value < 1e-7, `seed ${seed}: ${value}`);
  }
});

test('a sigma that does not adapt stays, and the mean still finds the sphere to within it', () => {
  const search = searchFrom(Array(20).fill(1), 0.1, { population: 24, sigmaStep: 0 });
  assert.ok(minimise(search, sphere, 300) < 0.05);
  assert.ok(search.sigma.every((value) => value === Math.fround(0.1)));
});

test('the members of a pair lie opposite each other, and no two pairs or generations are alike', () => {
  const search = searchFrom(Array(50).fill(0), 2, { population: 8 });
  const members = membersOf(search);
  for (let p = 0; p < 8; p += 2) members[p].forEach((value, i) => assert.equal(value + members[p + 1][i], 0));
  search.update([1, 2, 3, 4, 5, 6, 7, 8]);
  const values = new Set([...members.flatMap((x) => [...x]), ...membersOf(search).flatMap((x) => [...x])]);
  assert.equal(values.size, 2 * 8 * 50);
});

test('utilities by rank follow the formula and sum to zero', () => {
  for (const population of [2, 4, 8, 30]) {
    const u = rankUtilities(population);
    assert.ok(Math.abs(u.reduce((a, b) => a + b)) < 1e-12);
    for (let i = 1; i < population; i++) assert.ok(u[i] <= u[i - 1]);
    assert.ok(Math.abs(u[population - 1] + 1 / population) < 1e-12);
  }
  // P = 4: ln 3 - ln k for k = 1, 2 is 1.0986, 0.4055, together 1.5041.
  assert.deepEqual(
    [...rankUtilities(4)].map((value) => value.toFixed(4)),
    ['0.4804', '0.0196', '-0.2500', '-0.2500'],
  );
  const [best, second, third, last] = rankUtilities(4);
  assert.deepEqual([...utilities([3, -1, NaN, 7])], [second, third, last, best]);
  assert.equal(utilities([5, 5, 1, 1])[0], (best + second) / 2);
});

test('members that tie move nothing', () => {
  const search = searchFrom([1, 2, 3], 0.5, { population: 6, sigmaStep: 0 });
  search.update(Array(6).fill(-3.5));
  assert.deepEqual([...search.mean], [1, 2, 3]);
  assert.equal(search.generation, 1);
});

test('the update is the natural gradient of the sampled members', () => {
  const search = searchFrom([1, -2], 0.5, { population: 4 });
  const noise = membersOf(search).map((x) => [(x[0] - 1) / 0.5, (x[1] + 2) / 0.5]);
  const u = rankUtilities(4);
  search.update([4, 1, 3, 2]);
  const ranked = [u[0], u[3], u[1], u[2]];
  const step = (3 + Math.log(2)) / (5 * Math.SQRT2);
  [1, -2].forEach((mean, i) => {
    const gradient = noise.reduce((sum, s, k) => sum + ranked[k] * s[i], 0);
    const sigmaGradient = noise.reduce((sum, s, k) => sum + ranked[k] * (s[i] ** 2 - 1), 0);
    assert.ok(Math.abs(search.mean[i] - (mean + 0.5 * gradient)) < 1e-5);
    assert.ok(Math.abs(search.sigma[i] - 0.5 * Math.exp((step / 2) * sigmaGradient)) < 1e-5);
  });
});

test('the semi-update of a single worker is the full update, to the bit', () => {
  const fitness = Float64Array.from({ length: 12 }, (_, i) => (7 * i) % 12);
  const [whole, joined] = [1, 2].map(() => searchFrom(Array(300).fill(0.5), 1, { population: 12 }));
  whole.update(fitness);
  joined.join([joined.semiUpdate(fitness, 0)]);
  assert.deepEqual(joined.mean, whole.mean);
  assert.deepEqual(joined.sigma, whole.sigma);
  assert.equal(joined.generation, 1);
});

test('semi-updates rank within a worker, and are averaged', () => {
  const fitness = Float64Array.from({ length: 12 }, (_, i) => (7 * i) % 12);
  const settings = { population: 12, workers: 3 };
  const search = searchFrom(Array(40).fill(0), 1, settings);
  const members = membersOf(search);
  search.update(fitness);
  const expected = new Float64Array(40);
  for (let worker = 0; worker < 3; worker++) {
    const u = utilities(fitness.slice(4 * worker, 4 * worker + 4));
    u.forEach((value, k) => members[4 * worker + k].forEach((x, i) => (expected[i] += (value * x) / 3)));
  }
  search.mean.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-5));
  // And still finds the minimum.
  assert.ok(minimise(searchFrom(Array(10).fill(1), 1, { population: 24, workers: 3 }), sphere, 300) < 1e-8);
  assert.throws(() => search.semiUpdate(fitness, 0), /12 fitness values, expected 4/);
});

test('what the pairs count is the semi-updates of the workers', () => {
  const fitness = Float64Array.from({ length: 12 }, (_, i) => (7 * i) % 12);
  for (const workers of [1, 3]) {
    const settings = { population: 12, workers, sigmaStep: 0 };
    const [search, moved] = [1, 2].map(() => searchFrom(Array(6).fill(0), 1, settings));
    moved.update(fitness);
    const members = membersOf(search);
    const expected = new Float64Array(6);
    pairUtilities(fitness, workers).forEach((weight, p) =>
      members[2 * p].forEach((noise, i) => (expected[i] += weight * noise)),
    );
    moved.mean.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-6, `${value}, ${expected[i]}`));
  }
});

test('the noise of a generation is that of its pairs', () => {
  const noise = generationNoise(9, streams.es, 3, 2, 6);
  assert.equal(noise.first + noise.stride, noiseIndex(3, 1, 6));
  assert.throws(() => generationNoise(9, streams.es, 3, 5000, 6), /no noise is defined/);
});

test('a search goes on exactly from its saved state', () => {
  const [one, two] = [1, 2].map(() => searchFrom([3, -1, 4, 1, -5], 1, { population: 8 }));
  minimise(one, sphere, 30);
  minimise(two, sphere, 12);
  const other = searchFrom(Array(5).fill(0), 7, { population: 8 });
  other.fromArrays(two.toArrays(), two.generation);
  minimise(other, sphere, 18);
  assert.deepEqual(other.mean, one.mean);
  assert.deepEqual(other.sigma, one.sigma);
  assert.throws(
    () => other.fromArrays(new Map([['mean', new Float32Array(4)]]), 1),
    /mean has 4 dimensions, expected 5/,
  );
  for (const generation of [-1, 0.5, 2 ** 21, NaN, undefined])
    assert.throws(() => other.fromArrays(two.toArrays(), generation), /generation is .*, expected 0 to 2097151/);
});

test('noise is that of the stream of the generation and the pair', () => {
  const search = searchFrom(Array(6).fill(0), 1, { population: 4 }, 9);
  search.generation = 3;
  const random = new RandomStream(9, streams.es, noiseIndex(3, 1, 6));
  assert.deepEqual(
    [...membersOf(search)[2]],
    Array.from({ length: 6 }, () => Math.fround(random.normal())),
  );
});

test('populations that do not split into pairs on every worker, and noise without a definition, are refused', () => {
  for (const settings of [{ population: 3 }, { population: 0 }, { population: 6, workers: 2 }])
    assert.throws(() => searchFrom([0], 1, settings), /does not split into pairs/);
  assert.throws(() => searchFrom([0], 1, { population: 10000 }), /no noise is defined/);
  assert.throws(() => noiseIndex(2 ** 21, 0, 1), RangeError);
  assert.throws(() => noiseIndex(0, 0, 2 ** 22 + 1), RangeError);
  assert.throws(
    () => new Snes(new Float32Array(3), new Float32Array(2), { population: 2 }, 1, 1),
    /sigma has 2 dimensions, the mean 3/,
  );
});
