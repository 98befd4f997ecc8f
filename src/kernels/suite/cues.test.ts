import assert from 'node:assert/strict';
import test from 'node:test';
import { assertClose, blockShapes, normals, randomNetwork, tolerances } from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels, kernelNames, precisions, withPrecision } from '../index.js';
import { cueCounts, type FramePredictors, type Hearing, Listener } from '../interface/listener.js';

const [frames, hop, order] = [9, 64, 4];
const classes = 32;

const hearing = (cues: number): Hearing => ({
  cues,
  order,
  pitchFilter: Float64Array.from({ length: 4 * 3 }, (_, i) => [0.1, 0.3, 0.2][i % 3]),
  values: Float64Array.from({ length: classes ** 2 }, (_, code) => ((2 * code) / 1023 - 1) ** 3),
});

/** Predictors that ring at other frequencies from frame to frame. */
const predictors: FramePredictors = {
  coefficients: Float64Array.from({ length: frames * order }, (_, i) =>
    i % order === 0 ? 1.6 + 0.02 * Math.floor(i / order) : i % order === 1 ? -0.9 : 0,
  ),
  scales: Float64Array.from({ length: frames }, (_, frame) => 0.05 * (1 + (frame % 3))),
  periods: Int32Array.from({ length: frames }, (_, frame) => 150 + 31 * frame),
  gains: Float64Array.from({ length: frames }, (_, frame) => 0.3 * (frame % 4)),
};

function someFrames(from: number, count: number): FramePredictors {
  const { coefficients, scales, periods, gains } = predictors;
  return {
    coefficients: coefficients.slice(from * order, (from + count) * order),
    scales: scales.slice(from, from + count),
    periods: periods.slice(from, from + count),
    gains: gains.slice(from, from + count),
  };
}

const cases = [cueCounts.signal].map((cues) => {
  const stream = new RandomStream(cues, 50);
  const network = randomNetwork(stream, { hidden: 64, projection: 48, classes, shape: blockShapes[0], cues });
  return { cues, network, gate: normals(stream, frames * 192), settings: settingsOf(cues) };
});

function settingsOf(cues: number) {
  return { seed: 7, temperature: 1, firstCode: 5, hearing: hearing(cues) };
}

/** What a listener says along some codes: [frames · hop, cues]. */
function cuesAlong(codes: Uint16Array, cues: number): Float32Array {
  const listener = new Listener(hearing(cues));
  const all = new Float32Array(codes.length * cues);
  codes.forEach((code, t) => {
    listener.frame(predictors, Math.floor(t / hop));
    listener.predict();
    listener.cues(all, t * cues);
    listener.follow(code);
  });
  return all;
}

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 2 });

  for (const { cues, network, gate, settings } of cases) {
    test(`${name}: what is drawn with ${cues} cues has the trainer's probabilities with a listener's cues`, async () => {
      const codes = await kernels.createSampler(network, settings).run(gate, frames, hop, predictors);
      const probabilities = kernels.createSampler(network, settings).forced(gate, frames, hop, codes, predictors);
      const nll = new Float32Array(codes.length);
      kernels.sequenceLoss(network, {
        lanes: 1,
        steps: codes.length,
        hop,
        phase: 0,
        frames,
        codes: Uint16Array.of(settings.firstCode, ...codes),
        cues: cuesAlong(codes, cues),
        gate,
        nll,
      });
      codes.forEach((code, t) => {
        const p =
          probabilities[2 * t * classes + Math.floor(code / classes)] *
          probabilities[(2 * t + 1) * classes + (code % classes)];
        assertClose(`sample ${t}`, [p], [Math.exp(-nll[t])], tolerances.probability);
      });
      const heard = cuesAlong(codes, cues);
      for (let cue = 0; cue < cues; cue++)
        assert.ok(
          codes.some((_, t) => Math.abs(heard[t * cues + cue]) > 0.05),
          `cue ${cue} says something`,
        );
    });

    for (const precision of precisions)
      test(`${name}: with ${cues} cues, pieces, threads and neighbours change nothing, ${precision}`, async () => {
        const stored = withPrecision(network, precision);
        const whole = [...(await kernels.createSampler(stored, settings).run(gate, frames, hop, predictors))];
        const others = await kernels.createSampler(stored, { ...settings, seed: 8 }).run(gate, frames, hop, predictors);
        assert.notDeepEqual([...others], whole);
        const part = (from: number, count: number) => ({
          gate: gate.subarray(from * 192, (from + count) * 192),
          frames: count,
          predictors: someFrames(from, count),
        });
        for (const threads of [1, 2, 3]) {
          const sampler = kernels.createSampler(stored, settings, threads);
          const pieces: number[] = [];
          for (const [from, count] of [
            [0, 1],
            [1, 3],
            [4, 5],
          ]) {
            const { gate, frames, predictors } = part(from, count);
            pieces.push(...(await sampler.run(gate, frames, hop, predictors)));
          }
          assert.deepEqual(pieces, whole, `${threads} threads`);
        }
        const group = kernels.createSamplerGroup(stored, 5);
        for (let slot = 0; slot < 5; slot++) group.begin(slot, { ...settings, seed: slot === 3 ? 7 : 8 });
        const spoken: number[][] = [[], [], [], [], []];
        for (const [from, count] of [
          [0, 2],
          [2, 7],
        ]) {
          const parts = [0, 1, 2, 3, 4].map((slot) => ({ slot, ...part(from, count) }));
          (await group.run(parts, hop)).forEach((codes, slot) => spoken[slot].push(...codes));
        }
        assert.deepEqual(spoken[3], whole);
        for (const slot of [0, 1, 2, 4]) assert.deepEqual(spoken[slot], [...others]);
      });

    test(`${name}: ${cues} cues without a listener, and a listener without predictors, are refused`, async () => {
      assert.throws(
        () => kernels.createSampler(network, { ...settings, hearing: undefined }),
        new RegExp(`hearing gives 0 cues, expected ${cues}`),
      );
      await assert.rejects(
        async () => kernels.createSampler(network, settings).run(gate, frames, hop),
        /coefficients is undefined, expected a Float64Array/,
      );
      assert.throws(
        () =>
          kernels.createSampler(network, {
            ...settings,
            hearing: { ...hearing(cues), pitchFilter: new Float64Array(8) },
          }),
        /pitchFilter has 2 taps, expected an odd number up to 32/,
      );
      await assert.rejects(
        async () =>
          kernels
            .createSampler(network, settings)
            .run(gate, frames, hop, { ...predictors, periods: predictors.periods.map(() => 3841) }),
        /a period of 960.25 samples, expected 32 to 960/,
      );
    });
  }
}

