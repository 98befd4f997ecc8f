/**
 * Memory that the thread with the GPU sees too, kept from call to call: what goes there is copied into it once, and not
 * twice by a message. It holds one call; the next one overwrites it.
 */
export class SharedArrays {
  private memory = new SharedArrayBuffer(0);

  /** The same object, and objects and lists in it, with the arrays of numbers in shared memory. */
  copy<T extends object>(given: T): T {
    const bytes = bytesOf(given);
    if (this.memory.byteLength < bytes) this.memory = new SharedArrayBuffer(bytes);
    let at = 0;
    const copied = (value: unknown): unknown => {
      if (ArrayBuffer.isView(value)) {
        const array = value as Float32Array;
        const shared = new (array.constructor as Float32ArrayConstructor)(this.memory, at, array.length);
        shared.set(array);
        at += aligned(array.byteLength);
        return shared;
      }
      if (typeof value !== 'object' || value === null) return value;
      if (Array.isArray(value)) return value.map(copied);
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, copied(each)]));
    };
    return copied(given) as T;
  }
}

const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;

const bytesOf = (value: unknown): number =>
  ArrayBuffer.isView(value)
    ? aligned(value.byteLength)
    : typeof value === 'object' && value !== null
      ? Object.values(value).reduce((sum: number, each) => sum + bytesOf(each), 0)
      : 0;
