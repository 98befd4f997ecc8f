import assert from 'node:assert/strict';
import test from 'node:test';
import { assertClose, normals, tolerances } from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels, kernelNames } from '../index.js';

const stream = new RandomStream(3, 0);

/**
 * Decays that float32 holds exactly: 1 - 0.999 in float32 is off by 1e-5, which is the format's and not the kernel's
 * error.
 */
const settings = {
  learningRate: 2 ** -7,
  beta1: 0.875,
  beta2: 1 - 2 ** -10,
  epsilon: 2 ** -20,
  gradientScale: 0.25,
  average: 1 - 2 ** -6,
};

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 1 });

  test(`${name}: Adam follows algorithm 1 of Kingma and Ba over several steps, at lengths around a register`, () => {
    for (const length of [0, 1, 15, 16, 17, 1000]) {
      // Every weight moves away from zero, so that no difference of large numbers hides an error or makes one.
      const away = (i: number, value: number) => (i % 2 === 0 ? Math.abs(value) : -Math.abs(value));
      const weights = normals(stream, length, 0.01).map((value, i) => away(i, value));
      const state = {
        weights,
        first: new Float32Array(length),
        second: new Float32Array(length),
        average: weights.slice(),
      };
      const [w, m, v, average] = [
        Float64Array.from(weights),
        new Float64Array(length),
        new Float64Array(length),
        Float64Array.from(weights),
      ];
      for (let step = 1; step <= 5; step++) {
        // The last weight has no gradient: it must stay where it is.
        const gradient = normals(stream, length, 10 ** (step - 3)).map((value, i) => -away(i, value));
        if (length > 1) gradient[length - 1] = 0;
        kernels.adam({ ...settings, step }, gradient, state);
        for (let i = 0; i < length; i++) {
          const g = gradient[i] * settings.gradientScale;
          m[i] = settings.beta1 * m[i] + (1 - settings.beta1) * g;
          v[i] = settings.beta2 * v[i] + (1 - settings.beta2) * g ** 2;
          const corrected = [m[i] / (1 - settings.beta1 ** step), v[i] / (1 - settings.beta2 ** step)];
          w[i] -= (settings.learningRate * corrected[0]) / (Math.sqrt(corrected[1]) + settings.epsilon);
          average[i] = settings.average * average[i] + (1 - settings.average) * w[i];
        }
        assertClose('first', state.first, m, tolerances.product);
        assertClose('second', state.second, v, tolerances.product);
        assertClose('weights', state.weights, w, tolerances.product);
        assertClose('average', state.average, average, tolerances.product);
      }
      if (length > 1) assert.equal(state.weights[length - 1], Math.fround(w[length - 1]));
    }
  });

  test(`${name}: the first step of Adam moves every weight by the learning rate, however large its gradient`, () => {
    const gradient = Float32Array.from([1e-4, -1, 3e4, -7e-3, 0]);
    const zeros = () => new Float32Array(5);
    const state = { weights: zeros(), first: zeros(), second: zeros(), average: zeros() };
    kernels.adam(
      { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-12, step: 1, gradientScale: 1, average: 0 },
      gradient,
      state,
    );
    assertClose('weights', state.weights, [-1e-3, 1e-3, -1e-3, 1e-3, 0], 2e-5);
    assert.deepEqual(state.average, state.weights);
  });
}
