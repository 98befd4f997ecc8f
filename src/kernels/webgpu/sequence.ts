import { TtsError } from '../../base/errors.js';
import {
  type ChunkFrames,
  chunkFrames,
  chunkGate,
  type HeardArrays,
  heardArrays,
  lanesOf,
  type RequestBatch,
  takeGate,
  takeNats,
  takeSums,
  tiledStates,
  untileStates,
} from './chunks.js';
import {
  compileConditioning,
  Conditioning,
  type ConditioningPipelines,
  type ConditioningRequest,
  type Stretch,
} from './conditioning.js';
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
} from './plan.js';
import { type ChunkField, chunkFields, networkFields, type ShaderName, shadersOf } from './shaders.js';
import {
  compile,
  DeviceBuffers,
  mostTimestamps,
  OutOfMemory,
  type Pipeline,
  type Read,
  readBuffers,
  readOffsets,
  Submission,
} from './submission.js';

/** The kernels of the GPU, in the order of `SequenceResult.seconds`. */
export const gpuParts = [
  'arrange',
  'conditioning',
  'prepare',
  'scanForward',
  'outputs',
  'scanBackward',
  'blockGradients',
  'reduce',
  'conditioningBack',
] as const;

/** One call of the kernels, its arguments checked and packed. */
export interface SequenceRequest {
  readonly sizes: NetworkSizes;
  /** Where blocks are; left out where it is that of the call before. */
  readonly structure?: PackedStructure;
  /** [blocks, 16]. */
  readonly weights: Float32Array;
  readonly batch: RequestBatch;
  /** What the gate conditioning comes from, where the batch has none; then there are gradients, but not of it. */
  readonly conditioning?: ConditioningRequest;
  /** Whether the nats of each sample are wanted. */
  readonly nll: boolean;
  readonly scale: number;
  readonly gradients: boolean;
  readonly timed: boolean;
}

export interface SequenceResult {
  /** [lanes] sums. */
  readonly nats: Float64Array;
  /** [lanes, steps], where it was asked for. */
  readonly nll?: Float32Array;
  /** [lanes, H], where the batch has one. */
  readonly state?: Float32Array;
  /** [lanes, frames, 3H]. */
  readonly gate?: Float32Array;
  /** [blocks, 16]. */
  readonly weights?: Float32Array;
  /** Of the tensors of the frame-rate network, end to end. */
  readonly tensors?: Float32Array;
  /** That each of `gpuParts` took, where it was asked for and can be told. */
  readonly seconds?: readonly number[];
}

type Pipelines = Readonly<Record<ShaderName, Pipeline>>;

/** What a loss without gradients takes. */
const lossShaders: readonly ShaderName[] = ['arrange', 'prepare', 'scanForwardLoss', 'outputsLoss', 'sumNats'];

/** What gradients take. */
const gradientShaders = ({ kept, chunks }: Plan): readonly ShaderName[] => [
  'arrange',
  'prepare',
  ...(chunks.length > 1 && !kept ? (['scanForwardLoss'] as const) : []),
  'scanForward',
  'outputs',
  'sumNats',
  'scanBackward',
  'blockGradients',
  'reduce',
];

/** What a call works with. */
interface Call {
  readonly request: SequenceRequest;
  readonly structure: PackedStructure;
  readonly plan: Plan;
  readonly pipelines: Pipelines;
  readonly conditioning: Conditioning | undefined;
  /** What it gives; the gradients of the weights come at the end. */
  readonly result: Omit<SequenceResult, 'nats' | 'weights' | 'tensors' | 'seconds'> & {
    weights?: Float32Array;
    tensors?: Float32Array;
  };
  /** [slices, lanes] nats. */
  readonly sums: Float32Array;
  readonly seconds: number[];
}

