import { sha256 as Sha256 } from '@noble/hashes/sha2';
import { bytesToHex } from '@noble/hashes/utils';
import type { z } from 'zod';
import { parseBoundedJson, quoted, shortened } from '../base/bounded_json.js';
import { TtsError } from '../base/errors.js';
import { type Limit, within } from '../base/limits.js';
import {
  decodeSafetensors,
  type Dtype,
  type SafetensorsFile,
  type Tensor,
  type TensorData,
  unquoted,
} from './safetensors.js';

/** A kind of file with a model of ours: safetensors with a checksum, and JSON in its metadata. */
export interface ModelFormat {
  /** What messages call it, such as `voice`. */
  readonly what: string;
  /** `format` of the metadata. */
  readonly format: string;
  /** The newest version that is read. */
  readonly version: number;
}

const withArticle = (what: string) => `${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}`;

export const corrupt = (message: string, cause?: unknown): TtsError =>
  new TtsError('ERR_VOICE_CORRUPT', message, { cause });

/** SHA-256 of everything in the file but itself, in an order that does not depend on the file's. */
export function checksum(
  tensors: ReadonlyMap<string, Tensor>,
  { sha256: _, ...metadata }: Record<string, string>,
): string {
  const utf8 = new TextEncoder();
  const hash = Sha256.create().update(utf8.encode(JSON.stringify(Object.entries(metadata).sort())));
  for (const [name, { dtype, shape, data }] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash
      .update(utf8.encode(JSON.stringify([name, dtype, shape])))
      .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return bytesToHex(hash.digest());
}

const inQuotes = (text: string | undefined): string => (text === undefined ? 'missing' : quoted(text));

/**
 * What is in a file of this kind, whole and of a version that can be read.
 * @throws {TtsError} ERR_VOICE_CORRUPT, ERR_VOICE_VERSION
 */
export function openModel(bytes: Uint8Array, { what, format, version }: ModelFormat): SafetensorsFile {
  const file = decodeSafetensors(bytes);
  const { tensors, metadata } = file;
  if (metadata.format !== format)
    throw corrupt(
      `not ${withArticle(what)}: the metadata's format is ${inQuotes(metadata.format)}, expected "${format}"`,
    );
  if (!/^[1-9]\d{0,8}$/.test(metadata.version ?? ''))
    throw corrupt(`version ${inQuotes(metadata.version)}, expected a number from 1`);
  if (Number(metadata.version) > version)
    throw new TtsError(
      'ERR_VOICE_VERSION',
      `${what} format ${metadata.version} was made by a newer version; this one reads up to format ${version}: ` +
        'update sparsewavernn',
    );
  const expected = checksum(tensors, metadata);
  if (metadata.sha256 !== expected)
    throw corrupt(
      `the file is damaged: its checksum is ${expected}, expected ` +
        (metadata.sha256 === undefined ? 'one in the metadata' : unquoted(metadata.sha256)),
    );
  return file;
}

/** The JSON values of the metadata that a schema wants. @throws {TtsError} ERR_VOICE_CORRUPT */
export function readMetadata<S extends z.ZodObject>(metadata: Record<string, string>, schema: S): z.infer<S> {
  const json: Record<string, unknown> = {};
  for (const key of Object.keys(schema.shape)) {
    try {
      json[key] = parseBoundedJson(metadata[key]);
    } catch (cause) {
      const reason = cause instanceof SyntaxError ? ` (${cause.message.slice(0, 100)})` : '';
      throw corrupt(`metadata ${key} is not JSON${reason}`, cause);
    }
  }
  const checked = schema.safeParse(json);
  if (checked.success) return checked.data;
  const [{ path, message }] = checked.error.issues;
  const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], json);
  const text = (JSON.stringify(value) as string | undefined) ?? 'missing';
  throw corrupt(`metadata ${path.join('.')} is ${shortened(text)}: ${message}`);
}

/** Takes the tensors of a file one by one, and in the end knows those that nobody took. */
export class TensorReader {
  private readonly taken = new Set<string>();

  constructor(private readonly tensors: ReadonlyMap<string, Tensor>) {}

  /** The type of a tensor, undefined where there is none of that name. */
  typeOf(name: string): Dtype | undefined {
    return this.tensors.get(name)?.dtype;
  }

  /** The data of a tensor of the expected type and shape (null: any length), without infinities or NaN. */
  take<T extends TensorData>(name: string, dtype: Dtype, shape: readonly (number | null)[]): T {
    this.taken.add(name);
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw corrupt(`tensor ${name} is missing`);
    const fits =
      tensor.dtype === dtype &&
      tensor.shape.length === shape.length &&
      shape.every((length, axis) => length === null || length === tensor.shape[axis]);
    if (!fits)
      throw corrupt(
        `tensor ${name} is ${tensor.dtype} [${tensor.shape.join(', ')}], expected ${dtype} ` +
          `[${shape.map((n) => n ?? 'any').join(', ')}]`,
      );
    const bad = tensor.data.findIndex((value: number) => !Number.isFinite(value));
    if (bad >= 0) throw corrupt(`tensor ${name} has ${tensor.data[bad]} at ${bad}, expected finite numbers`);
    return tensor.data as T;
  }

  /** Float32 numbers within bounds: finite ones can still be absurd, and a few layers on they are no longer finite. */
  floats(name: string, shape: readonly (number | null)[], limit: Limit): Float32Array {
    const values = this.take<Float32Array>(name, 'F32', shape);
    const bad = values.findIndex((value) => !within(value, limit));
    if (bad >= 0)
      throw corrupt(`tensor ${name} has ${values[bad]} at ${bad}, expected ${limit.least} to ${limit.most}`);
    return values;
  }

  /** @throws {TtsError} ERR_VOICE_CORRUPT when the file has a tensor that was not taken */
  finish({ what }: ModelFormat): void {
    for (const name of this.tensors.keys())
      if (!this.taken.has(name))
        throw corrupt(`tensor ${unquoted(name)} does not belong to ${withArticle(what)} of this configuration`);
  }
}

/** Puts the name of a file in front of what is wrong with it. */
export function naming<T>(name: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw cause instanceof TtsError ? new TtsError(cause.code, `${name}: ${cause.message}`, { cause }) : cause;
  }
}
