import { limits, within } from '../../base/limits.js';
import { type BlockStructure, type GradientBlocks, gradientLength, kernelShapes, type StoredMatrix } from './blocks.js';
import {
  type ArrayType,
  checkArray,
  checkFunction,
  checkList,
  checkNumber,
  checkObject,
  checkOptional,
  checkWhole,
  isArray,
  shown,
  wrong,
} from './check_values.js';
import type { ExcitationBatch } from './excitation.js';
import {
  type AdamSettings,
  type AdamState,
  cuesOf,
  type SampleRateNetwork,
  type SamplerNetwork,
  type SamplerSettings,
  type SequenceBatch,
  type SequenceGradients,
  sequenceParts,
} from './kernels.js';
import {
  cueCounts,
  type FramePredictors,
  type Hearing,
  longestPeriod,
  periodParts,
  shortestPeriod,
} from './listener.js';

// The kernels trust what they are given: they compute with pointers. Each of these functions looks at all of one kind
// of argument, types, lengths, indices and ranges, and returns a plain copy of what it saw (arrays of numbers are not
// copied), so that an object cannot say one thing here and another in the kernels. All throw ERR_ARGUMENT with the
// value and what was expected.

const shapeOf = ({ blockRows, blockColumns }: BlockStructure): string => `${blockRows}×${blockColumns}`;

/** What has passed, and how long its arrays were. */
const passed = new WeakMap<object, { readonly matrix: StoredMatrix; readonly lengths: readonly number[] }>();

const lengthsOf = (matrix: StoredMatrix): number[] => [
  matrix.rowStart.length,
  matrix.column.length,
  matrix.values.length,
  'scale' in matrix ? matrix.scale.length : 0,
];

/** A matrix that has passed before and has the same arrays still. What they hold may have changed. */
function passedBefore(matrix: StoredMatrix): StoredMatrix | undefined {
  const before = passed.get(matrix);
  if (!before) return undefined;
  const same = (Object.keys(before.matrix) as (keyof StoredMatrix)[]).every(
    (key) => matrix[key] === before.matrix[key],
  );
  return same && lengthsOf(before.matrix).every((length, i) => length === before.lengths[i])
    ? before.matrix
    : undefined;
}

const storedTypes = ['Float32Array', 'Uint16Array', 'Int8Array'] as const;

/**
 * A block matrix: sizes, ascending columns within each block row, columns in range.
 * @param types of its values
 * @param remember whether one that has passed is not looked at again as long as it has the same arrays, for kernels
 * that look at its indices themselves
 */
export function checkBlockMatrix<M extends StoredMatrix>(
  name: string,
  given: M,
  types: readonly ArrayType[] = ['Float32Array'],
  remember = false,
): M {
  checkObject(name, given);
  const before = remember ? passedBefore(given) : undefined;
  if (before && types.some((type) => isArray(type, before.values))) return before as M;
  const { rows, columns, blockRows, blockColumns, rowStart, column, values, scale } = given as M & {
    scale?: Float32Array;
  };
  checkWhole(`${name}.rows`, rows, limits.rows);
  checkWhole(`${name}.columns`, columns, limits.rows);
  const shape = shapeOf({ blockRows, blockColumns } as BlockStructure);
  if (typeof blockRows !== 'number' || typeof blockColumns !== 'number' || !kernelShapes.includes(shape))
    throw wrong(`${name} has blocks of ${shape}, expected one of ${kernelShapes.join(', ')}`);
  if (rows % blockRows !== 0 || columns % blockColumns !== 0)
    throw wrong(`${name} is ${rows}×${columns}, no multiple of its ${shape} blocks`);
  checkArray(`${name}.rowStart`, 'Int32Array', rowStart, rows / blockRows + 1);
  checkArray(`${name}.column`, 'Int32Array', column);
  const type = types.find((each) => isArray(each, values));
  if (!type) throw wrong(`${name}.values is ${shown(values)}, expected a ${types.join(' or a ')}`);
  checkBlocks(name, rowStart, column, columns / blockColumns);
  checkArray(`${name}.values`, type, values, column.length * blockRows * blockColumns);
  const matrix: Record<string, unknown> = { rows, columns, blockRows, blockColumns, rowStart, column, values };
  if (type === 'Int8Array') {
    matrix.scale = checkArray(`${name}.scale`, 'Float32Array', scale, rows);
    const lowest = values.indexOf(-128);
    if (lowest >= 0) throw wrong(`${name}.values[${lowest}] is -128, expected -127 to 127`);
  }
  const seen = matrix as unknown as M;
  if (remember) passed.set(given, { matrix: seen, lengths: lengthsOf(seen) });
  return seen;
}

