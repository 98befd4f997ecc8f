import { TtsError } from '../../base/errors.js';
import type { SequenceBatch } from '../interface/kernels.js';
import { type ChunkArrays, chunkArrays, lanesOf, takeGate, takeNats, tiledStates, untileStates } from './chunks.js';
import type { NetworkSizes } from './layout.js';
import type { PackedStructure } from './packing.js';
import {
  type DeviceLimits,
  framesOf,
  partialBytes,
  type Plan,
  planOf,
  type TileGroup,
  tileLanes,
  type Tiling,
  tilingOf,
} from './plan.js';
import { type ChunkField, chunkFields, networkFields, type ShaderName, shadersOf } from './shaders.js';
import {
  compile,
  DeviceBuffers,
  mostTimestamps,
  OutOfMemory,
  type Pipeline,
  type Read,
  readOffsets,
  Submission,
} from './submission.js';

/** The kernels of the GPU, in the order of `SequenceResult.seconds`. */
export const gpuParts = [
  'arrange',
  'prepare',
  'scanForward',
  'outputs',
  'scanBackward',
  'blockGradients',
  'reduce',
] as const;

/** One call of the kernels, its arguments checked and packed. */
export interface SequenceRequest {
  readonly sizes: NetworkSizes;
  /** Where blocks are; left out where it is that of the call before. */
  readonly structure?: PackedStructure;
  /** [blocks, 16]. */
  readonly weights: Float32Array;
  readonly batch: Omit<SequenceBatch, 'nll' | 'profile' | 'meanwhile'>;
  readonly scale: number;
  readonly gradients: boolean;
  readonly timed: boolean;
}

export interface SequenceResult {
  /** [lanes, steps]. */
  readonly nll: Float32Array;
  /** [lanes, H], where the batch has one. */
  readonly state?: Float32Array;
  /** [lanes, frames, 3H]. */
  readonly gate?: Float32Array;
  /** [blocks, 16]. */
  readonly weights?: Float32Array;
  /** That each of `gpuParts` took, where it was asked for and can be told. */
  readonly seconds?: readonly number[];
}

type Pipelines = Readonly<Record<ShaderName, Pipeline>>;

/** What a loss without gradients takes. */
const lossShaders: readonly ShaderName[] = ['arrange', 'prepare', 'scanForwardLoss', 'outputsLoss'];

/** What gradients take. */
const gradientShaders = ({ kept, chunks }: Plan): readonly ShaderName[] => [
  'arrange',
  'prepare',
  ...(chunks.length > 1 && !kept ? (['scanForwardLoss'] as const) : []),
  'scanForward',
  'outputs',
  'scanBackward',
  'blockGradients',
  'reduce',
];

/** What a call works with. */
interface Call {
  readonly request: SequenceRequest;
  readonly structure: PackedStructure;
  readonly tiling: Tiling;
  readonly plan: Plan;
  readonly pipelines: Pipelines;
  /** What it gives; the gradients of the weights come at the end. */
  readonly result: Omit<SequenceResult, 'weights' | 'seconds'> & { weights?: Float32Array };
  readonly seconds: number[];
}

/** Some tiles of a call. */
interface Group extends TileGroup {
  /** The lane of the batch at each of their places. */
  readonly lanes: Int32Array;
  /** Bytes of their states at one moment. */
  readonly stateBytes: number;
}

/** Workgroups of one dimension. */
const mostWorkgroups = 65535;

/**
 * The sample-rate network on a GPU. Memory is kept between calls; a call that needs more than the device has is cut into
 * smaller parts, which does not change a bit of its results.
 */
export class GpuSequence {
  private readonly buffers: DeviceBuffers;
  private readonly compiled = new Map<string, Map<ShaderName, Promise<Pipeline>>>();
  private structure: PackedStructure | undefined;
  private readonly queries: GPUQuerySet | undefined;
  private memoryBytes: number;

  constructor(
    private readonly device: GPUDevice,
    private readonly limits: DeviceLimits,
    timestamps: boolean,
  ) {
    this.buffers = new DeviceBuffers(device);
    this.memoryBytes = limits.memoryBytes;
    this.queries = timestamps ? device.createQuerySet({ type: 'timestamp', count: mostTimestamps }) : undefined;
  }

