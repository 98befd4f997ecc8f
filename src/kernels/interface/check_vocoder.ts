import { limits } from '../../base/limits.js';
import { checkNetworks, checkShares, checkTeacher, checkWeightGradients } from './check.js';
import { checkArray, checkList, checkNumber, checkObject, checkWhole, wrong } from './check_values.js';
import { conditioningLayers, type ConditioningNetwork, framesAfter } from './conditioning.js';
import type { SampleRateNetwork, VocoderBatch, VocoderGradients } from './kernels.js';

// As in check.ts: what passes is returned as a plain copy, for the kernels trust it. All throw ERR_ARGUMENT.

/** The members of a population, the frame-rate network that they hear, their batch, and the arrays for gradients. */
export function checkVocoder(
  given: readonly SampleRateNetwork[],
  givenConditioning: ConditioningNetwork,
  givenBatch: VocoderBatch,
  scale: number,
  givenGradients: VocoderGradients,
  remember = false,
  parts?: number,
): {
  members: SampleRateNetwork[];
  conditioning: ConditioningNetwork;
  batch: VocoderBatch;
  gradients: VocoderGradients;
} {
  const members = checkNetworks(given, remember);
  const [{ hidden }] = members;
  const conditioning = checkConditioning(givenConditioning, hidden);
  const { features, rows, first, ...sequence } = checkObject('batch', givenBatch);
  const teacher = checkTeacher(members[0], sequence, parts);
  checkShares(members, teacher.lanes);
  const { lanes, frames } = teacher;
  checkWhole('rows', rows, limits.count);
  const left = framesAfter(conditioning, rows);
  const { vectors } = conditioning;
  // What is interpolated is that of whole frames which have others beside them.
  const heard = vectors === 1 ? left : Math.max(0, left - 2) * vectors;
  if (vectors === 1 ? heard !== frames : heard < frames)
    throw wrong(`rows is ${rows}, which gives ${Math.max(0, heard)} gate conditionings; expected ${frames}`);
  const batch = {
    ...teacher,
    features: checkArray('features', 'Float32Array', features, lanes * rows * conditioning.bins),
    rows,
    first: checkWhole('first', first, { least: 0, most: heard - frames }),
  };
  checkNumber('scale', scale, limits.amount);
  const { members: own, conditioning: arrays } = checkObject('gradients', givenGradients);
  const gradients = {
    members: checkList('gradients.members', own, members.length).map((each, m) =>
      checkWeightGradients(members[m], checkObject(`gradients.members[${m}]`, each)),
    ),
    conditioning: checkList('gradients.conditioning', arrays, conditioning.tensors.length).map((array, i) =>
      checkArray(`gradients.conditioning[${i}]`, 'Float32Array', array, conditioning.tensors[i].length),
    ),
  };
  return { members, conditioning, batch, gradients };
}

function checkConditioning(given: ConditioningNetwork, hidden: number): ConditioningNetwork {
  const { bins, channels, kernel, residualBlocks, vectors, tensors } = checkObject('conditioning', given);
  const sizes = {
    bins: checkWhole('bins', bins, limits.bins),
    channels: checkWhole('channels', channels, limits.channels),
    kernel: checkWhole('kernel', kernel, limits.kernel),
    residualBlocks: checkWhole('residualBlocks', residualBlocks, limits.residualBlocks),
    vectors: checkWhole('vectors', vectors, limits.vectors),
  };
  const lengths = conditioningLayers(sizes, hidden).flatMap(({ taps, inputs, outputs }) => [
    taps * inputs * outputs,
    outputs,
  ]);
  const list = checkList('tensors', tensors, lengths.length);
  return {
    ...sizes,
    tensors: list.map((tensor, i) => checkArray(`tensors[${i}]`, 'Float32Array', tensor, lengths[i])),
  };
}