function checkBlocks(name: string, rowStart: Int32Array, column: Int32Array, blockColumns: number): void {
  const last = rowStart.length - 1;
  if (rowStart[0] !== 0) throw wrong(`${name}.rowStart begins with ${rowStart[0]}, expected 0`);
  for (let i = 0; i < last; i++)
    if (rowStart[i + 1] < rowStart[i]) throw wrong(`${name}.rowStart falls at block row ${i}`);
  if (column.length !== rowStart[last])
    throw wrong(`${name}.column has ${column.length} elements, expected ${rowStart[last]}`);
  for (let i = 0; i < last; i++) {
    let lowest = 0;
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++) {
      if (column[k] < lowest || column[k] >= blockColumns)
        throw wrong(`${name}.column[${k}] is ${column[k]}, expected ${lowest} to ${blockColumns - 1}`);
      lowest = column[k] + 1;
    }
  }
}

const cueNumbers: readonly number[] = Object.values(cueCounts);

/** A network for training, all of it in float32. */
export function checkNetwork(network: SampleRateNetwork, remember = false): SampleRateNetwork {
  return checkTensors(network, ['Float32Array'], remember) as SampleRateNetwork;
}

/** A network for a sampler. */
export function checkSamplerNetwork(network: SamplerNetwork, remember = false): SamplerNetwork {
  const seen = checkTensors(network, storedTypes, remember);
  const { most } = limits.samplerColumns;
  if (seen.hidden > most || seen.projection > most)
    throw wrong(`hidden ${seen.hidden}, projection ${seen.projection}: expected at most ${most}`);
  // Only the state is there in int8; see `matrixPrecisions`.
  for (const logits of [2, 4])
    if (isArray('Int8Array', seen.sparse[logits].values))
      throw wrong(`sparse[${logits}] is int8, expected float32 or bf16 for the matrices of logits`);
  return seen;
}

function checkTensors(network: SamplerNetwork, types: readonly ArrayType[], remember: boolean): SamplerNetwork {
  const { hidden, projection, classes } = checkObject('network', network);
  const multiple = (value: unknown, of: number, most: number) =>
    Number.isInteger(value) && (value as number) > 0 && (value as number) % of === 0 && (value as number) <= most;
  const { most } = limits.count;
  if (!multiple(hidden, 32, most) || !multiple(projection, 16, most) || !multiple(classes, 16, 256))
    throw wrong(
      `hidden ${shown(hidden)}, projection ${shown(projection)}, classes ${shown(classes)}: expected ` +
        'multiples of 32, 16 and 16, classes up to 256',
    );
  const shapes = [
    [3 * hidden, hidden],
    [projection, hidden / 2],
    [classes, projection],
    [projection, hidden / 2],
    [classes, projection],
  ];
  const sparse = checkList('sparse', network.sparse, 5).map((given, i) => {
    const matrix = checkBlockMatrix(`sparse[${i}]`, given, types, remember);
    if (matrix.rows !== shapes[i][0] || matrix.columns !== shapes[i][1])
      throw wrong(`sparse[${i}] is ${matrix.rows}×${matrix.columns}, expected ${shapes[i].join('×')}`);
    return matrix;
  });
  sparse.forEach((matrix, i) => {
    if (shapeOf(matrix) !== shapeOf(sparse[0]))
      throw wrong(`sparse[${i}] has blocks of ${shapeOf(matrix)}, sparse[0] of ${shapeOf(sparse[0])}`);
  });
  const dense = checkList('dense', network.dense, 5);
  checkArray('dense[0]', 'Float32Array', dense[0]);
  const cues = cuesOf({ hidden, dense });
  [3 * hidden * (cueNumbers.includes(cues) ? 3 + cues : 3), projection, classes, projection, classes].forEach(
    (length, i) => checkArray(`dense[${i}]`, 'Float32Array', dense[i], length),
  );
  return { hidden, projection, classes, sparse, dense };
}