test('a listener expects the excitation of one period ago again, through its filter and with its gain', () => {
  const values = Float64Array.of(0, 0.5);
  const pitchFilter = Float64Array.from({ length: 4 * 3 }, (_, i) => (i < 6 ? 0 : [0.2, 0.6, 0.1][i % 3]));
  const listener = new Listener({ cues: 0, order: 1, values, pitchFilter });
  // No short-term prediction; a period of 40 and a half samples.
  listener.frame(
    {
      coefficients: Float64Array.of(0),
      scales: Float64Array.of(1),
      periods: Int32Array.of(40 * 4 + 2),
      gains: Float64Array.of(0.5),
    },
    0,
  );
  const heard = Array.from({ length: 100 }, (_, t) => {
    listener.predict();
    return listener.follow(t === 0 ? 1 : 0);
  });
  const expected = new Map([
    [0, 0.5],
    [39, 0.25 * 0.2],
    [40, 0.25 * 0.6],
    [41, 0.25 * 0.1],
    // One more period: the filter's square, by half the gain again.
    [78, 0.125 * 0.04],
    [79, 0.125 * 0.24],
    [80, 0.125 * 0.4],
    [81, 0.125 * 0.12],
    [82, 0.125 * 0.01],
  ]);
  heard.forEach((sample, t) => assert.ok(Math.abs(sample - (expected.get(t) ?? 0)) < 1e-12, `${t}: ${sample}`));
});

test('cues are the prediction and the last sample, by the deviation of the frame, softened', () => {
  const values = Float64Array.of(0, 0.5);
  const listener = new Listener({ cues: cueCounts.signal, order: 2, values, pitchFilter: new Float64Array(0) });
  listener.frame(
    {
      coefficients: Float64Array.of(0.5, -0.25),
      scales: Float64Array.of(0.8),
      periods: Int32Array.of(128),
      gains: Float64Array.of(0),
    },
    0,
  );
  listener.know(0.3);
  listener.know(-0.2);
  // 0.5·(-0.2) - 0.25·0.3
  assert.equal(listener.predict(), -0.175);
  const cues = new Float64Array(4);
  listener.cues(cues as unknown as number[]);
  const f = (x: number) => x / (1 + Math.abs(x));
  const deviation = 0.8 / 16;
  [
    f(-0.175 / (4 * deviation)),
    f(-0.175 / (32 * deviation)),
    f(-0.2 / (4 * deviation)),
    f(-0.2 / (32 * deviation)),
  ].forEach((expected, i) => assert.ok(Math.abs(cues[i] - expected) < 1e-12, `${i}: ${cues[i]}`));
});
