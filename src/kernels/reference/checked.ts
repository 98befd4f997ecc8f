import { philox, streams } from '../../base/random.js';
import type { Kernels, Sampler, SamplerNetwork, SamplerSettings } from '../interface/kernels.js';
import { precisionOf } from '../interface/precision.js';
import { drawingOrder } from './sampler.js';
import { separateSamplers } from './separate_samplers.js';

/**
 * How far results may be from the reference's, over the largest value of an array; of a sampler's probabilities and of
 * the bounds between its symbols, as they are. In int8 a state that falls on the other side of a boundary between two
 * steps changes by a whole step.
 */
const tolerance = { arrays: 1e-3, float32: 1e-3, bf16: 1e-3, int8: 3e-2 } as const;

const inPlace = [
  'product',
  'productTransposed',
  'productWeights',
  'sequenceLoss',
  'sequenceGradients',
  'memberGradients',
  'classifierLoss',
  'classifierGradients',
  'mirroredMembers',
  'noiseSum',
  'adam',
  'matMul',
  'activations',
  'codeExcitation',
] as const;

/**
 * Kernels that compare everything they compute with the reference as they run, and throw where it differs: for hunting
 * down a fault, hundreds of times slower. `TTS_CHECK_KERNELS=1` in the environment makes `chooseKernels` return these.
 */
export function checkedKernels(kernels: Kernels, reference: Kernels): Kernels {
  const createSampler = (network: SamplerNetwork, settings: SamplerSettings, threads?: number) =>
    checkedSampler(kernels, reference, network, settings, threads);
  const own: Partial<Record<keyof Kernels, unknown>> = {
    createSampler,
    // The reference has no frame-rate network: callers do without, by calls that are compared.
    vocoderGradients: undefined,
    createSamplerGroup: (network: SamplerNetwork, slots: number) => separateSamplers({ createSampler }, network, slots),
  };
  for (const name of inPlace) {
    own[name] = (...args: unknown[]) => {
      const copies = structuredClone(args.map(withoutWork));
      const result = call(kernels, name, args);
      const expected = call(reference, name, copies);
      compare(`${kernels.name}: ${name}`, [result, ...args], [expected, ...copies]);
      return result;
    };
  }
  return new Proxy(kernels, {
    get: (target, key) => {
      if (key in own) return own[key as keyof Kernels];
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/** A batch without what is to be done meanwhile, which is done once. */
const withoutWork = (arg: unknown): unknown =>
  typeof arg === 'object' && arg !== null && 'meanwhile' in arg ? { ...arg, meanwhile: undefined } : arg;

const call = (kernels: Kernels, name: (typeof inPlace)[number], args: unknown[]): unknown =>
  (kernels[name] as (...args: unknown[]) => unknown)(...args);

/** Compares all arrays of numbers in two equal structures; times, which are never the same, are left out. */
function compare(path: string, actual: unknown, expected: unknown): void {
  if (actual === expected || typeof actual !== 'object' || actual === null) return;
  if (ArrayBuffer.isView(actual)) return compareArrays(path, actual as Float32Array, expected as Float32Array);
  for (const [key, value] of Object.entries(actual))
    if (key !== 'profile') compare(`${path}.${key}`, value, (expected as Record<string, unknown>)[key]);
}

function compareArrays(path: string, actual: Float32Array, expected: Float32Array): void {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const bad = actual.findIndex(
    (value, i) => !(Math.abs(value - expected[i]) <= tolerance.arrays * largest) && !Object.is(value, expected[i]),
  );
  if (bad >= 0) throw new Error(`${path}[${bad}] is ${actual[bad]}, the reference has ${expected[bad]}`);
}

function checkedSampler(
  kernels: Kernels,
  reference: Kernels,
  network: SamplerNetwork,
  settings: SamplerSettings,
  threads?: number,
): Sampler {
  const [sampler, oracle] = [kernels, reference].map((each) => each.createSampler(network, settings, threads));
  const { classes } = network;
  const allowed = tolerance[precisionOf(network)];
  const order = drawingOrder(classes);
  let position = 0;

  const checkDrawn = (symbol: number, probabilities: Float32Array, u: number, what: string) => {
    let below = 0;
    for (const i of order) {
      if (i === symbol) break;
      below += probabilities[i];
    }
    if (!(u >= below - allowed && u <= below + probabilities[symbol] + allowed))
      throw new Error(
        `${what}: ${symbol} was drawn for ${u}, in the reference it spans ${below} to ${below + probabilities[symbol]}`,
      );
  };

  return {
    async run(gate, frames, hop, predictors) {
      const [given, described] = structuredClone([gate, predictors]);
      const codes = await sampler.run(gate, frames, hop, predictors);
      const probabilities = oracle.forced(given, frames, hop, codes, described);
      codes.forEach((code, t) => {
        const words = philox(settings.seed, streams.sampling, position++);
        [Math.floor(code / classes), code % classes].forEach((symbol, half) => {
          const p = probabilities.subarray((2 * t + half) * classes, (2 * t + half + 1) * classes);
          checkDrawn(symbol, p, (words[half] >>> 8) * 2 ** -24, `${kernels.name}: sample ${position - 1}`);
        });
      });
      return codes;
    },
    forced(gate, frames, hop, codes, predictors) {
      const probabilities = sampler.forced(gate, frames, hop, codes, predictors);
      const expected = oracle.forced(gate, frames, hop, codes, predictors);
      const bad = probabilities.findIndex((p, i) => !(Math.abs(p - expected[i]) <= allowed));
      if (bad >= 0)
        throw new Error(
          `${kernels.name}: probability ${bad % (2 * classes)} of sample ` +
            `${position + Math.floor(bad / (2 * classes))} is ` +
            `${probabilities[bad]}, the reference has ${expected[bad]}`,
        );
      position += codes.length;
      return probabilities;
    },
  };
}
