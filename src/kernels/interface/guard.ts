import { TtsError } from '../../base/errors.js';
import { limits, within } from '../../base/limits.js';
import type { BlockMatrix, GradientBlocks, StoredMatrix } from './blocks.js';
import {
  checkAdam,
  checkBatch,
  checkBlockMatrix,
  checkExcitation,
  checkForced,
  checkFrames,
  checkGradientBlocks,
  checkMatMul,
  checkMembers,
  checkNetwork,
  checkSampler,
  checkSamplerNetwork,
  checkSamplerProduct,
  checkSlots,
} from './check.js';
import { checkClassifier, checkClassifierGradients } from './check_classifier.js';
import { checkMirrored, checkNoise } from './check_evolution.js';
import { checkArray, checkBoolean, checkList, checkObject, checkWhole, wrong } from './check_values.js';
import { checkVocoder } from './check_vocoder.js';
import type { ClassifierBatch, ClassifierGradients, ClassifierNetwork, ClassifierResult } from './classifier.js';
import type { PairNoise } from './evolution.js';
import type { ExcitationBatch, ExcitationCodes } from './excitation.js';
import type {
  AdamSettings,
  AdamState,
  KernelName,
  Kernels,
  Sampler,
  SampleRateNetwork,
  SamplerGroup,
  SamplerNetwork,
  SamplerSettings,
  SequenceBatch,
  SequenceGradients,
  SlotFrames,
} from './kernels.js';
import { LANES } from './kernels.js';
import type { FramePredictors, Hearing } from './listener.js';

/**
 * The same kernels behind a guard that looks at every argument of every call: at types, lengths, indices and ranges.
 * What the kernels get is a copy of what the guard saw. It is the one place where arguments are checked; the kernels
 * behind it check nothing. Everything that can go wrong is a `TtsError`: ERR_ARGUMENT for an argument, ERR_MEMORY for
 * memory that there is not.
 * @param remember whether a matrix that has passed is not looked at again as long as its arrays are the same ones; for
 * kernels that look at indices themselves before they follow them
 */
export function guarded(kernels: Kernels, remember = false): Kernels {
  return new GuardedKernels(kernels, remember);
}

const floats = ['Float32Array'] as const;

class GuardedKernels implements Kernels {
  readonly name: KernelName;
  readonly threads: number;
  readonly parts?: readonly string[];
  readonly vocoderGradients?: Kernels['vocoderGradients'];

  constructor(
    private readonly kernels: Kernels,
    private readonly remember: boolean,
  ) {
    this.name = kernels.name;
    this.threads = kernels.threads;
    this.parts = kernels.parts;
    const { vocoderGradients } = kernels;
    if (!vocoderGradients) return;
    this.vocoderGradients = (members, conditioning, batch, scale, gradients) => {
      const seen = checkVocoder(members, conditioning, batch, scale, gradients, remember, kernels.parts?.length);
      const call = () => vocoderGradients(seen.members, seen.conditioning, seen.batch, scale, seen.gradients);
      return coded(call);
    };
  }

  product(matrix: BlockMatrix, x: Float32Array, y: Float32Array): void {
    const seen = checkBlockMatrix('matrix', matrix, floats, this.remember);
    checkArray('x', 'Float32Array', x, seen.columns * LANES);
    checkArray('y', 'Float32Array', y, seen.rows * LANES);
    coded(() => this.kernels.product(seen, x, y));
  }

  productTransposed(matrix: BlockMatrix, dy: Float32Array, dx: Float32Array): void {
    const seen = checkBlockMatrix('matrix', matrix, floats, this.remember);
    checkArray('dy', 'Float32Array', dy, seen.rows * LANES);
    checkArray('dx', 'Float32Array', dx, seen.columns * LANES);
    coded(() => this.kernels.productTransposed(seen, dy, dx));
  }

  productWeights(matrix: BlockMatrix, dy: Float32Array, x: Float32Array, steps: number, dw: Float32Array): void {
    const seen = checkBlockMatrix('matrix', matrix, floats, this.remember);
    checkWhole('steps', steps, { ...limits.sequence, least: 0 });
    checkArray('dy', 'Float32Array', dy, steps * seen.rows * LANES);
    checkArray('x', 'Float32Array', x, steps * seen.columns * LANES);
    checkArray('dw', 'Float32Array', dw, seen.values.length);
    coded(() => this.kernels.productWeights(seen, dy, x, steps, dw));
  }