/**
 * The arrays of a batch; its codes are symbols of the network.
 * @param parts of the work, that a profile has a place for
 */
export function checkBatch(network: SampleRateNetwork, batch: SequenceBatch, parts?: number): SequenceBatch {
  const { gate, state, ...rest } = plainBatch(batch);
  const seen = checkTeacher(network, rest, parts);
  const { lanes, frames } = seen;
  return {
    ...seen,
    gate: checkArray('gate', 'Float32Array', gate, lanes * frames * 3 * network.hidden),
    state: checkOptional('state', 'Float32Array', state, lanes * network.hidden),
  };
}

/** What a batch says, asked once. */
function plainBatch(batch: SequenceBatch): SequenceBatch {
  const { lanes, steps, hop, phase, frames, codes, heard, cues, gate, lengths, state, nll, profile, meanwhile } =
    checkObject('batch', batch);
  return { lanes, steps, hop, phase, frames, codes, heard, cues, gate, lengths, state, nll, profile, meanwhile };
}

/** A batch but for its gate conditioning and its state. */
export function checkTeacher(
  network: SampleRateNetwork,
  batch: Omit<SequenceBatch, 'gate' | 'state'>,
  parts: number = sequenceParts.length,
): Omit<SequenceBatch, 'gate' | 'state'> {
  const { classes } = network;
  const { lanes, steps, hop, phase, frames, codes, heard, cues, lengths, nll, profile, meanwhile } = batch;
  checkWhole('lanes', lanes, limits.count);
  checkWhole('steps', steps, limits.sequence);
  checkWhole('hop', hop, limits.sequence);
  checkWhole('phase', phase, { least: 0, most: hop - 1 });
  const expected = Math.ceil((phase + steps) / hop);
  if (frames !== expected) throw wrong(`frames is ${shown(frames)}, expected ${expected}`);
  const seen = {
    lanes,
    steps,
    hop,
    phase,
    frames,
    codes: checkArray('codes', 'Uint16Array', codes, lanes * (steps + 1)),
    heard: checkOptional('heard', 'Uint16Array', heard, lanes * steps),
    cues: checkOptional('cues', 'Float32Array', cues, lanes * steps * cuesOf(network)),
    lengths: checkOptional('lengths', 'Int32Array', lengths, lanes),
    nll: checkOptional('nll', 'Float32Array', nll, lanes * steps),
    profile: checkOptional('profile', 'Float64Array', profile, parts),
    ...(meanwhile !== undefined && { meanwhile: checkFunction('meanwhile', meanwhile) }),
  };
  if (!seen.cues && cuesOf(network) > 0)
    throw wrong(`cues is ${shown(cues)}, expected a Float32Array for a network that hears ${cuesOf(network)} cues`);
  const negative = seen.lengths?.findIndex((length) => length < 0) ?? -1;
  if (negative >= 0) throw wrong(`lengths[${negative}] is ${seen.lengths?.[negative]}, expected at least 0`);
  checkSymbols('codes', seen.codes, classes);
  if (seen.heard) checkSymbols('heard', seen.heard, classes);
  return seen;
}

function checkSymbols(name: string, symbols: Uint16Array, classes: number): void {
  const bound = classes * classes;
  if (bound >= 65536) return;
  // No symbol has a bit that their union lacks; batches have millions of them.
  let union = 0;
  for (let i = 0; i < symbols.length; i++) union |= symbols[i];
  if (union < bound) return;
  for (let i = 0; i < symbols.length; i++)
    if (symbols[i] >= bound) throw wrong(`${name}[${i}] is ${symbols[i]}, expected less than ${bound}`);
}

