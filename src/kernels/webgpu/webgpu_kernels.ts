import { TtsError } from '../../base/errors.js';
import { storingAll } from '../interface/blocks.js';
import type { ConditioningNetwork } from '../interface/conditioning.js';
import type {
  Kernels,
  SampleRateNetwork,
  SequenceBatch,
  SequenceGradients,
  VocoderBatch,
} from '../interface/kernels.js';
import type { RequestBatch } from './chunks.js';
import { conditioningBytes, conditioningFits, type ConditioningRequest } from './conditioning.js';
import type { Gpu } from './gpu.js';
import { sizesOf } from './layout.js';
import { Packing } from './packing.js';
import { type DeviceLimits, partialBytes, slicesOf, tilingOf } from './plan.js';
import { gpuParts } from './sequence.js';
import { SharedArrays } from './shared.js';

/**
 * Kernels that train the sample-rate network on a GPU. Everything else is done by others: it is `cpu` with some methods
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

/** What is to be computed, of as many lanes as fit. */
interface Work {
  readonly members: readonly SampleRateNetwork[];
  readonly batch: SequenceBatch | VocoderBatch;
  readonly scale: number;
  readonly gradients: readonly Omit<SequenceGradients, 'gate'>[] | readonly SequenceGradients[] | null;
  /** Where the gate conditioning comes from features: the network that makes it, and room for its gradients. */
  readonly conditioning?: { readonly network: ConditioningNetwork; readonly gradients: readonly Float32Array[] };
}

type Methods = 'parts' | 'sequenceLoss' | 'sequenceGradients' | 'memberGradients' | 'vocoderGradients';

function sequencesOn(gpu: Gpu): Pick<Kernels, Methods> {
  const { limits, timestamps } = gpu.opened;
  const shared = new SharedArrays();
  let packing: Packing | undefined;
  /** The packing that the GPU's thread has the structure of. */
  let sent: Packing | undefined;

  /** @returns the sum of nats of each lane */
  const run = (work: Work): Float64Array => {
    const { members, scale, gradients } = work;
    if (!packing?.fits(members)) packing = packingFor(members, limits);
    if (!fits(work, packing, limits)) return halved(work, run);
    const { sizes, structure } = packing;
    const { nll, profile, meanwhile, ...batch } = work.batch;
    const known = sent === packing;
    // If the call fails, what is there is not known.
    sent = undefined;
    const result = gpu.sequence(
      {
        sizes,
        ...(!known && { structure }),
        ...shared.copy({ weights: packing.weights(members), ...heardBy(work.conditioning?.network, batch) }),
        nll: nll !== undefined,
        scale,
        gradients: gradients !== null,
        timed: profile !== undefined && timestamps,
      },
      meanwhile,
    );
    sent = packing;
    nll?.set(result.nll!);
    if (result.state && 'state' in batch) batch.state?.set(result.state);
    result.seconds?.forEach((seconds, i) => (profile![i] += seconds));
    if (!gradients) return result.nats;
    packing.unpack(result.weights!, gradients);
    if (result.gate)
      unfold(
        result.gate,
        (gradients as readonly SequenceGradients[]).map(({ gate }) => gate),
      );
    if (result.tensors) unfold(result.tensors, work.conditioning!.gradients);
    return result.nats;
  };

  return {
    ...(timestamps && { parts: gpuParts }),
    sequenceLoss: (network, batch) => run({ members: [network], batch, scale: 1, gradients: null }),
    sequenceGradients: (network, batch, scale, gradients) =>
      run({ members: [network], batch, scale, gradients: [gradients] }),
    memberGradients(members, batch, scale, gradients, blocks) {
      // The device has gradients of what is stored.
      const full = (network: SampleRateNetwork) => ({ ...network, sparse: network.sparse.map(storingAll) });
      return run({ members: blocks === 'all' ? members.map(full) : members, batch, scale, gradients });
    },
    vocoderGradients: (members, network, batch, scale, { members: gradients, conditioning }) =>
      run({ members, batch, scale, gradients, conditioning: { network, gradients: conditioning } }),
  };
}

/** A batch as the GPU's thread wants it: with the network that makes the gate conditioning, if there is one. */
function heardBy(
  network: ConditioningNetwork | undefined,
  batch: SequenceBatch | VocoderBatch,
): { batch: RequestBatch; conditioning?: ConditioningRequest } {
  if (!network || !('features' in batch)) return { batch };
  const { features, rows, first, ...rest } = batch;
  return { batch: rest, conditioning: { ...network, features, rows, first } };
}

