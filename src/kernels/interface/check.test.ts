import assert from 'node:assert/strict';
import test from 'node:test';
import {
  blockShapes,
  emptyGradients,
  randomBatch,
  randomBlockMatrix,
  randomNetwork,
} from '../../../test/support/kernels.js';
import { TtsError } from '../../base/errors.js';
import { RandomStream } from '../../base/random.js';
import type { SampleRateNetwork, SequenceBatch, SequenceGradients } from '../index.js';
import { chooseKernels, kernelNames } from '../index.js';
import type { BlockMatrix } from './blocks.js';

const stream = new RandomStream(1, 40);
const size = { hidden: 32, projection: 16, classes: 32, shape: blockShapes[0] };
const network = randomNetwork(stream, size);
const batch = {
  ...randomBatch(stream, network, { lanes: 2, steps: 10, hop: 4, phase: 1 }),
  lengths: Int32Array.of(10, 3),
};
const zeros = (length: number) => new Float32Array(length);

/** What is wrong, the changed members, and what the message must say. */
type Wrong<T> = [what: string, change: Partial<T>, message: RegExp];

const wrongBatches: Wrong<SequenceBatch>[] = [
  ['no lanes', { lanes: 0 }, /lanes is 0, expected a whole number from 1/],
  ['lanes that are no number', { lanes: NaN }, /lanes is NaN/],
  ['no steps', { steps: 0 }, /steps is 0/],
  ['no hop', { hop: 0 }, /hop is 0/],
  ['a negative phase', { phase: -1 }, /phase is -1/],
  ['a phase beyond the frame', { phase: 4 }, /phase is 4/],
  ['too few frames', { frames: 2 }, /frames is 2, expected 3/],
  ['codes without the sample before', { codes: batch.codes.subarray(2) }, /codes has 20 elements, expected 22/],
  ['heard codes for another number of steps', { heard: new Uint16Array(19) }, /heard has 19 elements, expected 20/],
  [
    'a heard code that is no symbol pair',
    { heard: new Uint16Array(20).fill(1024) },
    /heard\[0\] is 1024, expected less than 1024/,
  ],
  [
    'a code that is no symbol pair',
    { codes: batch.codes.map((code, i) => (i === 5 ? 1024 : code)) },
    /codes\[5\] is 1024, expected less than 1024/,
  ],
  ['gate of a wrong length', { gate: zeros(5) }, /gate has 5 elements, expected 576/],
  ['lengths of a wrong length', { lengths: new Int32Array(3) }, /lengths has 3 elements, expected 2/],
  ['state of a wrong length', { state: zeros(32) }, /state has 32 elements, expected 64/],
  ['nll of a wrong length', { nll: zeros(21) }, /nll has 21 elements, expected 20/],
];

const recurrent = network.sparse[0];
const wrongMatrices: Wrong<BlockMatrix>[] = [
  ['a block shape without a kernel', { blockRows: 8 }, /sparse\[0\] has blocks of 8×1/],
  ['rows that blocks do not divide', { rows: 97 }, /sparse\[0\] is 97×32, no multiple/],
  [
    'columns that blocks do not divide',
    { blockRows: 4, blockColumns: 4, columns: 33 },
    /sparse\[0\] is 96×33, no multiple/,
  ],
  [
    'rowStart too short',
    { rowStart: recurrent.rowStart.subarray(1) },
    /sparse\[0\]\.rowStart has 6 elements, expected 7/,
  ],
  ['column too short', { column: recurrent.column.subarray(1) }, /sparse\[0\]\.column has/],
  ['values too short', { values: recurrent.values.subarray(1) }, /sparse\[0\]\.values has/],
  [
    'rowStart that begins late',
    { rowStart: recurrent.rowStart.map((start, i) => (i === 0 ? 1 : start)) },
    /sparse\[0\]\.rowStart begins with 1/,
  ],
  [
    'rowStart that falls',
    { rowStart: recurrent.rowStart.map((start, i) => (i === 2 ? 0 : start)) },
    /sparse\[0\]\.rowStart falls at block row 1/,
  ],
  [
    'a column twice',
    { column: recurrent.column.map((column, k) => (k === 1 ? recurrent.column[0] : column)) },
    /sparse\[0\]\.column\[1\] is/,
  ],
  [
    'a negative column',
    { column: recurrent.column.map((column, k) => (k === 0 ? -1 : column)) },
    /sparse\[0\]\.column\[0\] is -1, expected 0 to 31/,
  ],
  [
    'a column beyond the last',
    { column: recurrent.column.map((column, k) => (k === recurrent.rowStart[1] - 1 ? 32 : column)) },
    /sparse\[0\]\.column\[\d+\] is 32/,
  ],
];