/** The members of a population, their batch, and the arrays that receive their gradients. */
export function checkMembers(
  given: readonly SampleRateNetwork[],
  givenBatch: SequenceBatch,
  scale: number,
  givenGradients: readonly SequenceGradients[],
  blocks?: GradientBlocks,
  remember = false,
  parts?: number,
): { members: SampleRateNetwork[]; batch: SequenceBatch; gradients: SequenceGradients[] } {
  const members = checkNetworks(given, remember);
  const batch = checkBatch(members[0], givenBatch, parts);
  checkShares(members, batch.lanes);
  checkNumber('scale', scale, limits.amount);
  const gradients = checkList('gradients', givenGradients, members.length).map((each, m) => {
    const { gate, sparse, dense } = checkObject(`gradients[${m}]`, each);
    return {
      gate: checkArray('gradients.gate', 'Float32Array', gate, batch.gate.length / members.length),
      ...checkWeightGradients(members[m], { sparse, dense }, blocks),
    };
  });
  return { members, batch, gradients };
}

/** Networks of one size, at least one. */
export function checkNetworks(given: readonly SampleRateNetwork[], remember: boolean): SampleRateNetwork[] {
  const list = checkList('members', given);
  if (list.length === 0) throw wrong('no members, expected at least one');
  const members = list.map((network) => checkNetwork(network, remember));
  members.forEach((network, m) => {
    for (const key of ['hidden', 'projection', 'classes'] as const)
      if (network[key] !== members[0][key])
        throw wrong(`member ${m} has ${key} ${network[key]}, member 0 ${members[0][key]}`);
    if (cuesOf(network) !== cuesOf(members[0]))
      throw wrong(`member ${m} hears ${cuesOf(network)} cues, member 0 ${cuesOf(members[0])}`);
    if (shapeOf(network.sparse[0]) !== shapeOf(members[0].sparse[0]))
      throw wrong(
        `member ${m} has blocks of ${shapeOf(network.sparse[0])}, member 0 of ${shapeOf(members[0].sparse[0])}`,
      );
  });
  return members;
}

/** The lanes can be shared out equally. */
export function checkShares(members: readonly SampleRateNetwork[], lanes: number): void {
  if (lanes % members.length !== 0) throw wrong(`${lanes} lanes for ${members.length} members, expected equal shares`);
}

/** Of which blocks gradients are wanted. */
export function checkGradientBlocks(blocks: GradientBlocks | undefined): void {
  if (blocks !== undefined && blocks !== 'stored' && blocks !== 'all')
    throw wrong(`blocks is ${shown(blocks)}, expected "stored" or "all"`);
}

/** Arrays for the gradients of a network's weights. */
export function checkWeightGradients(
  { sparse, dense }: SampleRateNetwork,
  given: Pick<SequenceGradients, 'sparse' | 'dense'>,
  blocks?: GradientBlocks,
): Pick<SequenceGradients, 'sparse' | 'dense'> {
  return {
    sparse: checkList('gradients.sparse', given.sparse, 5).map((array, i) =>
      checkArray(`gradients.sparse[${i}]`, 'Float32Array', array, gradientLength(sparse[i], blocks)),
    ),
    dense: checkList('gradients.dense', given.dense, 5).map((array, i) =>
      checkArray(`gradients.dense[${i}]`, 'Float32Array', array, dense[i].length),
    ),
  };
}

/** One step of Adam. */
export function checkAdam(
  settings: AdamSettings,
  gradient: Float32Array,
  given: AdamState,
): { settings: AdamSettings; state: AdamState } {
  const { learningRate, beta1, beta2, epsilon, step, gradientScale, average } = checkObject('settings', settings);
  const share = { least: 0, most: 1 };
  const seen = {
    learningRate: checkNumber('learningRate', learningRate, limits.amount),
    beta1: checkNumber('beta1', beta1, share),
    beta2: checkNumber('beta2', beta2, share),
    epsilon: checkNumber('epsilon', epsilon, limits.clip),
    step: checkWhole('step', step, { least: 1, most: Number.MAX_SAFE_INTEGER }),
    // Of gradients that are nearly zero it may be large.
    gradientScale: checkNumber('gradientScale', gradientScale, { least: -3e38, most: 3e38 }),
    average: checkNumber('average', average, share),
  };
  const { weights, first, second, average: smoothed } = checkObject('state', given);
  const { length } = checkArray('weights', 'Float32Array', weights);
  checkArray('gradient', 'Float32Array', gradient, length);
  const state = {
    weights,
    first: checkArray('first', 'Float32Array', first, length),
    second: checkArray('second', 'Float32Array', second, length),
    average: checkArray('average', 'Float32Array', smoothed, length),
  };
  return { settings: seen, state };
}