/** Takes arrays out of one in which they lie end to end. */
function unfold(all: Float32Array, arrays: readonly Float32Array[]): void {
  let at = 0;
  for (const array of arrays) array.set(all.subarray(at, (at += array.length)));
}

/** Whether each array fits a buffer of the device, as far as that does not depend on how a call is cut there. */
function fits({ members, batch, conditioning }: Work, { sizes, structure }: Packing, limits: DeviceLimits): boolean {
  const { bufferBytes } = limits;
  if (members.length > 1 && partialBytes(structure.blocks, slicesOf(sizes, limits)) > bufferBytes) return false;
  if (!conditioning || !('rows' in batch) || batch.lanes === 1) return true;
  const { lanes, frames, rows, first } = batch;
  const [own, shape] = [
    { ...conditioning.network, rows, first },
    { hidden: sizes.hidden, lanes, frames },
  ];
  return (
    conditioningFits(own, shape) && Object.values(conditioningBytes(own, shape)).every((bytes) => bytes <= bufferBytes)
  );
}

/**
 * What does not fit: half of the members with their lanes, or of the lanes of the only one, then the others. To members it
 * makes no difference; what is summed over both halves is added up.
 */
function halved(work: Work, run: (work: Work) => Float64Array): Float64Array {
  const { members, batch, gradients, conditioning } = work;
  const alone = members.length === 1;
  const middle = Math.ceil(members.length / 2);
  const lanes = alone ? Math.ceil(batch.lanes / 2) : (batch.lanes / members.length) * middle;
  const first = run({
    ...work,
    members: alone ? members : members.slice(0, middle),
    batch: someLanes(batch, 0, lanes),
    gradients: alone ? gradients : (gradients?.slice(0, middle) ?? null),
  });
  const again = (arrays: readonly Float32Array[]) => arrays.map(({ length }) => new Float32Array(length));
  const others = alone
    ? (gradients?.map(({ sparse, dense }) => ({ sparse: again(sparse), dense: again(dense) })) ?? null)
    : (gradients?.slice(middle) ?? null);
  const tensors = again(conditioning?.gradients ?? []);
  const second = run({
    ...work,
    members: alone ? members : members.slice(middle),
    // What is to be done meanwhile is done once.
    batch: { ...someLanes(batch, lanes, batch.lanes - lanes), meanwhile: undefined },
    gradients: others,
    ...(conditioning && { conditioning: { ...conditioning, gradients: tensors } }),
  });
  conditioning?.gradients.forEach((array, i) => add(array, tensors[i]));
  if (alone)
    gradients?.forEach(({ sparse, dense }, m) => {
      sparse.forEach((array, i) => add(array, others![m].sparse[i]));
      dense.forEach((array, i) => add(array, others![m].dense[i]));
    });
  const nats = new Float64Array(batch.lanes);
  nats.set(first);
  nats.set(second, lanes);
  return nats;
}

function add(to: Float32Array, from: Float32Array): void {
  for (let i = 0; i < to.length; i++) to[i] += from[i];
}

/** Some lanes of a batch, with the same arrays. */
function someLanes<T extends SequenceBatch | VocoderBatch>(batch: T, first: number, count: number): T {
  const cut = Object.entries(batch).map(([name, value]: [string, unknown]) => {
    if (!ArrayBuffer.isView(value) || name === 'profile') return [name, value];
    const array = value as Float32Array;
    const perLane = array.length / batch.lanes;
    return [name, array.subarray(first * perLane, (first + count) * perLane)];
  });
  return { ...(Object.fromEntries(cut) as T), lanes: count };
}

/** @throws {TtsError} ERR_MEMORY where the device is too small for a network of this width */
function packingFor(members: readonly SampleRateNetwork[], limits: DeviceLimits): Packing {
  const sizes = sizesOf(members[0]);
  const tiling = tilingOf(sizes, limits);
  if (!tiling)
    throw new TtsError(
      'ERR_MEMORY',
      `a network of ${sizes.hidden} units needs more than the ${limits.workgroupBytes} bytes that a workgroup of this ` +
        'GPU shares; expected a smaller one, or other kernels',
    );
  return new Packing(members, tiling);
}
