import { type BlockStructure, kernelShapes, type StoredMatrix } from './blocks.js';
import type { ExcitationBatch } from './excitation.js';
import {
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

// The C++ side trusts what it is given. These checks are against our own mistakes, hence RangeError and not TtsError.

/** Throws a RangeError unless `array` has exactly `length` elements. */
export function checkLength(name: string, array: { readonly length: number }, length: number): void {
  if (array.length !== length) throw new RangeError(`${name} has ${array.length} elements, expected ${length}`);
}

const shapeOf = ({ blockRows, blockColumns }: BlockStructure): string => `${blockRows}×${blockColumns}`;

const checked = new WeakSet<BlockStructure>();

/** Checks a block matrix once per object: sizes, ascending columns within each block row, columns in range. */
export function checkBlockMatrix(name: string, matrix: StoredMatrix): void {
  if (checked.has(matrix)) return;
  const { rows, columns, blockRows, blockColumns, rowStart, column, values } = matrix;
  const shape = shapeOf(matrix);
  if (!kernelShapes.includes(shape))
    throw new RangeError(`${name} has blocks of ${shape}; the kernels have ${kernelShapes.join(', ')}`);
  if (rows % blockRows !== 0 || columns % blockColumns !== 0)
    throw new RangeError(`${name} is ${rows}×${columns}, no multiple of its ${shape} blocks`);
  checkLength(`${name}.rowStart`, rowStart, rows / blockRows + 1);
  checkLength(`${name}.column`, column, rowStart[rows / blockRows]);
  checkLength(`${name}.values`, values, column.length * blockRows * blockColumns);
  if (rowStart[0] !== 0) throw new RangeError(`${name}.rowStart begins with ${rowStart[0]}, expected 0`);
  for (let i = 0; i < rows / blockRows; i++) {
    if (rowStart[i + 1] < rowStart[i]) throw new RangeError(`${name}.rowStart falls at block row ${i}`);
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++) {
      const lowest = k > rowStart[i] ? column[k - 1] + 1 : 0;
      if (column[k] < lowest || column[k] >= columns / blockColumns)
        throw new RangeError(
          `${name}.column[${k}] is ${column[k]}, expected ${lowest} to ${columns / blockColumns - 1}`,
        );
    }
  }
  if (values instanceof Int8Array) {
    checkLength(`${name}.scale`, (matrix as { scale: Float32Array }).scale, rows);
    const lowest = values.indexOf(-128);
    if (lowest >= 0) throw new RangeError(`${name}.values[${lowest}] is -128, expected -127 to 127`);
  }
  checked.add(matrix);
}

const cueNumbers: readonly number[] = Object.values(cueCounts);

/** Checks the sizes of all tensors of the network. */
export function checkNetwork({ hidden, projection, classes, sparse, dense }: SamplerNetwork): void {
  if (
    hidden % 32 !== 0 ||
    projection % 16 !== 0 ||
    classes % 16 !== 0 ||
    hidden <= 0 ||
    projection <= 0 ||
    classes <= 0 ||
    classes > 256
  )
    throw new RangeError(
      `hidden ${hidden}, projection ${projection}, classes ${classes}: expected ` +
        'multiples of 32, 16 and 16, classes up to 256',
    );
  const shapes = [
    [3 * hidden, hidden],
    [projection, hidden / 2],
    [classes, projection],
    [projection, hidden / 2],
    [classes, projection],
  ];
  checkLength('sparse', sparse, 5);
  checkLength('dense', dense, 5);
  sparse.forEach((matrix, i) => {
    checkBlockMatrix(`sparse[${i}]`, matrix);
    if (matrix.rows !== shapes[i][0] || matrix.columns !== shapes[i][1])
      throw new RangeError(`sparse[${i}] is ${matrix.rows}×${matrix.columns}, expected ${shapes[i].join('×')}`);
    if (shapeOf(matrix) !== shapeOf(sparse[0]))
      throw new RangeError(`sparse[${i}] has blocks of ${shapeOf(matrix)}, sparse[0] of ${shapeOf(sparse[0])}`);
  });
  const cues = cuesOf({ hidden, dense });
  [3 * hidden * (cueNumbers.includes(cues) ? 3 + cues : 3), projection, classes, projection, classes].forEach(
    (length, i) => checkLength(`dense[${i}]`, dense[i], length),
  );
}

