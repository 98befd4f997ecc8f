import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import {
  classifierCases,
  emptyClassifierGradients,
  randomClassifier,
  randomExamples,
} from '../../../test/support/classifiers.js';
import {
  blockShapes,
  emptyGradients,
  freshBatch,
  normals,
  randomBatch,
  randomNetwork,
  withoutGate,
} from '../../../test/support/kernels.js';
import { TtsError } from '../../base/errors.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels, kernelNames, type Kernels, nativeNames, withPrecision } from '../index.js';
import { guarded } from './guard.js';
import { rounded } from './precision.js';

const stream = new RandomStream(1, 41);
const network = randomNetwork(stream, { hidden: 32, projection: 16, classes: 32, shape: blockShapes[0], cues: 4 });
const silent = randomNetwork(stream, { hidden: 32, projection: 16, classes: 32, shape: blockShapes[1] });
const batch = {
  ...randomBatch(stream, network, { lanes: 2, steps: 6, hop: 4, heard: true }),
  lengths: Int32Array.of(6, 2),
};
const matrix = network.sparse[0];
const member = randomClassifier(stream, classifierCases[1], false);
const examples = randomExamples(stream, member, 1, 3);
const [classifierGradients] = emptyClassifierGradients([member]);

const order = 2;
const predictors = (frames: number) => ({
  coefficients: new Float64Array(frames * order).fill(0.1),
  scales: new Float64Array(frames).fill(0.5),
  periods: new Int32Array(frames).fill(4 * 100 + 3),
  gains: new Float64Array(frames).fill(0.5),
});
const hearing = {
  cues: 4,
  order,
  values: Float64Array.from({ length: 1024 }, (_, code) => (code - 512) / 512),
  pitchFilter: new Float64Array(4 * 5).fill(0.2),
};
const settings = { seed: 1, temperature: 1, firstCode: 512, hearing };
const excitation = {
  ...hearing,
  ...predictors(2 * 8),
  lanes: 2,
  length: 30,
  pcm: new Int16Array(60).fill(1000),
  history: 4,
  hop: 5,
  phase: 1,
  frames: 8,
  lead: 1,
  edges: Float64Array.from({ length: 1023 }, (_, code) => (code - 511.5) / 512),
  noise: { seed: 1, index: 0, most: 2 },
};
const gate = normals(stream, 2 * 3 * 32);
const adam = { learningRate: 0.1, beta1: 0.9, beta2: 0.9, epsilon: 1e-8, step: 1, gradientScale: 1, average: 0.5 };
const noise = { seed: 1, stream: 2, first: 3, stride: 4 };
const zeros = (length: number) => new Float32Array(length);

const conditioning = {
  bins: 3,
  channels: 4,
  kernel: 3,
  residualBlocks: 1,
  vectors: 2,
  tensors: [3 * 3 * 4, 4, 3 * 4 * 4, 4, 4 * 4, 4, 4 * 96, 96].map(zeros),
};

