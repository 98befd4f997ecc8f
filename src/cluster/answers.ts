import { z } from 'zod';
import { shortened } from '../base/bounded_json.js';
import { type ErrorCode, TtsError } from '../base/errors.js';
import { limits, text } from '../base/limits.js';
import { type FileSource, readWholeFileSync } from '../base/whole_file.js';
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile, type Tensor } from '../model/safetensors.js';
import { checked, readJson } from './protocol.js';

/** Arrays of a blob: samples, features, the bytes of files. */
export type Arrays = Readonly<Record<string, Float32Array | Int16Array | Uint8Array>>;

const tensorOf = (data: Arrays[string]): Tensor => ({
  dtype: data instanceof Float32Array ? 'F32' : data instanceof Int16Array ? 'I16' : 'U8',
  shape: [data.length],
  data,
});

const encode = (arrays: Arrays, metadata: Record<string, string>): Uint8Array =>
  encodeSafetensors(new Map(Object.entries(arrays).map(([name, data]) => [name, tensorOf(data)])), metadata);

function decode(bytes: Uint8Array, what: string): SafetensorsFile {
  try {
    return decodeSafetensors(bytes);
  } catch (cause) {
    throw new TtsError('ERR_CLUSTER', `${what} is ${(cause as Error).message}`, { cause });
  }
}

/** An array of a blob. @throws {TtsError} ERR_CLUSTER where it is not there, or of another type */
export function arrayIn<T extends Arrays[string]>(
  { tensors }: Pick<SafetensorsFile, 'tensors'>,
  name: string,
  type: new (length: number) => T,
): T {
  const data = tensors.get(name)?.data;
  if (data instanceof type) return data;
  throw new TtsError('ERR_CLUSTER', `what came over the queue has no ${type.name} ${name}`);
}

/** Arrays for a job, as one blob. */
export const encodeInput = (arrays: Arrays): Uint8Array => encode(arrays, {});

/** @throws {TtsError} ERR_CLUSTER */
export const decodeInput = (bytes: Uint8Array): SafetensorsFile => decode(bytes, 'the input of a job');

const namesSchema = z.strictObject({ names: text() });

/** Files for a job, as one blob, with the names by which messages call them. @throws {TtsError} ERR_FILE_READ */
export function encodeFiles(paths: readonly string[]): Uint8Array {
  const files = paths.map((path, i) => [`file${i}`, new Uint8Array(readWholeFileSync(path))] as const);
  return encode(Object.fromEntries(files), { names: JSON.stringify(paths) });
}

/**
 * The files of a job; nothing on this machine is opened by their names.
 * @throws {TtsError} ERR_CLUSTER for what is none, and another number of files than expected
 */
export function decodeFiles(bytes: Uint8Array, count: number): FileSource[] {
  const found = decode(bytes, 'the files of a job');
  const { names } = checked(namesSchema, found.metadata, 'the files of a job');
  return readJson(z.array(text()).length(count), names, 'the names of the files of a job').map((name, i) => ({
    name,
    bytes: arrayIn(found, `file${i}`, Uint8Array),
  }));
}

const answerSchema = z.union([z.strictObject({ found: z.string() }), z.strictObject({ refused: z.string() })]);

const refusalSchema = z.strictObject({ code: z.string().regex(/^ERR_[A-Z_]{1,40}$/), message: text() });

/** What a job came to: plain data, and arrays. */
export const encodeAnswer = (found: object, arrays: Arrays = {}): Uint8Array =>
  encode(arrays, { found: JSON.stringify(found) });

/** Faults of a machine, not of what it was given: another one may do better. */
const faultsOfMachines: readonly ErrorCode[] = [
  'ERR_KERNELS',
  'ERR_CLUSTER',
  'ERR_MEMORY',
  'ERR_RESOURCES',
  'ERR_BACKEND',
];

/** What a job came to, or what is wrong with its input, which is so for every worker. */
export async function answering(work: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TtsError) || faultsOfMachines.includes(error.code)) throw error;
    const refused = { code: error.code, message: shortened(error.message, limits.text.most - 1) };
    return encode({}, { refused: JSON.stringify(refused satisfies z.infer<typeof refusalSchema>) });
  }
}

/** What a job came to. */
export type Answer<T> = SafetensorsFile & ({ readonly found: T } | { readonly refused: TtsError });

/** @throws {TtsError} ERR_CLUSTER for what is no answer */
export function decodeAnswer<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): Answer<T> {
  const file = decode(bytes, what);
  const answer = checked(answerSchema, file.metadata, what);
  if ('found' in answer) return { ...file, found: readJson(schema, answer.found, what) };
  const { code, message } = readJson(refusalSchema, answer.refused, what);
  return { ...file, refused: new TtsError(code as ErrorCode, message) };
}