/** Checks the arrays of a batch, and that its codes are symbols of the network. */
export function checkBatch(network: SampleRateNetwork, batch: SequenceBatch): void {
  const { hidden, classes } = network;
  const { lanes, steps, hop, phase, frames, codes, heard, cues, gate, lengths, state, nll, profile } = batch;
  if (!(lanes > 0 && steps > 0 && hop > 0 && phase >= 0 && phase < hop))
    throw new RangeError(`lanes ${lanes}, steps ${steps}, hop ${hop}, phase ${phase}`);
  if (frames !== Math.ceil((phase + steps) / hop))
    throw new RangeError(`frames is ${frames}, expected ${Math.ceil((phase + steps) / hop)}`);
  checkLength('codes', codes, lanes * (steps + 1));
  checkLength('gate', gate, lanes * frames * 3 * hidden);
  if (heard) checkLength('heard', heard, lanes * steps);
  checkLength('cues', cues ?? [], lanes * steps * cuesOf(network));
  if (lengths) checkLength('lengths', lengths, lanes);
  if (state) checkLength('state', state, lanes * hidden);
  if (nll) checkLength('nll', nll, lanes * steps);
  if (profile) checkLength('profile', profile, sequenceParts.length);
  const bound = classes * classes;
  for (const [name, symbols] of Object.entries({ codes, heard })) {
    if (symbols && bound < 65536)
      for (let i = 0; i < symbols.length; i++)
        if (symbols[i] >= bound) throw new RangeError(`${name}[${i}] is ${symbols[i]}, expected less than ${bound}`);
  }
}

/** Checks the members of a population, their batch, and the arrays that receive their gradients. */
export function checkMembers(
  members: readonly SampleRateNetwork[],
  batch: SequenceBatch,
  gradients: readonly SequenceGradients[],
): void {
  if (members.length === 0) throw new RangeError('no members, expected at least one');
  checkLength('gradients', gradients, members.length);
  members.forEach((network, m) => {
    checkNetwork(network);
    for (const key of ['hidden', 'projection', 'classes'] as const)
      if (network[key] !== members[0][key])
        throw new RangeError(`member ${m} has ${key} ${network[key]}, member 0 ${members[0][key]}`);
    if (cuesOf(network) !== cuesOf(members[0]))
      throw new RangeError(`member ${m} hears ${cuesOf(network)} cues, member 0 ${cuesOf(members[0])}`);
    if (shapeOf(network.sparse[0]) !== shapeOf(members[0].sparse[0]))
      throw new RangeError(
        `member ${m} has blocks of ${shapeOf(network.sparse[0])}, member 0 of ${shapeOf(members[0].sparse[0])}`,
      );
  });
  checkBatch(members[0], batch);
  if (batch.lanes % members.length !== 0)
    throw new RangeError(`${batch.lanes} lanes for ${members.length} members, expected equal shares`);
  members.forEach(({ sparse, dense }, m) => {
    checkLength('gradients.gate', gradients[m].gate, batch.gate.length / members.length);
    sparse.forEach((matrix, i) => checkLength(`gradients.sparse[${i}]`, gradients[m].sparse[i], matrix.values.length));
    dense.forEach((array, i) => checkLength(`gradients.dense[${i}]`, gradients[m].dense[i], array.length));
  });
}