  /** @throws {TtsError} ERR_MEMORY where the device is too small for the network */
  async run(request: SequenceRequest): Promise<SequenceResult> {
    const { sizes, batch, gradients, timed } = request;
    if (request.structure) this.structure = request.structure;
    const structure = this.structure!;
    const tiling = tilingOf(sizes, this.limits);
    if (!tiling) throw tooLittle('workgroup memory');
    for (;;) {
      const { members } = structure;
      const shape = { members, lanes: batch.lanes / members, steps: batch.steps, hop: batch.hop };
      const limits = { ...this.limits, memoryBytes: this.memoryBytes };
      const plan = planOf(sizes, limits, shape, gradients);
      if (!plan) throw tooLittle('one tile of a step');
      const names = gradients ? gradientShaders(plan) : lossShaders;
      const pipelines = await this.pipelines(sizes, tiling, names);
      const result = {
        nll: new Float32Array(batch.lanes * batch.steps),
        ...(batch.state && { state: new Float32Array(batch.state.length) }),
        ...(gradients && { gate: new Float32Array(batch.gate.length) }),
      };
      const seconds = gpuParts.map(() => 0);
      try {
        await this.watched({ request, structure, tiling, plan, pipelines, result, seconds });
        return { ...result, ...(timed && this.queries && { seconds }) };
      } catch (error) {
        if (!(error instanceof OutOfMemory)) throw error;
        if (this.memoryBytes < 2 ** 20) throw tooLittle(error.message);
        this.memoryBytes /= 2;
      }
    }
  }

  /** Runs a call. @throws {Error} where the device refused a part of it, which it would say nowhere else */
  private async watched(call: Call): Promise<void> {
    this.device.pushErrorScope('validation');
    let fault: GPUError | null = null;
    try {
      await this.runPlan(call);
    } finally {
      fault = await this.device.popErrorScope();
    }
    if (fault) throw new Error(`the GPU refused its work: ${fault.message}`);
  }

  private async runPlan(call: Call): Promise<void> {
    const { request, plan, structure } = call;
    const { batch, sizes, gradients, weights } = request;
    await this.buffers.reserve(bytesOf(call, this.limits));
    this.buffers.write('structure', structure.words);
    this.buffers.write('weights', weights);
    const { places, blocks } = structure;
    this.buffers.write(
      'network',
      Uint32Array.from(networkFields, (name) => (name === 'blocks' ? blocks : places[name])),
    );
    const begin = this.submission(call);
    begin.run('arrange', call.pipelines.arrange, workgroupsFor(places.arrangedEnd));
    if (gradients) begin.encoder.clearBuffer(this.buffers.get('partial'));
    await this.finish(call, begin, [], () => {});
    for (const each of plan.groups) {
      const lanes = lanesOf(each, plan, tileLanes, batch.lanes / structure.members);
      const group = { ...each, lanes, stateBytes: 4 * lanes.length * sizes.hidden };
      await this.runGroup(call, group);
    }
    if (gradients) {
      const reduce = this.submission(call);
      reduce.run('reduce', call.pipelines.reduce, workgroupsFor(structure.blocks * 4));
      await this.finish(call, reduce, [{ name: 'gradient', bytes: 64 * structure.blocks }], (gradient) => {
        call.result.weights = gradient.slice();
      });
    }
  }

  private async runGroup(call: Call, group: Group): Promise<void> {
    const { request, plan, result } = call;
    const { batch, sizes, gradients } = request;
    const { chunks, kept } = plan;
    const { lanes, stateBytes } = group;
    // The states before each chunk and after the last one; without a way back, only those of now.
    this.buffers.write('edges', tiledStates(batch.state, lanes, sizes.hidden, tileLanes));
    if (gradients) {
      for (let i = 0; i + 1 < chunks.length; i++) await this.runChunk(call, group, i, kept ? 'there' : 'states');
      const clear = this.submission(call);
      clear.encoder.clearBuffer(this.buffers.get('carry'));
      await clear.finish([], () => {});
      for (let i = chunks.length - 1; i >= 0; i--)
        await this.runChunk(call, group, i, kept && i + 1 < chunks.length ? 'back' : 'both');
    } else for (let i = 0; i < chunks.length; i++) await this.runChunk(call, group, i, 'loss');
    const { state } = result;
    if (!state) return;
    const last = { name: 'edges', offset: (gradients ? chunks.length : 0) * stateBytes, bytes: stateBytes };
    await this.finish(call, this.submission(call), [last], (states) =>
      untileStates(states, state, lanes, sizes.hidden, tileLanes),
    );
  }

