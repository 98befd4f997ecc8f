import type { Shader } from './shaders.js';

/** The device has no room for what is asked. */
export class OutOfMemory extends Error {}

/** A uniform buffer may be bound at multiples of this many bytes, on any device. */
export const uniformAlignment = 256;

/** Names of the buffers that are read back: the work of one may be under way while the other is read. */
export const readBuffers: readonly string[] = ['read 0', 'read 1'];

/** Names of uniform buffers. */
const uniforms = new Set(['network', 'chunk', 'layer', 'stretch']);

/** Buffers by name, kept from call to call; one that is too small is replaced. */
export class DeviceBuffers {
  private readonly all = new Map<string, GPUBuffer>();
  /** What threads share is copied here first. */
  private own = new Uint8Array(0);

  constructor(private readonly device: GPUDevice) {}

  /** Makes sure that there are buffers of so many bytes. @throws {OutOfMemory} */
  async reserve(sizes: Readonly<Record<string, number>>): Promise<void> {
    const missing = Object.entries(sizes).filter(([name, bytes]) => bytes > (this.all.get(name)?.size ?? -1));
    if (missing.length === 0) return;
    this.device.pushErrorScope('out-of-memory');
    for (const [name, bytes] of missing) {
      this.all.get(name)?.destroy();
      const usage = readBuffers.includes(name)
        ? GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
        : uniforms.has(name)
          ? GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST
          : GPUBufferUsage.STORAGE |
            GPUBufferUsage.COPY_SRC |
            GPUBufferUsage.COPY_DST |
            (name === 'times' ? GPUBufferUsage.QUERY_RESOLVE : 0);
      this.all.set(
        name,
        this.device.createBuffer({ label: name, size: Math.max(16, Math.ceil(bytes / 16) * 16), usage }),
      );
    }
    const error = await this.device.popErrorScope();
    if (error) {
      this.free();
      throw new OutOfMemory(error.message);
    }
  }

  get(name: string): GPUBuffer {
    const buffer = this.all.get(name);
    if (!buffer) throw new RangeError(`no buffer ${name}`);
    return buffer;
  }

  /** @param at bytes into the buffer, a multiple of 4 */
  write(name: string, data: Uint16Array | Uint32Array | Float32Array, at = 0): void {
    const { buffer, byteOffset, byteLength } = data;
    if (buffer instanceof ArrayBuffer) {
      this.device.queue.writeBuffer(this.get(name), at, buffer, byteOffset, byteLength);
      return;
    }
    // Memory that threads share would end the process here.
    if (this.own.length < byteLength) this.own = new Uint8Array(byteLength);
    this.own.set(new Uint8Array(buffer, byteOffset, byteLength));
    this.device.queue.writeBuffer(this.get(name), at, this.own.buffer, 0, byteLength);
  }

  free(): void {
    for (const buffer of this.all.values()) buffer.destroy();
    this.all.clear();
  }
}

/** A shader that is ready to run. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: readonly string[];
}

/** Compiles a shader. @throws {Error} with the compiler's message */
export async function compile(device: GPUDevice, label: string, { code, bindings }: Shader): Promise<Pipeline> {
  const module = device.createShaderModule({ code, label });
  const pipeline = await device.createComputePipelineAsync({
    label,
    layout: 'auto',
    compute: { module, entryPoint: 'main' },
  });
  return { pipeline, bindings };
}

/** Bytes of a buffer that are read back. */
export interface Read {
  readonly name: string;
  readonly offset?: number;
  readonly bytes: number;
}

/** Timestamps of one submission: two for each kernel. */
export const mostTimestamps = 128;

/** Work that is handed to the device in one go. */
export class Submission {
  readonly encoder: GPUCommandEncoder;
  private readonly timed: string[] = [];

  /** @param queries where kernels are to be timed */
  constructor(
    private readonly device: GPUDevice,
    private readonly buffers: DeviceBuffers,
    private readonly queries?: GPUQuerySet,
  ) {
    this.encoder = device.createCommandEncoder();
  }

  /**
   * Runs a kernel.
   * @param other buffers that stand for names among the bindings, and where they begin
   */
  run(
    name: string,
    { pipeline, bindings }: Pipeline,
    [x, y = 1, z = 1]: readonly number[],
    other: Readonly<Record<string, string | GPUBufferBinding>> = {},
  ): void {
    const { queries, timed } = this;
    const writes = queries &&
      2 * timed.length < mostTimestamps && {
        querySet: queries,
        beginningOfPassWriteIndex: 2 * timed.length,
        endOfPassWriteIndex: 2 * timed.length + 1,
      };
    if (writes) timed.push(name);
    const pass = this.encoder.beginComputePass({ label: name, ...(writes && { timestampWrites: writes }) });
    pass.setPipeline(pipeline);
    const resource = (binding: string): GPUBufferBinding => {
      const found = other[binding] ?? binding;
      return typeof found === 'string' ? { buffer: this.buffers.get(found) } : found;
    };
    const entries = bindings.map((each, binding) => ({ binding, resource: resource(each) }));
    pass.setBindGroup(0, this.device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(x, y, z);
    pass.end();
  }

  copy(from: string, fromOffset: number, to: string, toOffset: number, bytes: number): void {
    this.encoder.copyBufferToBuffer(this.buffers.get(from), fromOffset, this.buffers.get(to), toOffset, bytes);
  }

  /**
   * Hands everything in, waits for it, and gives what was read to `take`, as long as it is there.
   * @param through the buffer that is read back, which nothing else may use until then
   * @returns names and seconds of the kernels that were timed
   */
  async finish(
    reads: readonly Read[],
    take: (...arrays: Float32Array[]) => void,
    through: string,
  ): Promise<[string, number][]> {
    const { device, encoder, queries, timed } = this;
    const times = 8 * 2 * timed.length;
    if (queries && times > 0) {
      encoder.resolveQuerySet(queries, 0, 2 * timed.length, this.buffers.get('times'), 0);
      reads = [...reads, { name: 'times', bytes: times }];
    }
    const starts = readOffsets(reads);
    reads.forEach(({ name, offset = 0, bytes }, i) => this.copy(name, offset, through, starts[i], bytes));
    device.queue.submit([encoder.finish()]);
    const total = starts[reads.length];
    if (total === 0) return [];
    const read = this.buffers.get(through);
    await read.mapAsync(GPUMapMode.READ, 0, total);
    const mapped = read.getMappedRange(0, total);
    const arrays = reads.map(({ bytes }, i) => new Float32Array(mapped, starts[i], bytes / 4));
    const stamps = timed.length > 0 ? new BigUint64Array(mapped.slice(starts[reads.length - 1], total)) : undefined;
    take(...arrays);
    read.unmap();
    return timed.map((name, i) => [name, Number(stamps![2 * i + 1] - stamps![2 * i]) * 1e-9]);
  }
}

/** Where each read lies in the buffer that is mapped, and where the last one ends. */
export function readOffsets(reads: readonly Pick<Read, 'bytes'>[]): number[] {
  const starts = [0];
  for (const { bytes } of reads) starts.push(starts[starts.length - 1] + Math.ceil(bytes / 8) * 8);
  return starts;
}