/** Takes what was read, as long as it is there. */
type Taker = (...read: Float32Array[]) => void;

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
  private conditioningPipelines: Promise<ConditioningPipelines> | undefined;
  private structure: PackedStructure | undefined;
  private readonly queries: GPUQuerySet | undefined;
  private memoryBytes: number;
  /** The work that was handed in last, and how often any was. */
  private underWay: Promise<void> = Promise.resolve();
  private turn = 0;

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
    const conditioning = await this.conditioningOf(request);
    for (;;) {
      const { members } = structure;
      const shape = { members, lanes: batch.lanes / members, steps: batch.steps, hop: batch.hop };
      const limits = { ...this.limits, memoryBytes: this.memoryBytes };
      const plan = planOf(sizes, limits, shape, gradients);
      if (!plan) throw tooLittle('one tile of a step');
      const names = gradients ? gradientShaders(plan) : lossShaders;
      const pipelines = await this.pipelines(sizes, structure.tiling, names);
      const result = {
        ...(request.nll && { nll: new Float32Array(batch.lanes * batch.steps) }),
        ...(batch.state && { state: new Float32Array(batch.state.length) }),
        ...(gradients && batch.gate && { gate: new Float32Array(batch.gate.length) }),
      };
      const sums = new Float32Array(plan.slices * batch.lanes);
      const seconds = gpuParts.map(() => 0);
      try {
        await this.watched({
          request,
          structure,
          plan,
          pipelines,
          conditioning,
          result,
          sums,
          seconds,
        });
        return { ...result, nats: totals(sums, batch.lanes), ...(timed && this.queries && { seconds }) };
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
      await this.settled();
    } finally {
      await this.settled().catch(() => {});
      fault = await this.device.popErrorScope();
    }
    if (fault) throw new Error(`the GPU refused its work: ${fault.message}`);
  }

  private async runPlan(call: Call): Promise<void> {
    const { request, plan, structure, conditioning } = call;
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
    if (conditioning) {
      conditioning.upload();
      const work = this.submission(call);
      conditioning.forward(work);
      await this.finish(call, work, [], () => {});
    }
    for (const each of plan.groups) {
      const lanes = lanesOf(each, plan, batch.lanes / structure.members);
      const group = { ...each, lanes, stateBytes: 4 * lanes.length * sizes.hidden };
      await this.runGroup(call, group);
    }
    if (gradients) {
      const reduce = this.submission(call);
      reduce.run('reduce', call.pipelines.reduce, workgroupsFor(structure.blocks * 4));
      conditioning?.back(reduce);
      const reads = [
        { name: 'gradient', bytes: 64 * structure.blocks },
        ...(conditioning ? [conditioning.gradient] : []),
      ];
      await this.finish(call, reduce, reads, (gradient, tensors?: Float32Array) => {
        call.result.weights = gradient.slice();
        if (conditioning) call.result.tensors = tensors!.slice();
      });
    }
  }

  private async runGroup(call: Call, group: Group): Promise<void> {
    const { request, plan, result } = call;
    const { batch, sizes, gradients } = request;
    const { chunks, kept } = plan;
    const { lanes, stateBytes } = group;
    // The states before each chunk and after the last one; without a way back, only those of now.
    this.buffers.write('edges', tiledStates(batch.state, lanes, sizes.hidden));
    if (plan.heardAtOnce) this.upload(heardArrays(batch, lanes, { start: 0, steps: batch.steps }, sizes.inputs - 3));
    if (gradients) {
      for (let i = 0; i + 1 < chunks.length; i++) await this.runChunk(call, group, i, kept ? 'there' : 'states');
      const clear = this.submission(call);
      clear.encoder.clearBuffer(this.buffers.get('carry'));
      await this.finish(call, clear, [], () => {});
      for (let i = chunks.length - 1; i >= 0; i--)
        await this.runChunk(call, group, i, kept && i + 1 < chunks.length ? 'back' : 'both');
    } else for (let i = 0; i < chunks.length; i++) await this.runChunk(call, group, i, 'loss');
    const { state } = result;
    if (!state) return;
    const last = { name: 'edges', offset: (gradients ? chunks.length : 0) * stateBytes, bytes: stateBytes };
    await this.finish(call, this.submission(call), [last], (states) =>
      untileStates(states, state, lanes, sizes.hidden),
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
    const { request, plan, pipelines, conditioning, result, structure } = call;
    const { batch, sizes } = request;
    const { hidden, inputs } = sizes;
    const { lanes, stateBytes } = group;
    const chunk = plan.chunks[i];
    const { steps } = chunk;
    const frames = chunkFrames(batch, chunk);
    if (what !== 'back') {
      if (!plan.heardAtOnce) this.upload(heardArrays(batch, lanes, chunk, inputs - 3));
      if (batch.gate) this.buffers.write('gate', chunkGate(batch.gate, lanes, frames, batch, hidden));
    }
    this.describe(call, group, i, frames);
    const stretch = stretchOf(call, group, frames);
    conditioning?.at(stretch);

    const own = ownBuffers(plan, i);
    const slices = Math.ceil(steps / plan.sliceSteps);
    const work = this.submission(call);
    const reads: Read[] = [];
    const takers: ((read: Float32Array) => void)[] = [];
    const take = (name: string, numbers: number, taker: (read: Float32Array) => void) => {
      reads.push({ name, bytes: 4 * numbers });
      takers.push(taker);
    };
    if (what !== 'back') {
      work.copy('edges', what === 'loss' ? 0 : i * stateBytes, own.states, 0, stateBytes);
      conditioning?.take(work, stretch);
      work.run('prepare', pipelines.prepare, [Math.ceil(lanes.length / 64), steps], own);
      const way = what === 'states' || what === 'loss' ? 'Loss' : '';
      work.run('scanForward', pipelines[`scanForward${way}`], [group.count], own);
      work.copy(own.states, steps * stateBytes, 'edges', what === 'loss' ? 0 : (i + 1) * stateBytes, stateBytes);
      if (what !== 'states') {
        work.run(
          'outputs',
          pipelines[`outputs${way}`],
          [group.count, Math.ceil(steps / structure.tiling.outputSteps), 2],
          own,
        );
        work.run('reduce', pipelines.sumNats, [Math.ceil(lanes.length / 64), slices]);
        take('natsOfSlice', lanes.length * slices, (sums) => takeSums(sums, call.sums, lanes, chunk, batch.lanes));
        const { nll } = result;
        if (nll) take('nats', 2 * lanes.length * steps, (nats) => takeNats(nats, nll, lanes, chunk, batch.steps));
      }
    }
    if (what === 'both' || what === 'back') {
      work.run('scanBackward', pipelines.scanBackward, [group.count], own);
      work.run('blockGradients', pipelines.blockGradients, [structure.parts, slices], own);
      conditioning?.give(work, stretch);
      const { gate } = result;
      if (gate)
        take('gateGradient', lanes.length * frames.frames * 3 * hidden, (read) =>
          takeGate(read, gate, lanes, frames, batch.frames, hidden),
        );
    }
    await this.finish(call, work, reads, (...read) => takers.forEach((taker, n) => taker(read[n])));
  }

  private upload({ codes, heard, lengths, cues }: HeardArrays): void {
    this.buffers.write('codes', codes);
    this.buffers.write('heard', heard);
    this.buffers.write('lengths', lengths);
    if (cues) this.buffers.write('cues', cues);
  }

  private describe({ request, plan }: Call, group: Group, i: number, { phase, frames }: ChunkFrames): void {
    const { batch, scale } = request;
    const { start, steps, firstSlice } = plan.chunks[i];
    const end = start + steps;
    const fields: Record<ChunkField, number> = {
      tiles: group.count,
      steps,
      hop: batch.hop,
      phase,
      frames,
      firstTile: group.first,
      tilesOfMember: plan.tilesOfMember,
      heardStart: plan.heardAtOnce ? start : 0,
      heardSteps: plan.heardAtOnce ? batch.steps : steps,
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

  /** The frame-rate network of a call, if it has one. */
  private async conditioningOf({ conditioning, batch, sizes }: SequenceRequest): Promise<Conditioning | undefined> {
    if (!conditioning) return undefined;
    const pipelines = await (this.conditioningPipelines ??= compileConditioning(this.device));
    const { lanes, frames } = batch;
    return new Conditioning(pipelines, this.buffers, conditioning, { hidden: sizes.hidden, lanes, frames });
  }

  private submission({ request: { timed } }: Call): Submission {
    return new Submission(this.device, this.buffers, timed ? this.queries : undefined);
  }

  /**
   * Hands work in and waits for that before it, so that the GPU has some while the next is made. Results are there after
   * `settled`.
   */
  private async finish(call: Call, work: Submission, reads: readonly Read[], take: Taker): Promise<void> {
    const before = this.underWay;
    this.underWay = work.finish(reads, take, readBuffers[this.turn++ % 2]).then((timed) => {
      for (const [name, seconds] of timed) call.seconds[gpuParts.indexOf(name as (typeof gpuParts)[number])] += seconds;
    });
    // If it fails, that is said by whoever waits for it.
    this.underWay.catch(() => {});
    await before;
  }

  private async settled(): Promise<void> {
    const last = this.underWay;
    this.underWay = Promise.resolve();
    await last;
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

/** The sums of slices [slices, lanes], in their order. */
function totals(sums: Float32Array, lanes: number): Float64Array {
  const all = new Float64Array(lanes);
  for (let i = 0; i < sums.length; i++) all[i % lanes] += sums[i];
  return all;
}

/** What the frame-rate network is to know of a chunk. */
const stretchOf = (
  { request: { batch }, structure, plan }: Call,
  { first, count }: TileGroup,
  { firstFrame, frames }: ChunkFrames,
): Stretch => ({
  tile: tileLanes,
  tiles: count,
  firstTile: first,
  tilesOfMember: plan.tilesOfMember,
  lanesOfMember: batch.lanes / structure.members,
  frames,
  firstFrame,
});

/** Bytes of every buffer that a call needs, for its largest group and chunk. */
function bytesOf({ request, structure, plan, conditioning }: Call, limits: DeviceLimits): Record<string, number> {
  const { batch, sizes, gradients, timed } = request;
  const { hidden, projection, classes, inputs } = sizes;
  const lanes = tileLanes * Math.max(...plan.groups.map(({ count }) => count));
  const steps = Math.max(...plan.chunks.map((chunk) => chunk.steps));
  const heardSteps = plan.heardAtOnce ? batch.steps : steps;
  const row = 4 * lanes;
  const frames = Math.min(batch.frames, framesOf(steps, batch.hop));
  const always = {
    structure: 4 * structure.words.length,
    weights: 64 * structure.blocks,
    arranged: 16 * structure.places.arrangedEnd,
    network: 4 * networkFields.length,
    chunk: 4 * chunkFields.length,
    codes: 2 * lanes * (heardSteps + 1) + 2,
    heard: 2 * lanes * heardSteps + 2,
    lengths: row,
    cues: row * heardSteps * (inputs - 3),
    gate: row * frames * 3 * hidden,
    inputs: row * steps * (inputs + 1),
    targets: row * steps,
    edges: row * hidden * (gradients ? plan.chunks.length + 1 : 1),
    states: row * hidden * (steps + 1),
    nats: row * steps * 2,
    natsOfSlice: row * Math.ceil(steps / plan.sliceSteps),
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
  const nats = [always.natsOfSlice, request.nll ? always.nats : 0];
  const read = [
    [always.edges],
    gradients ? [...nats, conditioning ? 0 : back.gateGradient] : nats,
    gradients ? [back.gradient, conditioning?.gradient.bytes ?? 0] : [],
  ].map((parts) => readOffsets([...parts, 8 * mostTimestamps].map((bytes) => ({ bytes }))).at(-1)!);
  const all: Record<string, number> = { ...always, ...(gradients && back), ...conditioning?.bytes };
  if (gradients)
    plan.chunks.forEach((_, i) => {
      for (const [name, own] of Object.entries(ownBuffers(plan, i))) all[own] = all[name];
    });
  for (const name of readBuffers) all[name] = Math.max(...read);
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
