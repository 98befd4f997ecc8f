import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../../base/random.js';
import { chooseKernels, codeExcitation, type ExcitationBatch, kernelNames, noiseAfter } from '../index.js';
import { cueCounts } from '../interface/listener.js';

/** Cells that widen with the value, as those of the µ-law; symmetrical, so that zero is an edge. */
function cells(codes: number): Pick<ExcitationBatch, 'values' | 'edges'> {
  const value = (code: number) => {
    const y = (2 * code) / (codes - 1) - 1;
    return (Math.sign(y) * Math.expm1(Math.abs(y) * Math.log(1024))) / 1023;
  };
  return {
    values: Float64Array.from({ length: codes }, (_, code) => value(code)),
    edges: Float64Array.from({ length: codes - 1 }, (_, code) => value(code + 0.5)),
  };
}

/** Sums of sines, clicks and full scale, with predictors that ring. */
function speech({
  lanes,
  order,
  codes,
  most,
  cues = 0,
  pitch = false,
  lead = 1,
  hop = 32,
}: {
  lanes: number;
  order: number;
  codes: number;
  most?: number;
  cues?: number;
  pitch?: boolean;
  lead?: number;
  hop?: number;
}): ExcitationBatch {
  const [history, phase, length] = [order + 10 + hop * (lead - 1), 20, order + 10 + hop * (lead - 1) + 300];
  const frames = Math.floor((length - 1 - history + phase) / hop) + 1 + lead;
  const random = new RandomStream(lanes, order);
  const coefficients = Float64Array.from(
    { length: lanes * frames * order },
    (_, i) => (i % order === 0 ? 1.2 : -0.4 / (1 + (i % order))) + 0.1 * random.normal(),
  );
  return {
    lanes,
    length,
    history,
    hop,
    phase,
    frames,
    lead,
    order,
    cues,
    pitchFilter: pitch ? Float64Array.from({ length: 4 * 5 }, () => 0.2 + 0.1 * random.normal()) : new Float64Array(0),
    periods: Int32Array.from({ length: lanes * frames }, () => 32 * 4 + random.below(pitch ? 300 : 1)),
    gains: Float64Array.from({ length: lanes * frames }, () => (pitch ? Math.max(0, random.uniform() - 0.2) : 0)),
    coefficients,
    ...cells(codes),
    pcm: Int16Array.from({ length: lanes * length }, (_, i) =>
      i % 97 === 0 ? 32767 : i % 101 === 0 ? -32768 : Math.round(9000 * Math.sin(i / 5) + 500 * random.normal()),
    ),
    scales: Float64Array.from({ length: lanes * frames }, () => Math.exp(-4 + random.normal())),
    ...(most !== undefined && { noise: { seed: 3 + 2 ** 40, index: 2 ** 33, most } }),
  };
}

const batches = [
  { title: 'one lane', batch: speech({ lanes: 1, order: 16, codes: 1024 }) },
  { title: 'many lanes, noise', batch: speech({ lanes: 7, order: 16, codes: 1024, most: 8 }) },
  {
    title: 'scales so small that values are infinite',
    batch: { ...speech({ lanes: 5, order: 16, codes: 1024, most: 8 }), scales: new Float64Array(5 * 11).fill(1e-310) },
  },
  {
    title: 'cues about the signal',
    batch: speech({ lanes: 5, order: 16, codes: 1024, most: 8, cues: cueCounts.signal, lead: 3 }),
  },
  {
    title: 'prediction from the pitch, many frames before',
    batch: speech({
      lanes: 6,
      order: 16,
      codes: 1024,
      most: 8,
      cues: cueCounts.signal,
      pitch: true,
      lead: 70,
      hop: 75,
    }),
  },
  {
    title: 'prediction from the pitch, another order',
    batch: speech({ lanes: 2, order: 3, codes: 1024, pitch: true }),
  },
  { title: 'another order, few codes, much noise', batch: speech({ lanes: 5, order: 3, codes: 16, most: 20 }) },
];

for (const name of kernelNames())
  for (const { title, batch } of batches)
    test(`${name}: excitation is coded as by the reference, to the bit, ${title}`, () => {
      const expected = codeExcitation(batch);
      for (const threads of [1, 3]) assert.deepEqual(chooseKernels({ name, threads }).codeExcitation(batch), expected);
      const { lanes, length, history, noise, cues } = batch;
      assert.equal(expected.cues?.length, cues > 0 ? lanes * (length - history) * cues : undefined);
      assert.equal(expected.codes.length, lanes * (1 + length - history));
      assert.equal(expected.heard?.length, noise && lanes * (length - history));
    });