  sequenceLoss(network: SampleRateNetwork, batch: SequenceBatch): Float64Array {
    const seen = checkNetwork(network, this.remember);
    const seenBatch = checkBatch(seen, batch, this.parts?.length);
    return coded(() => this.kernels.sequenceLoss(seen, seenBatch));
  }

  sequenceGradients(
    network: SampleRateNetwork,
    batch: SequenceBatch,
    scale: number,
    gradients: SequenceGradients,
  ): Float64Array {
    return this.memberGradients([network], batch, scale, [gradients]);
  }

  memberGradients(
    members: readonly SampleRateNetwork[],
    batch: SequenceBatch,
    scale: number,
    gradients: readonly SequenceGradients[],
    blocks?: GradientBlocks,
  ): Float64Array {
    checkGradientBlocks(blocks);
    const seen = checkMembers(members, batch, scale, gradients, blocks, this.remember, this.parts?.length);
    return coded(() => this.kernels.memberGradients(seen.members, seen.batch, scale, seen.gradients, blocks));
  }

  classifierLoss(members: readonly ClassifierNetwork[], batch: ClassifierBatch): ClassifierResult {
    const seen = checkClassifier(members, checkObject('batch', batch), this.remember);
    return coded(() => this.kernels.classifierLoss(seen.members, seen.batch));
  }

  classifierGradients(
    members: readonly ClassifierNetwork[],
    batch: ClassifierBatch,
    scale: number,
    gradients: readonly ClassifierGradients[],
    blocks?: GradientBlocks,
  ): ClassifierResult {
    checkGradientBlocks(blocks);
    const seen = checkClassifier(members, checkObject('batch', batch), this.remember);
    const seenGradients = checkClassifierGradients(seen.members, scale, gradients, blocks);
    return coded(() => this.kernels.classifierGradients(seen.members, seen.batch, scale, seenGradients, blocks));
  }

  mirroredMembers(
    noise: PairNoise,
    mean: Float32Array,
    sigma: Float32Array,
    scale: number,
    members: readonly Float32Array[],
  ): void {
    const seen = checkMirrored(noise, mean, sigma, scale, members);
    coded(() => this.kernels.mirroredMembers(seen.noise, mean, sigma, scale, seen.members));
  }

  noiseSum(noise: PairNoise, pairs: Float32Array, sum: Float32Array): void {
    checkArray('pairs', 'Float32Array', pairs);
    checkArray('sum', 'Float32Array', sum);
    const seen = checkNoise(noise, pairs.length, sum.length);
    coded(() => this.kernels.noiseSum(seen, pairs, sum));
  }

  adam(settings: AdamSettings, gradient: Float32Array, state: AdamState): void {
    const seen = checkAdam(settings, gradient, state);
    coded(() => this.kernels.adam(seen.settings, gradient, seen.state));
  }

  matMul(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
  ): void {
    checkBoolean('transposeA', transposeA);
    checkBoolean('transposeB', transposeB);
    checkMatMul(m, n, k, a, b, c);
    coded(() => this.kernels.matMul(transposeA, transposeB, m, n, k, a, b, c));
  }

  codeExcitation(batch: ExcitationBatch): ExcitationCodes {
    const seen = checkExcitation(batch);
    return coded(() => this.kernels.codeExcitation(seen));
  }

  samplerProduct(matrix: StoredMatrix, x: Float32Array, y: Float32Array, repetitions = 1): number {
    const seen = checkSamplerProduct(matrix, x, y, repetitions, this.remember);
    return coded(() => this.kernels.samplerProduct(seen, x, y, repetitions));
  }

  get readSeconds(): Kernels['readSeconds'] {
    const { kernels } = this;
    if (!kernels.readSeconds) return undefined;
    return (floats, repetitions) => {
      checkWhole('floats', floats, { least: 1, most: 2 ** 28 });
      checkWhole('repetitions', repetitions, limits.repetitions);
      return coded(() => kernels.readSeconds?.(floats, repetitions) ?? NaN);
    };
  }

  activations(x: Float32Array): { readonly sigmoid: Float32Array; readonly tanh: Float32Array } {
    checkArray('x', 'Float32Array', x);
    return coded(() => this.kernels.activations(x));
  }