const replaced = <T>(list: readonly T[], i: number, item: T) => list.map((old, j) => (i === j ? item : old));
const wrongNetworks: Wrong<SampleRateNetwork>[] = [
  ['hidden no multiple of 32', { hidden: 48 }, /hidden 48/],
  ['projection no multiple of 16', { projection: 8 }, /projection 8/],
  ['classes no multiple of 16', { classes: 24 }, /classes 24/],
  ['more classes than a byte has', { classes: 272 }, /classes 272/],
  ['no classes', { classes: 0 }, /classes 0/],
  ['a missing matrix', { sparse: network.sparse.slice(1) }, /sparse has 4 elements, expected 5/],
  ['a missing bias', { dense: network.dense.slice(1) }, /dense has 4 elements, expected 5/],
  [
    'a bias of a wrong length',
    { dense: replaced(network.dense, 2, zeros(16)) },
    /dense\[2\] has 16 elements, expected 32/,
  ],
  [
    'a matrix of another shape',
    { sparse: replaced(network.sparse, 3, network.sparse[4]) },
    /sparse\[3\] is 32×16, expected 16×16/,
  ],
  [
    'two block shapes',
    {
      sparse: replaced(
        network.sparse,
        4,
        randomBlockMatrix(stream, 32, 16, blockShapes[1], () => 1),
      ),
    },
    /sparse\[4\] has blocks of 4×4, sparse\[0\] of 16×1/,
  ],
  ...wrongMatrices.map(([what, change, message]): Wrong<SampleRateNetwork> => [
    what,
    { sparse: replaced(network.sparse, 0, { ...recurrent, ...change }) },
    message,
  ]),
];