test('a decoder that adds the value of each code to its prediction comes back to the samples, within the cells', () => {
  // Codes count from the sample before `history`: with the least history from the first that is not given.
  const { order, frames, hop, phase, coefficients, scales, values, ...rest } = speech({
    lanes: 1,
    order: 16,
    codes: 1024,
  });
  const history = order + 1;
  const batch = {
    ...rest,
    order,
    frames: frames + 1,
    hop,
    phase,
    values,
    history,
    coefficients: Float64Array.of(...coefficients, ...coefficients.subarray(0, order)),
    scales: Float64Array.of(...scales, scales[0]).fill(2),
  };
  const { codes } = codeExcitation(batch);
  const decoded = Float64Array.from(batch.pcm.subarray(0, order), (value) => value / 32768);
  const all = [...decoded];
  codes.forEach((code, j) => {
    const i = order + j;
    const row = Math.max(0, Math.floor((i - history + phase) / hop) + 1);
    const prediction = all
      .slice(i - order)
      .reverse()
      .reduce((sum, sample, k) => sum + batch.coefficients[row * order + k] * sample, 0);
    all.push(Math.max(-1, Math.min(1, prediction + 2 * values[code])));
    // The widest cell, of 1,024, spans less than a hundredth of ±2.
    assert.ok(Math.abs(all[i] - batch.pcm[i] / 32768) < 0.02, `sample ${i}`);
  });
});

test('noise is drawn lane by lane: the first lane of many is as it is alone, and without noise nothing is heard', () => {
  const { batch } = batches[1];
  const { frames, length, order, history } = batch;
  const alone = {
    ...batch,
    lanes: 1,
    pcm: batch.pcm.subarray(0, length),
    coefficients: batch.coefficients.subarray(0, frames * order),
    scales: batch.scales.subarray(0, frames),
  };
  const [many, one] = [batch, alone].map(codeExcitation);
  assert.deepEqual(one.codes, many.codes.slice(0, 1 + length - history));
  assert.deepEqual(one.heard, many.heard?.slice(0, length - history));
  assert.notDeepEqual(one.heard, one.codes.slice(0, -1));
  assert.deepEqual(
    codeExcitation({ ...alone, noise: { seed: 1, index: 0, most: 0 } }).heard,
    codeExcitation({ ...alone, noise: undefined }).codes.slice(0, -1),
  );
});

/** Lanes of a batch from `first` on, with the noise that they have in it. */
function laneRange(batch: ExcitationBatch, first: number, end: number): ExcitationBatch {
  const { lanes, length, order, noise, pcm, coefficients, scales, periods, gains } = batch;
  const of = <T extends Int16Array | Int32Array | Float64Array>(array: T) =>
    array.subarray((first * array.length) / lanes, (end * array.length) / lanes) as T;
  return {
    ...batch,
    lanes: end - first,
    pcm: of(pcm),
    coefficients: of(coefficients),
    scales: of(scales),
    periods: of(periods),
    gains: of(gains),
    noise: noise && noiseAfter(noise, first, length - order),
  };
}

for (const name of kernelNames())
  for (const order of [16, 3])
    test(`${name}: lanes that come after others are as with them, noise and all, order ${order}`, () => {
      const lanes = 15;
      const batch = speech({ lanes, order, codes: 1024, most: 8, cues: cueCounts.signal, pitch: true });
      const kernels = chooseKernels({ name, threads: 1 });
      const whole = kernels.codeExcitation(batch);
      for (const [first, end] of [
        [0, 4],
        [4, 12],
        [12, 15],
      ]) {
        const some = kernels.codeExcitation(laneRange(batch, first, end));
        const keys = ['codes', 'heard', 'cues'] as const;
        assert.deepEqual(
          keys.map((key) => some[key]),
          keys.map((key) => whole[key]?.slice((first * whole[key].length) / lanes, (end * whole[key].length) / lanes)),
        );
      }
      assert.throws(() => laneRange(batch, 2, 6), { name: 'RangeError', message: /2 lanes before.*multiple of 4/ });
    });

test('batches whose arrays do not fit are refused', () => {
  const kernels = chooseKernels();
  const { batch } = batches[0];
  assert.throws(() => kernels.codeExcitation({ ...batch, pcm: batch.pcm.subarray(1) }), { code: 'ERR_ARGUMENT' });
  assert.throws(
    () => kernels.codeExcitation({ ...batch, history: batch.order }),
    /history is 16, expected a whole number from 17/,
  );
  assert.throws(
    () => kernels.codeExcitation({ ...batch, length: batch.length + 32, pcm: new Int16Array(batch.length + 32) }),
    /frames/,
  );
  assert.throws(() => kernels.codeExcitation({ ...batch, scales: batch.scales.map(() => 0) }), /scales/);
});
