import { shortened } from '../../base/bounded_json.js';
import { TtsError } from '../../base/errors.js';
import { type Limit, limits } from '../../base/limits.js';

/** The arrays that kernels take, by the names of their types. */
export interface ArrayTypes {
  readonly Float32Array: Float32Array;
  readonly Float64Array: Float64Array;
  readonly Int32Array: Int32Array;
  readonly Int16Array: Int16Array;
  readonly Uint16Array: Uint16Array;
  readonly Uint8Array: Uint8Array;
  readonly Int8Array: Int8Array;
}
export type ArrayType = keyof ArrayTypes;

/** What is wrong with an argument. */
export const wrong = (message: string): TtsError => new TtsError('ERR_ARGUMENT', message);

// What the engine itself knows of an array: an object can pretend to be one, and an array to be longer than it is.
const prototype = Object.getPrototypeOf(Uint8Array.prototype) as object;
const getter = (key: PropertyKey) => Object.getOwnPropertyDescriptor(prototype, key)?.get as (this: unknown) => unknown;
const [tagOf, lengthOf, bufferOf] = [Symbol.toStringTag, 'length', 'buffer'].map(getter);

/** A value in few words. */
export function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null)
    return String(value);
  if (typeof value === 'string') return JSON.stringify(shortened(value));
  if (typeof value === 'bigint') return `${String(value).slice(0, 60)}n`;
  return typeof value === 'object' ? `a ${typeName(value)}` : `a ${typeof value}`;
}

function typeName(value: object): string {
  return (tagOf.call(value) as string | undefined) ?? Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether a value is an array of numbers of some type, whatever it says of itself. */
export function isArray<T extends ArrayType>(type: T, value: unknown): value is ArrayTypes[T] {
  return typeof value === 'object' && value !== null && tagOf.call(value) === type;
}

/**
 * An array of numbers that is what it should be: of this very type, in memory that only this thread has, of this length
 * (any where none is given). An array whose buffer was taken away has length 0.
 * @throws {TtsError} ERR_ARGUMENT
 */
export function checkArray<T extends ArrayType>(name: string, type: T, value: unknown, length?: number): ArrayTypes[T] {
  if (!isArray(type, value)) throw wrong(`${name} is ${shown(value)}, expected a ${type}`);
  if (typeof SharedArrayBuffer !== 'undefined' && bufferOf.call(value) instanceof SharedArrayBuffer)
    throw wrong(`${name} lies in a SharedArrayBuffer, which may change at any time; expected a copy of its own`);
  const found = lengthOf.call(value) as number;
  if (value.length !== found) throw wrong(`${name} says it has ${value.length} elements, expected the ${found} it has`);
  if (length === undefined) {
    if (found > limits.elements.most)
      throw wrong(`${name} has ${found} elements, expected at most ${limits.elements.most}`);
  } else if (found !== length) throw wrong(`${name} has ${found} elements, expected ${length}`);
  return value;
}

/** The same where the array may be left out. */
export function checkOptional<T extends ArrayType>(
  name: string,
  type: T,
  value: unknown,
  length: number,
): ArrayTypes[T] | undefined {
  return value === undefined || value === null ? undefined : checkArray(name, type, value, length);
}

/** A whole number within a bound. @throws {TtsError} ERR_ARGUMENT */
export function checkWhole(name: string, value: unknown, { least, most }: Limit): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
    throw wrong(`${name} is ${shown(value)}, expected a whole number from ${least} to ${most}`);
  return value as number;
}

/** A finite number. @throws {TtsError} ERR_ARGUMENT */
export function checkNumber(name: string, value: unknown, { least, most }: Limit): number {
  if (!(typeof value === 'number' && value >= least && value <= most))
    throw wrong(`${name} is ${shown(value)}, expected a number from ${least} to ${most}`);
  return value;
}

/** @throws {TtsError} ERR_ARGUMENT unless the value is true or false */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrong(`${name} is ${shown(value)}, expected true or false`);
  return value;
}

/** @throws {TtsError} ERR_ARGUMENT unless the value can be called */
export function checkFunction<T extends () => void>(name: string, value: T): T {
  if (typeof value !== 'function') throw wrong(`${name} is ${shown(value)}, expected a function`);
  return value;
}

/** An object whose members are looked at next. @throws {TtsError} ERR_ARGUMENT */
export function checkObject<T extends object>(name: string, value: T): T {
  if (typeof value !== 'object' || value === null) throw wrong(`${name} is ${shown(value)}, expected an object`);
  return value;
}

/** A plain list, copied, of this length (any up to `most` where none is given). @throws {TtsError} ERR_ARGUMENT */
export function checkList<T>(
  name: string,
  value: readonly T[],
  length?: number,
  most: number = limits.members.most,
): T[] {
  if (!Array.isArray(value)) throw wrong(`${name} is ${shown(value)}, expected an array`);
  if (length !== undefined && value.length !== length)
    throw wrong(`${name} has ${value.length} elements, expected ${length}`);
  if (value.length > most) throw wrong(`${name} has ${value.length} elements, expected at most ${most}`);
  return Array.from(value as readonly T[]);
}
