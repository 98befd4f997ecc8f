import { TtsError } from '../../base/errors.js';
import type { BlockMatrix, StoredMatrix } from '../interface/blocks.js';
import { cuesOf, type SampleRateNetwork, type SamplerNetwork, type SequenceGradients } from '../interface/kernels.js';
import { isInt8, precisionOfMatrix, precisions } from '../interface/precision.js';

/** What the module exports besides the functions of `KernelExports`. */
interface Memory {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  allocate(bytes: number): number;
  release(address: number): void;
}

/** Of WebAssembly's memory. */
const addresses = 2 ** 32;

type Entry = (argumentsAddress: number) => void;

/**
 * The kernels in src/kernels/native/bindings/wasm.cc. Each takes the address of its arguments, as `Call` lays them
 * down.
 */
export interface KernelExports extends Memory {
  readonly product: Entry;
  readonly productTransposed: Entry;
  readonly productWeights: Entry;
  readonly sequence: Entry;
  readonly classifier: Entry;
  readonly mirrored: Entry;
  readonly noiseSum: Entry;
  readonly adam: Entry;
  readonly matmul: Entry;
  readonly samplerCreate: (argumentsAddress: number) => number;
  readonly samplerRun: Entry;
  readonly samplerProduct: Entry;
  readonly activations: Entry;
  readonly samplerRelease: (sampler: number) => void;
}

type Numbers = Float32Array | Float64Array | Int32Array | Uint16Array | Uint8Array | Int8Array;

/**
 * The arguments of one call: numbers, and arrays that are copied into the module's memory before it and out of it
 * after. `Arguments` in bindings/wasm.cc reads them in the order in which they were added.
 */
export class Call {
  private readonly values: number[] = [];
  private readonly addresses: number[] = [];
  /** Where arrays that are only read were placed, by their buffers and their places in them. */
  private readonly placed = new Map<ArrayBufferLike, Map<string, number>>();
  private readonly results: { readonly address: number; readonly array: Numbers }[] = [];

  constructor(private readonly exports: KernelExports) {}

  number(...values: number[]): this {
    this.values.push(...values);
    return this;
  }

  /**
   * Arrays that are read; null or undefined for one that is not given. One that was read before is not copied again, so
   * that the module sees what members share.
   */
  read(...arrays: (Numbers | null | undefined)[]): this {
    for (const array of arrays) this.values.push(array ? this.copyOnce(array) : 0);
    return this;
  }

  /** Arrays that are written over. */
  write(...arrays: (Numbers | null | undefined)[]): this {
    for (const array of arrays) this.values.push(array ? this.result(this.place(array.byteLength), array) : 0);
    return this;
  }

  /** Arrays that are read and written. */
  update(...arrays: (Numbers | null | undefined)[]): this {
    for (const array of arrays) this.values.push(array ? this.result(this.copyIn(array), array) : 0);
    return this;
  }

  matrix({ rows, columns, blockRows, blockColumns, rowStart, column, values }: BlockMatrix): this {
    return this.number(rows, columns, blockRows, blockColumns).read(rowStart, column, values);
  }

  network(network: SampleRateNetwork): this {
    const { hidden, projection, classes, sparse, dense } = network;
    this.number(hidden, projection, classes, 3 + cuesOf(network));
    for (const matrix of sparse) this.matrix(matrix);
    return this.read(...dense);
  }

  /** As `SourceMatrix` in native/pack.h. */
  storedMatrix(matrix: StoredMatrix): this {
    const { rows, columns, blockRows, blockColumns, rowStart, column, values } = matrix;
    return this.number(rows, columns, blockRows, blockColumns)
      .read(rowStart, column)
      .number(precisions.indexOf(precisionOfMatrix(matrix)))
      .read(values, isInt8(matrix) ? matrix.scale : null);
  }

  samplerNetwork(network: SamplerNetwork): this {
    const { hidden, projection, classes, sparse, dense } = network;
    this.number(hidden, projection, classes, 3 + cuesOf(network));
    for (const matrix of sparse) this.storedMatrix(matrix);
    return this.read(...dense);
  }

  gradients({ gate, sparse, dense }: SequenceGradients): this {
    return this.write(gate, ...sparse, ...dense);
  }

  /** Calls one of the kernels, copies the results out and gives the memory back. */
  run(entry: Entry): void {
    try {
      entry(this.finish());
      for (const { address, array } of this.results)
        bytesOf(array).set(new Uint8Array(this.exports.memory.buffer, address, array.byteLength));
    } finally {
      this.release();
    }
  }

  /** Lays the arguments down and returns their address. The memory is held until `release`. */
  finish(): number {
    return this.copyIn(Float64Array.from(this.values));
  }

  release(): void {
    for (const address of this.addresses.splice(0)) this.exports.release(address);
  }

  private place(bytes: number): number {
    // As an unsigned number: addresses above 2 GiB come out negative. More bytes than addresses would wrap around.
    const address = bytes < addresses ? this.exports.allocate(bytes) >>> 0 : 0;
    if (address === 0)
      throw new TtsError('ERR_MEMORY', `WebAssembly has no ${bytes} bytes more of its 4 GiB; expected smaller arrays`);
    this.addresses.push(address);
    return address;
  }

  private copyIn(array: Numbers): number {
    const address = this.place(array.byteLength);
    // A fresh view every time: when the memory grows, older ones are void.
    new Uint8Array(this.exports.memory.buffer, address, array.byteLength).set(bytesOf(array));
    return address;
  }

  private copyOnce(array: Numbers): number {
    const places = this.placed.get(array.buffer) ?? new Map<string, number>();
    this.placed.set(array.buffer, places);
    const place = `${array.byteOffset} ${array.byteLength}`;
    const address = places.get(place) ?? this.copyIn(array);
    places.set(place, address);
    return address;
  }

  private result(address: number, array: Numbers): number {
    this.results.push({ address, array });
    return address;
  }
}

function bytesOf(array: Numbers): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