/** A call with good arguments, of every method. */
const calls: Record<string, { args: () => unknown[]; run: (kernels: Kernels, args: never) => unknown }> = {
  product: {
    args: () => [matrix, zeros(32 * 16), zeros(96 * 16)],
    run: (kernels, args: Parameters<Kernels['product']>) => kernels.product(...args),
  },
  productTransposed: {
    args: () => [matrix, zeros(96 * 16), zeros(32 * 16)],
    run: (kernels, args: Parameters<Kernels['productTransposed']>) => kernels.productTransposed(...args),
  },
  productWeights: {
    args: () => [matrix, zeros(2 * 96 * 16), zeros(2 * 32 * 16), 2, zeros(matrix.values.length)],
    run: (kernels, args: Parameters<Kernels['productWeights']>) => kernels.productWeights(...args),
  },
  sequenceLoss: {
    args: () => [network, freshBatch(batch)],
    run: (kernels, args: Parameters<Kernels['sequenceLoss']>) => kernels.sequenceLoss(...args),
  },
  memberGradients: {
    args: () => [[network], freshBatch(batch), 0.5, [emptyGradients(network, batch)], 'stored'],
    run: (kernels, args: Parameters<Kernels['memberGradients']>) => kernels.memberGradients(...args),
  },
  vocoderGradients: {
    args: () => [
      [network],
      conditioning,
      // Eight rows give two whole frames, which is four gate conditionings: two are heard, from the second on.
      { ...withoutGate(batch), features: zeros(2 * 8 * 3), rows: 8, first: 1 },
      0.5,
      {
        members: [network].map(({ sparse, dense }) => ({
          sparse: sparse.map(({ values }) => zeros(values.length)),
          dense: dense.map(({ length }) => zeros(length)),
        })),
        conditioning: conditioning.tensors.map(({ length }) => zeros(length)),
      },
    ],
    // Only a device has it; here behind the guard there is nothing.
    run: (kernels, args: Parameters<NonNullable<Kernels['vocoderGradients']>>) => {
      const own = Object.assign(Object.create(kernels) as Kernels, { vocoderGradients: () => new Float64Array(2) });
      return guarded(own).vocoderGradients!(...args);
    },
  },
  classifierGradients: {
    args: () => [[member], { ...examples, nll: zeros(3) }, 0.5, [classifierGradients], 'stored'],
    run: (kernels, args: Parameters<Kernels['classifierGradients']>) => kernels.classifierGradients(...args),
  },
  mirroredMembers: {
    args: () => [noise, zeros(5), zeros(5), 0.5, [zeros(5), zeros(5)]],
    run: (kernels, args: Parameters<Kernels['mirroredMembers']>) => kernels.mirroredMembers(...args),
  },
  noiseSum: {
    args: () => [noise, zeros(3), zeros(5)],
    run: (kernels, args: Parameters<Kernels['noiseSum']>) => kernels.noiseSum(...args),
  },
  adam: {
    args: () => [adam, zeros(5), { weights: zeros(5), first: zeros(5), second: zeros(5), average: zeros(5) }],
    run: (kernels, args: Parameters<Kernels['adam']>) => kernels.adam(...args),
  },
  matMul: {
    args: () => [false, true, 2, 3, 4, zeros(8), zeros(12), zeros(6)],
    run: (kernels, args: Parameters<Kernels['matMul']>) => kernels.matMul(...args),
  },
  codeExcitation: {
    args: () => [excitation],
    run: (kernels, args: Parameters<Kernels['codeExcitation']>) => kernels.codeExcitation(...args),
  },
  samplerProduct: {
    args: () => [withPrecision(silent, 'int8').sparse[0], zeros(32), zeros(96), 1],
    run: (kernels, args: Parameters<Kernels['samplerProduct']>) => kernels.samplerProduct(...args),
  },
  activations: {
    args: () => [zeros(5)],
    run: (kernels, args: Parameters<Kernels['activations']>) => kernels.activations(...args),
  },
  createSampler: {
    args: () => [network, settings, 2],
    run: (kernels, args: Parameters<Kernels['createSampler']>) => kernels.createSampler(...args),
  },
  'createSampler, int8': {
    args: () => [withPrecision(silent, 'int8'), { seed: 1, temperature: 1, firstCode: 0 }, 1],
    run: (kernels, args: Parameters<Kernels['createSampler']>) => kernels.createSampler(...args),
  },
  'a sampler, run': {
    args: () => [gate, 2, 3, predictors(2)],
    run: async (kernels, args: [Float32Array, number, number]) => kernels.createSampler(network, settings).run(...args),
  },
  'a sampler, forced': {
    args: () => [gate, 2, 3, new Uint16Array(6), predictors(2)],
    run: (kernels, args: [Float32Array, number, number, Uint16Array]) =>
      kernels.createSampler(network, settings).forced(...args),
  },
  createSamplerGroup: {
    args: () => [network, 3],
    run: (kernels, args: Parameters<Kernels['createSamplerGroup']>) => kernels.createSamplerGroup(...args),
  },
  'a group, begin': {
    args: () => [1, settings],
    run: (kernels, args: [number, typeof settings]) => kernels.createSamplerGroup(network, 3).begin(...args),
  },
  'a group, run': {
    args: () => [[{ slot: 1, gate, frames: 2, predictors: predictors(2) }], 3],
    run: async (kernels, args: [[], number]) => {
      const group = kernels.createSamplerGroup(network, 3);
      group.begin(1, settings);
      return group.run(...args);
    },
  },
};