/** The settings of a sampler. */
export function checkSampler(network: SamplerNetwork, settings: SamplerSettings): SamplerSettings {
  const { seed, temperature, firstCode, hearing } = checkObject('settings', settings);
  const { classes } = network;
  const seen = hearing === undefined ? undefined : checkHearing(hearing, classes ** 2);
  if ((seen?.cues ?? 0) !== cuesOf(network))
    throw wrong(`hearing gives ${seen?.cues ?? 0} cues, expected ${cuesOf(network)}`);
  return {
    seed: checkWhole('seed', seed, limits.seed),
    temperature: checkNumber('temperature', temperature, { ...limits.temperature, most: 1e6 }),
    firstCode: checkWhole('firstCode', firstCode, { least: 0, most: classes ** 2 - 1 }),
    ...(seen && { hearing: seen }),
  };
}

function checkHearing(hearing: Hearing, codes: number): Hearing {
  const { cues, order, values, pitchFilter } = checkObject('hearing', hearing);
  if (!cueNumbers.includes(cues)) throw wrong(`cues is ${shown(cues)}, expected one of ${cueNumbers.join(', ')}`);
  checkWhole('order', order, limits.order);
  checkArray('values', 'Float64Array', values, codes);
  const taps = checkArray('pitchFilter', 'Float64Array', pitchFilter).length / periodParts;
  if (taps !== 0 && (!Number.isInteger(taps) || taps % 2 === 0 || taps > shortestPeriod))
    throw wrong(`pitchFilter has ${taps} taps, expected an odd number up to ${shortestPeriod}`);
  return { cues, order, values, pitchFilter };
}

function checkPredictors(
  { order }: Hearing,
  frames: number,
  { coefficients, scales, periods, gains }: Partial<FramePredictors>,
): FramePredictors {
  const seen = {
    coefficients: checkArray('coefficients', 'Float64Array', coefficients, frames * order),
    scales: checkArray('scales', 'Float64Array', scales, frames),
    periods: checkArray('periods', 'Int32Array', periods, frames),
    gains: checkArray('gains', 'Float64Array', gains, frames),
  };
  const badScale = seen.scales.findIndex((scale) => !(scale > 0 && scale < Infinity));
  if (badScale >= 0) throw wrong(`scales[${badScale}] is ${seen.scales[badScale]}, expected finite numbers above 0`);
  const [least, most] = [shortestPeriod * periodParts, longestPeriod * periodParts];
  const bad = seen.periods.findIndex((period) => period < least || period > most);
  if (bad >= 0)
    throw wrong(
      `periods[${bad}] is ${seen.periods[bad]}, a period of ${seen.periods[bad] / periodParts} samples, ` +
        `expected ${shortestPeriod} to ${longestPeriod}`,
    );
  return seen;
}

/** The frames that a sampler is given, and how many samples each has. */
export function checkFrames(
  { hidden }: SamplerNetwork,
  hearing: Hearing | undefined,
  gate: Float32Array,
  frames: number,
  hop: number,
  predictors: FramePredictors | undefined,
): FramePredictors | undefined {
  checkWhole('frames', frames, { ...limits.count, least: 0 });
  checkWhole('hop', hop, limits.count);
  if (!within(frames * hop, limits.samplesOfCall))
    throw wrong(`${frames} frames of ${hop} samples, expected at most ${limits.samplesOfCall.most} in one call`);
  checkArray('gate', 'Float32Array', gate, frames * 3 * hidden);
  return hearing?.cues ? checkPredictors(hearing, frames, checkObject('predictors', predictors ?? {})) : undefined;
}

/** Symbol pairs that a sampler is to take. */
export function checkForced({ classes }: SamplerNetwork, frames: number, hop: number, codes: Uint16Array): void {
  checkArray('codes', 'Uint16Array', codes, frames * hop);
  checkSymbols('codes', codes, classes);
  const probabilities = codes.length * 2 * classes;
  if (!within(probabilities, limits.elements))
    throw wrong(`${frames} frames of ${hop} samples have ${probabilities} probabilities, too many for one call`);
}