  createSampler(network: SamplerNetwork, settings: SamplerSettings, threads = 1): Sampler {
    const seen = checkSamplerNetwork(network, this.remember);
    const seenSettings = checkSampler(seen, settings);
    checkWhole('threads', threads, limits.threads);
    return guardedSampler(
      seen,
      seenSettings.hearing,
      coded(() => this.kernels.createSampler(seen, seenSettings, threads)),
    );
  }

  createSamplerGroup(network: SamplerNetwork, slots: number): SamplerGroup {
    const seen = checkSamplerNetwork(network, this.remember);
    checkWhole('slots', slots, limits.slots);
    return guardedGroup(
      seen,
      coded(() => this.kernels.createSamplerGroup(seen, slots)),
    );
  }
}

function guardedSampler(network: SamplerNetwork, hearing: Hearing | undefined, sampler: Sampler): Sampler {
  const check = (gate: Float32Array, frames: number, hop: number, predictors?: FramePredictors) =>
    checkFrames(network, hearing, gate, frames, hop, predictors);
  const turn = oneAtATime('the sampler is still at work; one call at a time');
  const { timed } = sampler;
  return {
    run: (gate, frames, hop, predictors) =>
      turn.during(() => {
        const seen = check(gate, frames, hop, predictors);
        return sampler.run(gate, frames, hop, seen);
      }),
    forced(gate, frames, hop, codes, predictors) {
      turn.check();
      const seen = check(gate, frames, hop, predictors);
      checkForced(network, frames, hop, codes);
      return coded(() => sampler.forced(gate, frames, hop, codes, seen));
    },
    ...(timed && {
      timed(gate: Float32Array, frames: number, hop: number, parts: boolean, predictors?: FramePredictors) {
        turn.check();
        const seen = check(gate, frames, hop, predictors);
        return coded(() => timed.call(sampler, gate, frames, hop, parts, seen));
      },
    }),
  };
}

function guardedGroup(network: SamplerNetwork, group: SamplerGroup): SamplerGroup {
  const { slots } = group;
  const all = Array<boolean>(slots).fill(true);
  const begun = Array<Hearing | undefined | null>(slots).fill(null);
  const turn = oneAtATime('the samplers are still at work; one call at a time');
  return {
    slots,
    begin(slot, settings) {
      turn.check();
      const seen = checkSampler(network, settings);
      checkSlots([slot], all);
      coded(() => group.begin(slot, seen));
      begun[slot] = seen.hearing;
    },
    run: (given, hop) =>
      turn.during(() => {
        const parts = checkList('parts', given, undefined, slots).map((part, i): SlotFrames => {
          const { slot, gate, frames, predictors } = checkObject(`parts[${i}]`, part);
          return { slot, gate, frames, predictors };
        });
        checkSlots(
          parts.map(({ slot }) => slot),
          begun.map((hearing) => hearing !== null),
        );
        const seen = parts.map(({ slot, gate, frames, predictors }) => ({
          slot,
          gate,
          frames,
          predictors: checkFrames(network, begun[slot] ?? undefined, gate, frames, hop, predictors),
        }));
        const samples = seen.reduce((sum, { frames }) => sum + frames * hop, 0);
        if (!within(samples, limits.samplesOfCall))
          throw wrong(`${samples} samples in one call, expected at most ${limits.samplesOfCall.most}`);
        return group.run(seen, hop);
      }),
  };
}

/** Refuses a call while another one is at work. */
function oneAtATime(message: string) {
  let busy = false;
  const check = () => {
    if (busy) throw wrong(message);
  };
  return {
    check,
    async during<T>(work: () => Promise<T>): Promise<T> {
      check();
      busy = true;
      try {
        return await work();
      } catch (error) {
        throw withCode(error);
      } finally {
        busy = false;
      }
    },
  };
}

function coded<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw withCode(error);
  }
}

/**
 * What kernels throw although their arguments are good: C++ and JavaScript have no memory, or a matrix is no longer
 * what it was when it passed. Anything else is a fault of the toolkit and stays as it is.
 */
function withCode(cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof TtsError) return cause;
  const { message } = cause;
  if (message.startsWith('a block matrix changed')) return new TtsError('ERR_ARGUMENT', message, { cause });
  const trap = typeof WebAssembly === 'object' && cause instanceof WebAssembly.RuntimeError;
  if (trap || /alloc|array length|length_error|vector|memory/i.test(message))
    return new TtsError(
      'ERR_MEMORY',
      `the kernels ran out of memory (${message}); expected smaller networks or fewer`,
      {
        cause,
      },
    );
  return cause;
}