/** Numbers that need not be whole. */
const reals =
  /(scale|temperature|learningRate|beta1|beta2|epsilon|gradientScale|average|most)$|^classifierGradients\.2|^memberGradients\.2|^vocoderGradients\.3|^mirroredMembers\.3/;
/** Arrays that may be left out. */
const optional = /(heard|lengths|state|nll)$/;
type Path = (string | number)[];

/** The paths of all arrays of numbers, numbers, words and truth values in some arguments. */
function* leaves(value: unknown, path: Path = []): Generator<[Path, unknown]> {
  if (ArrayBuffer.isView(value) || typeof value !== 'object' || value === null) yield [path, value];
  else for (const [key, each] of Object.entries(value)) yield* leaves(each, [...path, key]);
}

function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  const change = replaced((value as Record<string, unknown>)[key], rest, by);
  return Array.isArray(value)
    ? value.map((each: unknown, i) => (i === Number(key) ? change : each))
    : { ...(value as object), [key]: change };
}

function detached<T extends Float32Array>(array: T): T {
  const copy = array.slice();
  structuredClone(copy.buffer, { transfer: [copy.buffer] });
  return copy as T;
}

/** What an array may be mistaken for, or pretend to be. */
function* wrongArrays(array: Float32Array, path: string): Generator<[string, unknown]> {
  const { length } = array;
  yield ['of another type', array instanceof Uint8Array ? new Float32Array(length) : new Uint8Array(length)];
  yield ['of doubles', array instanceof Float64Array ? new Float32Array(length) : new Float64Array(length)];
  yield ['too long', new (array.constructor as Float32ArrayConstructor)(length + 1)];
  yield ['a plain array', [...array]];
  yield ['a word', 'array'];
  yield ['an object of the same length', { length, buffer: array.buffer, byteOffset: 0 }];
  yield ['a proxy', new Proxy(array, {})];
  yield ['a DataView', new DataView(new ArrayBuffer(array.byteLength))];
  if (!optional.test(path)) {
    yield ['null', null];
    yield ['undefined', undefined];
  }
  if (length === 0) return;
  yield ['too short', array.subarray(1)];
  yield ['detached', detached(array)];
  const shorter = array.slice(1);
  Object.defineProperty(shorter, 'length', { value: length });
  yield ['shorter than it says', shorter];
  const shared = new (array.constructor as Float32ArrayConstructor)(
    new SharedArrayBuffer(array.byteLength) as unknown as ArrayBuffer,
  );
  yield ['shared', shared];
}

const wrongNumbers = (path: string, value: number): [string, unknown][] => [
  ...[NaN, Infinity, -Infinity, String(value), null, undefined, {}, BigInt(Math.floor(value)), -3e39, 3e39].map(
    (wrong): [string, unknown] => [String(wrong), wrong],
  ),
  ...(reals.test(path)
    ? []
    : [0.5, -1, 2 ** 31, 2 ** 32, 2 ** 53, 1e300].map((wrong): [string, unknown] => [String(wrong), wrong])),
];