/** Checks the settings of a sampler. */
export function checkSampler(
  network: SamplerNetwork,
  { seed, temperature, firstCode, hearing }: SamplerSettings,
  threads = 1,
): void {
  const { classes } = network;
  if ((hearing?.cues ?? 0) !== cuesOf(network))
    throw new RangeError(`hearing gives ${hearing?.cues ?? 0} cues, expected ${cuesOf(network)}`);
  if (hearing) checkHearing(hearing, classes ** 2);
  if (!Number.isInteger(threads) || threads < 1 || threads > 256)
    throw new RangeError(`threads is ${threads}, expected a whole number from 1 to 256`);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`seed is ${seed}, expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new RangeError(`temperature is ${temperature}, expected more than 0`);
  if (!Number.isInteger(firstCode) || firstCode < 0 || firstCode >= classes ** 2)
    throw new RangeError(`firstCode is ${firstCode}, expected 0 to ${classes ** 2 - 1}`);
}

function checkHearing({ cues, order, values, pitchFilter }: Hearing, codes: number): void {
  if (!cueNumbers.includes(cues)) throw new RangeError(`cues is ${cues}, expected one of ${cueNumbers.join(', ')}`);
  if (!Number.isInteger(order) || order < 1 || order > 64)
    throw new RangeError(`order is ${order}, expected a whole number from 1 to 64`);
  checkLength('values', values, codes);
  const taps = pitchFilter.length / periodParts;
  if (taps !== 0 && (!Number.isInteger(taps) || taps % 2 === 0 || taps > shortestPeriod))
    throw new RangeError(`pitchFilter has ${taps} taps, expected an odd number up to ${shortestPeriod}`);
}

function checkPredictors(
  { order }: Hearing,
  frames: number,
  { coefficients, scales, periods, gains }: Partial<FramePredictors>,
): void {
  checkLength('coefficients', coefficients ?? [], frames * order);
  checkLength('scales', scales ?? [], frames);
  checkLength('periods', periods ?? [], frames);
  checkLength('gains', gains ?? [], frames);
  if (!scales?.every((scale) => scale > 0 && Number.isFinite(scale)))
    throw new RangeError('scales: expected finite numbers above 0');
  const bad = periods?.find((period) => period < shortestPeriod * periodParts || period > longestPeriod * periodParts);
  if (bad !== undefined)
    throw new RangeError(`a period of ${bad / periodParts} samples, expected ${shortestPeriod} to ${longestPeriod}`);
}

/** Checks the frames that a sampler is given. */
export function checkFrames(
  { hidden }: SamplerNetwork,
  hearing: Hearing | undefined,
  gate: Float32Array,
  frames: number,
  predictors: FramePredictors | undefined,
): void {
  checkLength('gate', gate, frames * 3 * hidden);
  if (hearing?.cues) checkPredictors(hearing, frames, predictors ?? {});
}

/** Checks what goes into one product of the sampler, whose results come in slabs of 16 rows. */
export function checkSamplerProduct(matrix: StoredMatrix, x: Float32Array, y: Float32Array): void {
  checkBlockMatrix('matrix', matrix);
  if (matrix.rows % 16 !== 0 || matrix.columns % 16 !== 0)
    throw new RangeError(`matrix is ${matrix.rows}×${matrix.columns}, expected multiples of 16`);
  checkLength('x', x, matrix.columns);
  checkLength('y', y, matrix.rows);
}

/** Throws a RangeError unless the slots are different ones, all among those that may be used. */
export function checkSlots(slots: readonly number[], usable: readonly boolean[]): void {
  for (const slot of slots)
    if (!usable[slot]) throw new RangeError(`slot ${slot} is none of 0 … ${usable.length - 1}, or was not begun`);
  if (new Set(slots).size < slots.length) throw new RangeError(`slots ${slots.join(', ')}: expected each but once`);
}

/** Checks segments that are to be coded. */
export function checkExcitation(batch: ExcitationBatch): void {
  const { lanes, length, pcm, history, hop, phase, frames, lead, order, values, edges, noise } = batch;
  const whole = {
    lanes: [lanes, 1],
    order: [order, 1],
    history: [history, order + 1],
    length: [length, history + 1],
    hop: [hop, 1],
    phase: [phase, 0],
    lead: [lead, 0],
  };
  for (const [name, [value, least]] of Object.entries(whole))
    if (!Number.isInteger(value) || value < least)
      throw new RangeError(`${name} is ${value}, expected a whole number from ${least}`);
  const needed = Math.floor((length - 1 - history + phase) / hop) + 1 + lead;
  if (phase >= hop || frames < needed)
    throw new RangeError(`phase is ${phase}, frames ${frames}: expected less than the hop ${hop}, and ${needed}`);
  checkLength('pcm', pcm, lanes * length);
  checkLength('edges', edges, values.length - 1);
  checkHearing(batch, values.length);
  checkPredictors(batch, lanes * frames, batch);
  if (values.length > 65536) throw new RangeError(`${values.length} values, expected at most 65536 codes`);
  if (noise && !(noise.most >= 0 && Number.isFinite(noise.most)))
    throw new RangeError(`noise is ${noise.most}, expected at least 0`);
}
