import { z } from 'zod';
import { TtsError } from '../base/errors.js';
import { limits, whole } from '../base/limits.js';
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile, type Tensor } from '../model/safetensors.js';
import type { Generation, NamedArrays, Share, TrainedPart } from '../training/parts/part.js';
import { checked, hashSchema } from './protocol.js';

/** Metadata of safetensors are texts. */
const number = (schema: z.ZodType<number, number>) =>
  z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number)
    .pipe(schema);

const stateSchema = z.strictObject({
  spec: hashSchema,
  step: number(whole({ ...limits.steps, least: 0 })),
  steps: number(whole(limits.generation)),
  members: number(whole({ ...limits.population, least: 1 })),
  paired: z.string().regex(/^[01]{1,1000}$/),
});

const resultSchema = z.strictObject({
  state: hashSchema,
  index: number(whole({ ...limits.parts, least: 0 })),
  count: number(whole(limits.parts)),
});

const tensorOf = (data: Float32Array | Int32Array | Float64Array): Tensor => ({
  dtype: data instanceof Float64Array ? 'F64' : data instanceof Float32Array ? 'F32' : 'I32',
  shape: [data.length],
  data,
});

/** The state that all parts of a generation begin from, as one file. @param spec hash of what the run is */
export function encodeState({ step, steps, members, paired, arrays }: Generation, spec: string): Uint8Array {
  return encodeSafetensors(new Map([...arrays].map(([name, data]) => [name, tensorOf(data)])), {
    spec,
    step: String(step),
    steps: String(steps),
    members: String(members),
    paired: paired.map((is) => (is ? '1' : '0')).join(''),
  });
}

/** @throws {TtsError} ERR_CLUSTER for what is no state, or one of another run */
export function decodeState(bytes: Uint8Array, spec: string): Generation {
  const { tensors, metadata } = decode(bytes, 'the state');
  const { paired, spec: own, ...found } = checked(stateSchema, metadata, 'the state');
  if (own !== spec)
    throw new TtsError('ERR_CLUSTER', 'the state is of another recipe or corpus than the job that names it');
  if (paired.length !== found.steps)
    throw new TtsError('ERR_CLUSTER', `the state has ${paired.length} pairings, expected ${found.steps}`);
  return { ...found, paired: [...paired].map((is) => is === '1'), arrays: namedArrays(tensors, 'the state') };
}

/** What a part came to, as one file. @param state hash of what it began from */
export function encodePart({ arrays, losses, norms }: TrainedPart, state: string, { index, count }: Share): Uint8Array {
  const tensors = new Map([...arrays].map(([name, data]) => [name, tensorOf(data)] as const));
  tensors.set('losses', tensorOf(losses)).set('norms', tensorOf(norms));
  return encodeSafetensors(tensors, { state, index: String(index), count: String(count) });
}

/**
 * @param losses how many there must be
 * @throws {TtsError} ERR_CLUSTER for what is no part, or another one
 */
export function decodePart(
  bytes: Uint8Array,
  state: string,
  { index, count }: Share,
  { steps, losses: expected }: { steps: number; losses: number },
): TrainedPart {
  const what = `part ${index} of ${count}`;
  const { tensors, metadata } = decode(bytes, what);
  const found = checked(resultSchema, metadata, what);
  if (found.state !== state || found.index !== index || found.count !== count)
    throw new TtsError(
      'ERR_CLUSTER',
      `${what} is part ${found.index} of ${found.count} of ${found.state.slice(0, 16)}…`,
    );
  const [losses, norms] = ['losses', 'norms'].map((name) => tensors.get(name)?.data);
  if (!(losses instanceof Float64Array && norms instanceof Float64Array))
    throw new TtsError('ERR_CLUSTER', `${what} has no losses`);
  if (losses.length !== expected || norms.length !== steps)
    throw new TtsError(
      'ERR_CLUSTER',
      `${what} has ${losses.length} losses and ${norms.length} norms, expected ${expected} and ${steps}`,
    );
  tensors.delete('losses');
  tensors.delete('norms');
  return { arrays: namedArrays(tensors, what), losses, norms };
}

function decode(bytes: Uint8Array, what: string): SafetensorsFile {
  try {
    return decodeSafetensors(bytes);
  } catch (cause) {
    throw new TtsError('ERR_CLUSTER', `${what} is ${(cause as Error).message}`, { cause });
  }
}

function namedArrays(tensors: ReadonlyMap<string, Tensor>, what: string): NamedArrays {
  return new Map(
    [...tensors].map(([name, { data }]) => {
      if (!(data instanceof Float32Array || data instanceof Int32Array))
        throw new TtsError('ERR_CLUSTER', `${what} has an array of another type than F32 and I32`);
      const bad = data.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) throw new TtsError('ERR_CLUSTER', `${what} has ${data[bad]} in ${name} at ${bad}`);
      return [name, data];
    }),
  );
}
