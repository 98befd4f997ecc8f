import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

// A toy acoustic model in ONNX (onnx.proto3 of github.com/onnx/onnx): each symbol is a row of a table, which is repeated
// round(framesPerSymbol · length scale) times. It has the inputs and outputs of an exported Matcha-TTS.

type Part = Uint8Array;

function varint(value: number): Part {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

const join = (...parts: readonly Part[]): Part => Buffer.concat(parts);
const number = (field: number, value: number): Part => join(varint(field * 8), varint(value));
const bytes = (field: number, value: Part | string): Part => {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return join(varint(field * 8 + 2), varint(content.length), content);
};

const float = 1;
const int64 = 7;

const tensor = (name: string, values: Float32Array | BigInt64Array, dims: readonly number[]): Part =>
  join(
    ...dims.map((dim) => number(1, dim)),
    number(2, values instanceof Float32Array ? float : int64),
    bytes(8, name),
    bytes(9, Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
  );

/** @param dims numbers, or names of what differs from call to call */
const valueInfo = (name: string, type: number, dims: readonly (number | string)[]): Part => {
  const shape = join(...dims.map((dim) => bytes(1, typeof dim === 'number' ? number(1, dim) : bytes(2, dim))));
  return join(bytes(1, name), bytes(2, bytes(1, join(number(1, type), bytes(2, shape)))));
};

const node = (op: string, inputs: string[], output: string, attributes: readonly Part[] = []): Part =>
  join(
    ...inputs.map((input) => bytes(1, input)),
    bytes(2, output),
    bytes(4, op),
    ...attributes.map((a) => bytes(5, a)),
  );

const intAttribute = (name: string, value: number): Part => join(bytes(1, name), number(3, value), number(20, 2));
const intsAttribute = (name: string, values: number[]): Part =>
  join(bytes(1, name), ...values.map((value) => number(8, value)), number(20, 7));

export const framesPerSymbol = 4;

export interface ToyOnnx {
  /** [symbols, bins] */
  readonly table: Float32Array;
  readonly bins?: number;
  /** The inputs of icefall: `x_length`, `noise_scale`, `length_scale`, and no `mel_lengths`. */
  readonly icefall?: boolean;
  /** Has `spks`. */
  readonly speakers?: boolean;
  readonly output?: string;
}

/** Writes the model. */
export function writeToyOnnx(path: string, options: ToyOnnx): void {
  const { table, bins = 80, icefall = false, speakers = false, output = 'mel' } = options;
  const lengthName = icefall ? 'x_length' : 'x_lengths';
  const constants = {
    per_symbol: Float32Array.of(framesPerSymbol),
    one: BigInt64Array.of(1n),
    two: BigInt64Array.of(2n),
    bins: BigInt64Array.of(BigInt(bins)),
    ones: BigInt64Array.of(1n, 1n),
    rows: BigInt64Array.of(1n, -1n, BigInt(bins)),
  };
  const graph = join(
    ...(icefall
      ? [node('Mul', ['length_scale', 'per_symbol'], 'frames')]
      : [node('Slice', ['scales', 'one', 'two'], 'scale'), node('Mul', ['scale', 'per_symbol'], 'frames')]
    ).map((each) => bytes(1, each)),
    ...[
      node('Round', ['frames'], 'rounded'),
      node('Cast', ['rounded'], 'count', [intAttribute('to', int64)]),
      node('Gather', ['table', 'x'], 'gathered'),
      node('Unsqueeze', ['gathered', 'two'], 'columns'),
      node('Concat', ['ones', 'count', 'bins'], 'shape', [intAttribute('axis', 0)]),
      node('Expand', ['columns', 'shape'], 'repeated'),
      node('Reshape', ['repeated', 'rows'], 'frames_of_all'),
      node('Transpose', ['frames_of_all'], output, [intsAttribute('perm', [0, 2, 1])]),
      ...(icefall ? [] : [node('Mul', [lengthName, 'count'], 'mel_lengths')]),
    ].map((each) => bytes(1, each)),
    bytes(2, 'toy'),
    bytes(5, tensor('table', table, [table.length / bins, bins])),
    ...Object.entries(constants).map(([name, values]) => bytes(5, tensor(name, values, [values.length]))),
    ...[
      valueInfo('x', int64, [1, 'symbols']),
      valueInfo(lengthName, int64, [1]),
      ...(icefall
        ? [valueInfo('noise_scale', float, [1]), valueInfo('length_scale', float, [1])]
        : [valueInfo('scales', float, [2])]),
      ...(speakers ? [valueInfo('spks', int64, [1])] : []),
    ].map((each) => bytes(11, each)),
    bytes(12, valueInfo(output, float, [1, bins, 'time'])),
    ...(icefall ? [] : [bytes(12, valueInfo('mel_lengths', int64, [1]))]),
  );
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, join(number(1, 8), bytes(7, graph), bytes(8, join(bytes(1, ''), number(2, 15)))));
}