const gradients = emptyGradients(network, batch);
const wrongGradients: Wrong<SequenceGradients>[] = [
  ['gate gradient of a wrong length', { gate: zeros(1) }, /gradients\.gate has 1 elements/],
  [
    'sparse gradient of a wrong length',
    { sparse: replaced(gradients.sparse, 1, zeros(1)) },
    /gradients\.sparse\[1\] has 1 elements/,
  ],
  [
    'dense gradient of a wrong length',
    { dense: replaced(gradients.dense, 4, zeros(31)) },
    /gradients\.dense\[4\] has 31 elements, expected 32/,
  ],
];

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 1 });
  const refuses = (what: string, message: RegExp, call: () => unknown) =>
    void test(`${name}: refuses ${what}`, async () =>
      assert.rejects(
        async () => call(),
        (error) => error instanceof TtsError && error.code === 'ERR_ARGUMENT' && message.test(error.message),
      ));

  test(`${name}: accepts what the refused cases are made of`, () => {
    kernels.sequenceGradients(network, batch, 1, gradients);
    assert.ok(gradients.gate.every(Number.isFinite));
  });

  for (const [what, change, message] of wrongBatches) {
    refuses(`${what}, for the loss`, message, () => kernels.sequenceLoss(network, { ...batch, ...change }));
    refuses(`${what}, for gradients`, message, () =>
      kernels.sequenceGradients(network, { ...batch, ...change }, 1, gradients),
    );
  }
  for (const [what, change, message] of wrongNetworks) {
    const wrong = { ...network, ...change };
    refuses(`${what}, for the loss`, message, () => kernels.sequenceLoss(wrong, batch));
    refuses(`${what}, for gradients`, message, () => kernels.sequenceGradients(wrong, batch, 1, gradients));
    refuses(`${what}, for a sampler`, message, () =>
      kernels.createSampler(wrong, { seed: 1, temperature: 1, firstCode: 0 }),
    );
  }
  for (const [what, change, message] of wrongGradients)
    refuses(what, message, () => kernels.sequenceGradients(network, batch, 1, { ...gradients, ...change }));

  refuses('a population of nobody', /no members/, () => kernels.memberGradients([], batch, 1, []));
  refuses('members without gradients of their own', /gradients has 1 elements, expected 2/, () =>
    kernels.memberGradients([network, network], batch, 1, [gradients]),
  );
  refuses('members of two sizes', /member 1 has projection 32, member 0 16/, () => {
    const wider = randomNetwork(stream, { hidden: 32, projection: 32, classes: 32, shape: blockShapes[0] });
    kernels.memberGradients([network, wider], batch, 1, [gradients, gradients]);
  });
  refuses(
    'gradients of the stored blocks where those of all are wanted',
    /gradients\.sparse\[0\] has \d+ elements, expected 3072/,
    () => kernels.memberGradients([network], batch, 1, [gradients], 'all'),
  );
  refuses('gradients of other blocks', /blocks is "none", expected "stored" or "all"/, () =>
    kernels.memberGradients([network], batch, 1, [gradients], 'none' as 'all'),
  );
  refuses('lanes that cannot be shared out', /2 lanes for 3 members/, () =>
    kernels.memberGradients([network, network, network], batch, 1, [gradients, gradients, gradients]),
  );

  const sampler = (change = {}) => kernels.createSampler(network, { seed: 1, temperature: 1, firstCode: 0, ...change });
  refuses('a negative seed', /seed is -1/, () => sampler({ seed: -1 }));
  refuses('a broken seed', /seed is 0\.5/, () => sampler({ seed: 0.5 }));
  refuses('temperature 0', /temperature is 0/, () => sampler({ temperature: 0 }));
  refuses('a first symbol that is none', /firstCode is 65536/, () => sampler({ firstCode: 65536 }));
  refuses('a matrix whose columns fall', /matrix\.column\[1\] is \d+, expected/, () => {
    const matrix = { ...recurrent, column: recurrent.column.slice().fill(recurrent.column[0], 1, 2) };
    kernels.product(matrix, new Float32Array(matrix.columns * 16), new Float32Array(matrix.rows * 16));
  });

  const length = recurrent.values.length;
  const settings = { learningRate: 1, beta1: 0.9, beta2: 0.9, epsilon: 1, step: 1, gradientScale: 1, average: 0 };
  const noise = { seed: 1, stream: 2, first: 3, stride: 4 };
  const adam = (change: object, gradient = zeros(5)) =>
    kernels.adam(settings, gradient, {
      weights: zeros(5),
      first: zeros(5),
      second: zeros(5),
      average: zeros(5),
      ...change,
    });
  const wrongLengths: [array: string, message: RegExp, call: () => unknown][] = [
    ['x of a product', /x has 1 elements, expected 512/, () => kernels.product(recurrent, zeros(1), zeros(96 * 16))],
    ['y of a product', /y has 1 elements, expected 1536/, () => kernels.product(recurrent, zeros(32 * 16), zeros(1))],
    [
      'dy of a transposed product',
      /dy has 1 elements/,
      () => kernels.productTransposed(recurrent, zeros(1), zeros(32 * 16)),
    ],
    [
      'dx of a transposed product',
      /dx has 1 elements/,
      () => kernels.productTransposed(recurrent, zeros(96 * 16), zeros(1)),
    ],
    [
      'dy of a product for weights',
      /dy has 1536 elements, expected 3072/,
      () => kernels.productWeights(recurrent, zeros(96 * 16), zeros(2 * 32 * 16), 2, zeros(length)),
    ],
    [
      'x of a product for weights',
      /x has 512 elements, expected 1024/,
      () => kernels.productWeights(recurrent, zeros(2 * 96 * 16), zeros(32 * 16), 2, zeros(length)),
    ],
    [
      'dw of a product for weights',
      /dw has 1 elements/,
      () => kernels.productWeights(recurrent, zeros(96 * 16), zeros(32 * 16), 1, zeros(1)),
    ],
    [
      'a of a matrix product',
      /a has 5 elements, expected 6/,
      () => kernels.matMul(false, false, 2, 4, 3, zeros(5), zeros(12), zeros(8)),
    ],
    [
      'b of a matrix product',
      /b has 11 elements, expected 12/,
      () => kernels.matMul(false, false, 2, 4, 3, zeros(6), zeros(11), zeros(8)),
    ],
    [
      'c of a matrix product',
      /c has 9 elements, expected 8/,
      () => kernels.matMul(false, false, 2, 4, 3, zeros(6), zeros(12), zeros(9)),
    ],
    [
      'members that are no pairs',
      /members has 3 elements, expected pairs/,
      () => kernels.mirroredMembers(noise, zeros(5), zeros(5), 1, [zeros(5), zeros(5), zeros(5)]),
    ],
    [
      'a member with a weight less',
      /members\[1\] has 4 elements, expected 5/,
      () => kernels.mirroredMembers(noise, zeros(5), zeros(5), 1, [zeros(5), zeros(4)]),
    ],
    [
      'a sigma with a weight more',
      /sigma has 6 elements, expected 5/,
      () => kernels.mirroredMembers(noise, zeros(5), zeros(6), 1, [zeros(5), zeros(5)]),
    ],
    [
      'a scale that is no number',
      /scale is NaN/,
      () => kernels.mirroredMembers(noise, zeros(5), zeros(5), NaN, [zeros(5), zeros(5)]),
    ],
    [
      'noise beyond the last index',
      /noise of 2 pairs ends at index \d+, expected at most 9007199254740991/,
      () => kernels.noiseSum({ ...noise, stride: 2 ** 52 }, zeros(2), zeros(5)),
    ],
    [
      'noise of a broken seed',
      /noise\.seed is 0\.5/,
      () => kernels.noiseSum({ ...noise, seed: 0.5 }, zeros(2), zeros(5)),
    ],
    ['gradient of Adam', /gradient has 4 elements, expected 5/, () => adam({}, zeros(4))],
    ['first moment of Adam', /first has 4 elements, expected 5/, () => adam({ first: zeros(4) })],
    ['second moment of Adam', /second has 6 elements, expected 5/, () => adam({ second: zeros(6) })],
    ['average of Adam', /average has 0 elements, expected 5/, () => adam({ average: zeros(0) })],
    ['gate of a sampler', /gate has 96 elements, expected 192/, () => sampler().run(zeros(96), 2, 10)],
    [
      'gate of a forced sampler',
      /gate has 96 elements, expected 192/,
      () => sampler().forced(zeros(96), 2, 10, new Uint16Array(20)),
    ],
    [
      'codes of a forced sampler',
      /codes has 19 elements, expected 20/,
      () => sampler().forced(zeros(192), 2, 10, new Uint16Array(19)),
    ],
  ];
  for (const [array, message, call] of wrongLengths) refuses(`a wrong length: ${array}`, message, call);
}