/** What goes into one product of the sampler, whose results come in slabs of 16 rows. */
export function checkSamplerProduct(
  given: StoredMatrix,
  x: Float32Array,
  y: Float32Array,
  repetitions: number,
  remember = false,
): StoredMatrix {
  const matrix = checkBlockMatrix('matrix', given, storedTypes, remember);
  const { rows, columns } = matrix;
  if (rows % 16 !== 0 || columns % 16 !== 0 || columns > limits.samplerColumns.most)
    throw wrong(
      `matrix is ${rows}×${columns}, expected multiples of 16, at most ${limits.samplerColumns.most} columns`,
    );
  checkArray('x', 'Float32Array', x, columns);
  checkArray('y', 'Float32Array', y, rows);
  checkWhole('repetitions', repetitions, limits.repetitions);
  return matrix;
}

/** Slots are different ones, all among those that may be used. */
export function checkSlots(slots: readonly number[], usable: readonly boolean[]): void {
  for (const slot of slots)
    if (!Number.isInteger(slot) || usable[slot] !== true)
      throw wrong(`slot is ${shown(slot)}, expected one of 0 to ${usable.length - 1} that was begun`);
  if (new Set(slots).size < slots.length) throw wrong(`slots ${slots.join(', ')}: expected each but once`);
}

/** One product of two dense matrices. */
export function checkMatMul(m: number, n: number, k: number, a: Float32Array, b: Float32Array, c: Float32Array): void {
  const most = { least: 0, most: 2 ** 30 };
  checkWhole('m', m, most);
  checkWhole('n', n, most);
  checkWhole('k', k, most);
  checkArray('a', 'Float32Array', a, m * k);
  checkArray('b', 'Float32Array', b, k * n);
  checkArray('c', 'Float32Array', c, m * n);
}

/** Segments that are to be coded. */
export function checkExcitation(batch: ExcitationBatch): ExcitationBatch {
  const { lanes, length, pcm, history, hop, phase, frames, lead, order, values, edges, noise } = checkObject(
    'batch',
    batch,
  );
  checkArray('values', 'Float64Array', values);
  if (!within(values.length, limits.codes))
    throw wrong(`${values.length} values, expected ${limits.codes.least} to ${limits.codes.most} codes`);
  const hearing = checkHearing(batch, values.length);
  const { most } = limits.sequence;
  checkWhole('lanes', lanes, limits.count);
  checkWhole('history', history, { least: order + 1, most });
  checkWhole('length', length, { least: history + 1, most });
  checkWhole('hop', hop, limits.count);
  checkWhole('phase', phase, { least: 0, most });
  checkWhole('lead', lead, { least: 0, most: limits.count.most });
  checkWhole('frames', frames, { least: 1, most });
  const needed = Math.floor((length - 1 - history + phase) / hop) + 1 + lead;
  if (phase >= hop || frames < needed)
    throw wrong(`phase is ${phase}, frames ${frames}: expected less than the hop ${hop}, and ${needed}`);
  if (!within(lead * hop, limits.elements) || !within(frames * hop, limits.elements))
    throw wrong(`${frames} frames of ${hop} samples, expected at most ${limits.elements.most} samples`);
  checkArray('pcm', 'Int16Array', pcm, lanes * length);
  checkArray('edges', 'Float64Array', edges, values.length - 1);
  const falls = edges.findIndex((edge, i) => !(edge < Infinity) || (i > 0 && !(edge >= edges[i - 1])));
  if (falls >= 0) throw wrong(`edges[${falls}] is ${edges[falls]}, expected ascending numbers`);
  const predictors = checkPredictors(hearing, lanes * frames, batch);
  const seen = { ...hearing, ...predictors, lanes, length, pcm, history, hop, phase, frames, lead, edges };
  if (noise === undefined || noise === null) return seen;
  const { seed, index, most: largest } = checkObject('noise', noise);
  return {
    ...seen,
    noise: {
      seed: checkWhole('noise.seed', seed, limits.seed),
      index: checkWhole('noise.index', index, limits.seed),
      most: checkNumber('noise', largest, { least: 0, most: limits.codes.most }),
    },
  };
}