  /**
   * Runs some steps of some tiles: for the states alone, with the nats, there and back, or only there and, later, back;
   * then what the way back needs is in buffers of the chunk.
   */
  private async runChunk(
    call: Call,
    group: Group,
    i: number,
    what: 'states' | 'loss' | 'there' | 'back' | 'both',
  ): Promise<void> {
    const { request, plan, tiling, pipelines, result, structure } = call;
    const { batch, sizes } = request;
    const { hidden, inputs } = sizes;
    const { lanes, stateBytes } = group;
    const chunk = plan.chunks[i];
    const arrays = chunkArrays(batch, lanes, chunk, { hidden, cues: inputs - 3 });
    this.upload(call, group, i, arrays);
    const own = ownBuffers(plan, i);

    const { steps } = chunk;
    const work = this.submission(call);
    const reads: Read[] = [];
    const takers: ((read: Float32Array) => void)[] = [];
    if (what !== 'back') {
      work.copy('edges', what === 'loss' ? 0 : i * stateBytes, own.states, 0, stateBytes);
      work.run('prepare', pipelines.prepare, [Math.ceil(lanes.length / 64), steps], own);
      const way = what === 'states' || what === 'loss' ? 'Loss' : '';
      work.run('scanForward', pipelines[`scanForward${way}`], [group.count], own);
      work.copy(own.states, steps * stateBytes, 'edges', what === 'loss' ? 0 : (i + 1) * stateBytes, stateBytes);
      if (what !== 'states') {
        work.run('outputs', pipelines[`outputs${way}`], [group.count, Math.ceil(steps / tiling.outputSteps), 2], own);
        reads.push({ name: 'nats', bytes: 8 * lanes.length * steps });
        takers.push((nats) => takeNats(nats, result.nll, lanes, chunk, batch.steps, tileLanes));
      }
    }
    if (what === 'both' || what === 'back') {
      work.run('scanBackward', pipelines.scanBackward, [group.count], own);
      const slices = Math.ceil(steps / plan.sliceSteps);
      work.run('blockGradients', pipelines.blockGradients, [structure.parts, slices], own);
      reads.push({ name: 'gateGradient', bytes: 4 * arrays.gate.length });
      takers.push((read) => takeGate(read, result.gate!, lanes, arrays, batch.frames, hidden));
    }
    await this.finish(call, work, reads, (...read) => takers.forEach((take, n) => take(read[n])));
  }

  private upload({ request, plan }: Call, group: Group, i: number, arrays: ChunkArrays): void {
    const { batch, scale } = request;
    const { start, steps, firstSlice } = plan.chunks[i];
    const { codes, heard, lengths, cues, gate, phase, frames } = arrays;
    this.buffers.write('codes', codes);
    this.buffers.write('heard', heard);
    this.buffers.write('lengths', lengths);
    if (cues) this.buffers.write('cues', cues);
    this.buffers.write('gate', gate);
    const end = start + steps;
    const fields: Record<ChunkField, number> = {
      tiles: group.count,
      steps,
      hop: batch.hop,
      phase,
      frames,
      firstTile: group.first,
      tilesOfMember: plan.tilesOfMember,
      sliceSteps: plan.sliceSteps,
      firstSlice,
      slices: plan.slices,
      resumes: end < batch.steps && (batch.phase + end) % batch.hop !== 0 ? 1 : 0,
      scale,
    };
    const words = Uint32Array.from(chunkFields, (name) => fields[name]);
    new Float32Array(words.buffer)[chunkFields.indexOf('scale')] = scale;
    this.buffers.write('chunk', words);
  }

  private submission({ request: { timed } }: Call): Submission {
    return new Submission(this.device, this.buffers, timed ? this.queries : undefined);
  }

  private async finish(call: Call, work: Submission, ...rest: Parameters<Submission['finish']>): Promise<void> {
    for (const [name, seconds] of await work.finish(...rest))
      call.seconds[gpuParts.indexOf(name as (typeof gpuParts)[number])] += seconds;
  }

