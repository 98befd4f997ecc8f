import { TtsError } from '../../base/errors.js';
import type { Kernels, SampleRateNetwork, SequenceBatch, SequenceGradients } from '../interface/kernels.js';
import { someLanes } from '../reference/sequence.js';
import type { Gpu } from './gpu.js';
import { sizesOf } from './layout.js';
import { Packing } from './packing.js';
import { partialBytes, slicesOf, tilingOf } from './plan.js';
import { gpuParts } from './sequence.js';

/**
 * Kernels that train the sample-rate network on a GPU. Everything else is done by others: it is `cpu` with three methods
 * replaced. Nothing is checked here: see `guarded`.
 */
export function webgpuKernels(gpu: Gpu, cpu: Kernels): Kernels {
  const own: Partial<Kernels> = { name: 'webgpu', ...sequencesOn(gpu) };
  return new Proxy(cpu, {
    get: (target, key) => {
      if (key in own) return own[key as keyof Kernels];
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

function sequencesOn(gpu: Gpu): Pick<Kernels, 'parts' | 'sequenceLoss' | 'sequenceGradients' | 'memberGradients'> {
  const { limits, timestamps } = gpu.opened;
  let packing: Packing | undefined;
  /** The packing that the GPU's thread has the structure of. */
  let sent: Packing | undefined;

  const run = (
    members: readonly SampleRateNetwork[],
    batch: SequenceBatch,
    scale: number,
    gradients: readonly SequenceGradients[] | null,
  ): void => {
    if (!packing?.fits(members)) {
      const sizes = sizesOf(members[0]);
      const tiling = tilingOf(sizes, limits);
      if (!tiling)
        throw new TtsError(
          'ERR_MEMORY',
          `a network of ${sizes.hidden} units needs more than the ${limits.workgroupBytes} bytes that a workgroup of this ` +
            'GPU shares; expected a smaller one, or other kernels',
        );
      packing = new Packing(members, tiling);
    }
    const { sizes, structure } = packing;
    if (members.length > 1 && partialBytes(structure.blocks, slicesOf(sizes, limits)) > limits.bufferBytes)
      return halved(members, batch, gradients, (some, part, own) => run(some, part, scale, own));
    const { nll, profile, meanwhile, ...rest } = batch;
    const known = sent === packing;
    // If the call fails, what is there is not known.
    sent = undefined;
    const result = gpu.sequence(
      {
        sizes,
        ...(!known && { structure }),
        weights: packing.weights(members),
        batch: separate(rest),
        scale,
        gradients: gradients !== null,
        timed: profile !== undefined && timestamps,
      },
      meanwhile,
    );
    sent = packing;
    nll?.set(result.nll);
    if (result.state) batch.state?.set(result.state);
    result.seconds?.forEach((seconds, i) => (profile![i] += seconds));
    if (!gradients) return;
    packing.unpack(result.weights!, gradients);
    let at = 0;
    for (const { gate } of gradients) gate.set(result.gate!.subarray(at, (at += gate.length)));
  };

  /** Runs with an array for nats in any case, and sums those of each lane in double. */
  const lossOf = (
    members: readonly SampleRateNetwork[],
    batch: SequenceBatch,
    scale: number,
    gradients: readonly SequenceGradients[] | null,
  ): Float64Array => {
    const { lanes, steps, nll = new Float32Array(lanes * steps) } = batch;
    run(members, { ...batch, nll }, scale, gradients);
    return Float64Array.from({ length: lanes }, (_, lane) => {
      let sum = 0;
      for (let t = lane * steps; t < (lane + 1) * steps; t++) sum += nll[t];
      return sum;
    });
  };

  return {
    ...(timestamps && { parts: gpuParts }),
    sequenceLoss: (network, batch) => lossOf([network], batch, 1, null),
    sequenceGradients: (network, batch, scale, gradients) => lossOf([network], batch, scale, [gradients]),
    memberGradients: (members, batch, scale, gradients) => lossOf(members, batch, scale, gradients),
  };
}

/** Members that do not fit together: half of them, then the others. To each it makes no difference. */
function halved(
  members: readonly SampleRateNetwork[],
  batch: SequenceBatch,
  gradients: readonly SequenceGradients[] | null,
  run: (
    members: readonly SampleRateNetwork[],
    batch: SequenceBatch,
    gradients: readonly SequenceGradients[] | null,
  ) => void,
): void {
  const middle = Math.ceil(members.length / 2);
  const share = batch.lanes / members.length;
  for (const [from, to] of [
    [0, middle],
    [middle, members.length],
  ])
    run(
      members.slice(from, to),
      // What is to be done meanwhile is done once.
      { ...someLanes(batch, from * share, (to - from) * share), ...(from > 0 && { meanwhile: undefined }) },
      gradients?.slice(from, to) ?? null,
    );
}

/**
 * The arrays of a batch with memory of their own: a message to another thread would take along all that a part of an
 * array is a part of.
 */
function separate<T extends object>(batch: T): T {
  const copied = Object.entries(batch).map(([name, value]: [string, unknown]) => {
    if (!ArrayBuffer.isView(value)) return [name, value];
    const whole = value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength;
    const array = value as Float32Array;
    return [name, whole ? array : new (array.constructor as Float32ArrayConstructor)(array)];
  });
  return Object.fromEntries(copied) as T;
}