/** Paths where a value that is left out has a meaning, and numbers that are as good as others. */
const fine = (path: string, value: unknown): boolean =>
  (value === undefined && /^(samplerProduct\.3|createSampler.*\.2)$/.test(path)) ||
  // No prediction from the pitch, and any number of them.
  (ArrayBuffer.isView(value) && value.byteLength === 0 && /pitchFilter$/.test(path)) ||
  (value instanceof Float32Array && /^(activations\.0|noiseSum\.[12])$/.test(path)) ||
  // Any seed, and the position in its stream of random numbers.
  (/seed|index|step$|0\.(stream|first|stride)$/.test(path) && (value === 2 ** 31 || value === 2 ** 32));

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 2 });

  for (const [method, { args, run }] of Object.entries(calls))
    test(`${name}: ${method} takes nothing but what it should`, async () => {
      const good = args();
      await run(kernels, good as never);
      let tried = 0;
      for (const [path, value] of leaves(good)) {
        const at = [method, ...path].join('.');
        const wrong = ArrayBuffer.isView(value)
          ? [...wrongArrays(value as Float32Array, at)]
          : typeof value === 'number'
            ? wrongNumbers(at, value)
            : ([[`not ${String(value)}`, 3]] as [string, unknown][]);
        for (const [what, instead] of wrong) {
          if (fine(at, instead)) continue;
          tried++;
          await assert.rejects(
            async () => run(kernels, replaced(good, path, instead) as never),
            (error) =>
              error instanceof TtsError && error.code === 'ERR_ARGUMENT' && / expected |gives /.test(error.message),
            `${at}: ${what}`,
          );
        }
      }
      assert.ok(tried >= 5, `${tried} tries`);
      await run(kernels, args() as never);
    });

  test(`${name}: logits are not taken in int8, in which only the state is there`, () => {
    const int8 = withPrecision(silent, 'int8');
    for (const logits of [2, 4]) {
      const sparse = int8.sparse.map((matrix, i) => (i === logits ? rounded(silent.sparse[i], 'int8') : matrix));
      assert.throws(() => kernels.createSampler({ ...int8, sparse }, { seed: 1, temperature: 1, firstCode: 0 }), {
        code: 'ERR_ARGUMENT',
        message: new RegExp(`sparse\\[${logits}\\] is int8, expected float32 or bf16`),
      });
    }
  });

  test(`${name}: what is no list of networks, layers or parts is refused`, async () => {
    const refused = async (call: () => unknown) => assert.rejects(async () => call(), { code: 'ERR_ARGUMENT' });
    for (const wrong of [undefined, null, 3, 'abc', {}, [], [null], [3], new Float32Array(3)]) {
      const any = wrong as never;
      await refused(() => kernels.sequenceLoss(any, batch));
      await refused(() => kernels.sequenceLoss(network, any));
      await refused(() => kernels.memberGradients(any, batch, 1, [emptyGradients(network, batch)]));
      await refused(() => kernels.memberGradients([network], batch, 1, any));
      await refused(() => kernels.classifierLoss(any, examples));
      await refused(() => kernels.classifierLoss([member], any));
      await refused(() => kernels.classifierLoss([{ ...member, layers: any }], examples));
      await refused(() => kernels.classifierLoss([{ ...member, input: any }], examples));
      await refused(() => kernels.codeExcitation(any));
      await refused(() => kernels.createSampler(any, settings));
      await refused(() => kernels.createSampler(network, any));
      await refused(() => kernels.createSampler({ ...network, sparse: any }, settings));
      await refused(() => kernels.createSampler({ ...network, dense: any }, settings));
      await refused(() => kernels.product(any, zeros(512), zeros(1536)));
      if (!Array.isArray(wrong) || wrong.length > 0)
        await refused(() => kernels.createSamplerGroup(network, 2).run(any, 3));
    }
  });

  test(`${name}: a matrix that passed and changed afterwards is not followed out of its arrays`, () => {
    const own = { ...matrix, column: matrix.column.slice(), rowStart: matrix.rowStart.slice() };
    const [x, y] = [zeros(32 * 16), zeros(96 * 16)];
    kernels.product(own, x, y);
    const refused = (change: () => void, undo: () => void) => {
      change();
      for (const call of [
        () => kernels.product(own, x, y),
        () => kernels.sequenceLoss({ ...network, sparse: [own, ...network.sparse.slice(1)] }, batch),
        () => kernels.createSampler({ ...network, sparse: [own, ...network.sparse.slice(1)] }, settings),
      ])
        assert.throws(call, { code: 'ERR_ARGUMENT' });
      undo();
      kernels.product(own, x, y);
    };
    const [first] = own.column;
    refused(
      () => (own.column[0] = 2 ** 30),
      () => (own.column[0] = first),
    );
    refused(
      () => (own.column[0] = -5),
      () => (own.column[0] = first),
    );
    const [, second] = own.rowStart;
    refused(
      () => (own.rowStart[1] = 2 ** 30),
      () => (own.rowStart[1] = second),
    );
    refused(
      () => (own.rowStart[1] = -7),
      () => (own.rowStart[1] = second),
    );
  });

  test(`${name}: what an object says the second time does not matter`, () => {
    let asked = 0;
    const lying = Object.defineProperties(freshBatch(batch), {
      lanes: { get: () => (asked++ === 0 ? batch.lanes : 2 ** 20), enumerable: true },
      codes: { get: () => (asked > 1 ? new Uint16Array(1) : batch.codes), enumerable: true },
    });
    assert.deepEqual(kernels.sequenceLoss(network, lying), kernels.sequenceLoss(network, freshBatch(batch)));
  });

  test(`${name}: a buffer that shrinks under its array is noticed`, () => {
    const size = matrix.values.byteLength;
    // Not yet in the types of TypeScript's ES2023.
    const Resizable = ArrayBuffer as unknown as new (
      length: number,
      options: object,
    ) => ArrayBuffer & { resize(length: number): void };
    const buffer = new Resizable(size, { maxByteLength: 2 * size });
    const own = { ...matrix, values: new Float32Array(buffer) };
    const [x, y] = [zeros(32 * 16), zeros(96 * 16)];
    kernels.product(own, x, y);
    buffer.resize(64);
    assert.throws(() => kernels.product(own, x, y), { code: 'ERR_ARGUMENT' });
  });

  test(`${name}: symbols that the network does not have are not forced on it`, () => {
    const sampler = kernels.createSampler(network, settings);
    assert.throws(() => sampler.forced(gate, 2, 3, Uint16Array.of(0, 0, 0, 65535, 0, 0), predictors(2)), {
      code: 'ERR_ARGUMENT',
      message: /codes\[3\] is 65535, expected less than 1024/,
    });
  });

  test(`${name}: one call at a time`, async () => {
    const sampler = kernels.createSampler(network, settings);
    const first = sampler.run(gate, 2, 3, predictors(2));
    await assert.rejects(sampler.run(gate, 2, 3, predictors(2)), { code: 'ERR_ARGUMENT', message: /still at work/ });
    assert.equal((await first).length, 6);
    assert.equal((await sampler.run(gate, 2, 3, predictors(2))).length, 6);
  });
}

test('kernels without memory say so, and the process goes on', { skip: process.platform !== 'linux' }, () => {
  const kernels = new URL('../index.js', import.meta.url).href;
  const program = `
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { chooseKernels, nativeNames } from ${JSON.stringify(kernels)};
    const kernels = chooseKernels({ threads: 1 });
    kernels.readSeconds(1000, 1);
    const used = 4096 * Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]);
    execFileSync('prlimit', ['--pid', process.pid, '--as=' + (used + 2 ** 28)]);
    try {
      kernels.readSeconds(2 ** 28, 1);
    } catch (error) {
      console.log(error.code, error.message);
    }
    console.log(kernels.readSeconds(1000, 1) >= 0);
  `;
  if (nativeNames().length === 0 || spawnSync('prlimit', ['--version']).status !== 0) return;
  if (process.env.LD_PRELOAD) return;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^ERR_MEMORY .*memory.*\ntrue\n$/);
});