  /** The shaders of a network that a call needs; each is compiled once. */
  private async pipelines(sizes: NetworkSizes, tiling: Tiling, names: readonly ShaderName[]): Promise<Pipelines> {
    const key = JSON.stringify(sizes);
    const compiled = this.compiled.get(key) ?? new Map<ShaderName, Promise<Pipeline>>();
    this.compiled.set(key, compiled);
    const shaders = shadersOf(sizes, tiling);
    for (const name of names) if (!compiled.has(name)) compiled.set(name, compile(this.device, name, shaders[name]));
    const ready = await Promise.all(names.map(async (name) => [name, await compiled.get(name)!] as const));
    return Object.fromEntries(ready) as Record<ShaderName, Pipeline>;
  }
}

const tooLittle = (what: string): TtsError =>
  new TtsError('ERR_MEMORY', `the GPU has too little memory (${what}); expected a smaller network, or other kernels`);

/** Bytes of every buffer that a call needs, for its largest group and chunk. */
function bytesOf({ request, structure, plan }: Call, limits: DeviceLimits): Record<string, number> {
  const { batch, sizes, gradients, timed } = request;
  const { hidden, projection, classes, inputs } = sizes;
  const lanes = tileLanes * Math.max(...plan.groups.map(({ count }) => count));
  const steps = Math.max(...plan.chunks.map((chunk) => chunk.steps));
  const row = 4 * lanes;
  const frames = Math.min(batch.frames, framesOf(steps, batch.hop));
  const always = {
    structure: 4 * structure.words.length,
    weights: 64 * structure.blocks,
    arranged: 16 * structure.places.arrangedEnd,
    network: 4 * networkFields.length,
    chunk: 4 * chunkFields.length,
    codes: 2 * lanes * (steps + 1) + 2,
    heard: 2 * lanes * steps + 2,
    lengths: row,
    cues: row * steps * (inputs - 3),
    gate: row * frames * 3 * hidden,
    inputs: row * steps * (inputs + 1),
    targets: row * steps,
    edges: row * hidden * (gradients ? plan.chunks.length + 1 : 1),
    states: row * hidden * (steps + 1),
    nats: row * steps * 2,
    ...(timed && { times: 8 * mostTimestamps }),
  };
  const back = {
    gates: row * steps * 2 * hidden,
    candidates: row * steps * 2 * hidden,
    hidden: row * steps * 2 * projection,
    errors: row * steps * 2 * (projection + classes),
    stateErrors: row * steps * hidden,
    gateGradient: row * frames * 3 * hidden,
    carry: row * 4 * hidden,
    partial: partialBytes(structure.blocks, plan.slices),
    gradient: 64 * structure.blocks,
  };
  const read = [always.edges, gradients ? Math.max(always.nats + back.gateGradient, back.gradient) : always.nats].map(
    (bytes) => readOffsets([{ bytes }, { bytes: 8 }, { bytes: 8 * mostTimestamps }])[3],
  );
  const all: Record<string, number> = { ...always, ...(gradients && back), read: Math.max(...read) };
  if (gradients)
    plan.chunks.forEach((_, i) => {
      for (const [name, own] of Object.entries(ownBuffers(plan, i))) all[own] = all[name];
    });
  for (const [name, bytes] of Object.entries(all))
    if (bytes > limits.bufferBytes) throw tooLittle(`${name} needs ${bytes} bytes, a buffer has ${limits.bufferBytes}`);
  return all;
}

/** What the way back needs of each chunk. */
const keptBuffers = ['inputs', 'states', 'gates', 'candidates', 'hidden', 'errors', 'stateErrors'] as const;

/** Names of those of a chunk: where all are kept, the last one has the plain ones. */
function ownBuffers({ kept, chunks }: Plan, i: number): Record<(typeof keptBuffers)[number], string> {
  const suffix = kept && i + 1 < chunks.length ? ` ${i}` : '';
  return Object.fromEntries(keptBuffers.map((name) => [name, name + suffix])) as ReturnType<typeof ownBuffers>;
}

/** Workgroups of 64 threads for so many, in two dimensions. */
function workgroupsFor(threads: number): [number, number] {
  const workgroups = Math.max(1, Math.ceil(threads / 64));
  const x = Math.min(workgroups, mostWorkgroups);
  return [x, Math.ceil(workgroups / x)];
}
