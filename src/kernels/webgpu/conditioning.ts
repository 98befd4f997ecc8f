import { type ConditioningLayer, conditioningLayers, type ConditioningNetwork } from '../interface/conditioning.js';
import {
  type ConditioningShader,
  conditioningShaders,
  type LayerField,
  layerFields,
  productSide,
  type StretchField,
  stretchFields,
} from './conditioning_shaders.js';
import { compile, type DeviceBuffers, type Pipeline, type Submission, uniformAlignment } from './submission.js';

/** The frame-rate network of a call, its arguments checked. */
export interface ConditioningRequest extends ConditioningNetwork {
  /** [lanes, rows, bins]. */
  readonly features: Float32Array;
  readonly rows: number;
  readonly first: number;
}

/** What else its sizes follow from. */
export interface ConditioningShape {
  readonly hidden: number;
  /** Of the batch, as its gate conditioning would have them. */
  readonly lanes: number;
  readonly frames: number;
}

/** A layer in the memory of the device. */
interface DeviceLayer extends ConditioningLayer {
  readonly framesIn: number;
  readonly framesOut: number;
  /** First number of its kernel in `tensors`. */
  readonly kernel: number;
  /** Buffers of what goes in and comes out; those of their gradients have names that end in `Gradient`. */
  readonly source: string;
  readonly result: string;
  /** Of a narrow convolution, what went into the residual block; of a wide one, what comes out of it. */
  readonly blockInput?: string;
  readonly blockResult?: string;
  /** The long sum of the gradients of its weights is cut into so many. */
  readonly sliceRows: number;
  readonly slices: number;
}

/** Workgroups that keep a large device busy. */
const manyWorkgroups = 512;
/** Rows below which a slice does not pay. */
const leastSliceRows = 128;
/** Workgroups of one dimension. */
const mostWorkgroups = 65535;

type Sizes = Omit<ConditioningRequest, 'tensors' | 'features'>;

function layersOf(sizes: Sizes, { hidden, lanes }: ConditioningShape): DeviceLayer[] {
  const layers = conditioningLayers(sizes, hidden);
  const last = layers.length - 1;
  const outputOf = (i: number) => (i < last ? `layer${i}` : sizes.vectors > 1 ? 'perFrame' : 'laneGate');
  let frames = sizes.rows;
  let kernel = 0;
  return layers.map((layer, i) => {
    const { taps, inputs, outputs } = layer;
    const framesIn = frames;
    const framesOut = (frames -= taps - 1);
    const tiles = Math.ceil((taps * inputs + 1) / productSide) * Math.ceil(outputs / productSide);
    const rows = lanes * framesOut;
    // A function of the sizes alone, and so are the bits of the sums.
    const wanted = Math.max(1, Math.min(Math.ceil(manyWorkgroups / tiles), Math.ceil(rows / leastSliceRows)));
    const sliceRows = Math.ceil(rows / wanted);
    const own = {
      ...layer,
      framesIn,
      framesOut,
      kernel,
      source: i === 0 ? 'features' : outputOf(i - 1),
      result: outputOf(i),
      ...(i > 0 && i < last && (i % 2 === 1 ? { blockResult: outputOf(i + 1) } : { blockInput: outputOf(i - 2) })),
      sliceRows,
      slices: Math.ceil(rows / sliceRows),
    };
    kernel += (taps * inputs + 1) * outputs;
    return own;
  });
}

/** Bytes of every buffer that the frame-rate network of a call needs. */
export function conditioningBytes(sizes: Sizes, shape: ConditioningShape): Record<string, number> {
  const { hidden, lanes, frames } = shape;
  const layers = layersOf(sizes, shape);
  const weights = layers.map(({ taps, inputs, outputs }) => (taps * inputs + 1) * outputs);
  const all = 4 * weights.reduce((sum, count) => sum + count, 0);
  const gate = 4 * lanes * frames * 3 * hidden;
  return {
    layer: uniformAlignment * layers.length,
    stretch: 4 * stretchFields.length,
    features: 4 * lanes * sizes.rows * sizes.bins,
    tensors: all,
    tensorsGradient: all,
    layerPartial: 4 * Math.max(...layers.map(({ slices }, i) => slices * weights[i])),
    ...Object.fromEntries(
      layers.flatMap(({ result, framesOut, outputs }) => {
        const bytes = 4 * lanes * framesOut * outputs;
        return [
          [result, bytes],
          [`${result}Gradient`, bytes],
        ];
      }),
    ),
    laneGate: gate,
    laneGateGradient: gate,
  };
}

/** Whether all rows of a layer can be worked on in one go. */
export const conditioningFits = (sizes: Sizes, { lanes }: ConditioningShape): boolean =>
  lanes * sizes.rows <= mostWorkgroups * productSide;

export type ConditioningPipelines = Readonly<Record<ConditioningShader, Pipeline>>;

/** Compiles the shaders, which serve networks of all sizes. */
export async function compileConditioning(device: GPUDevice): Promise<ConditioningPipelines> {
  const names = Object.keys(conditioningShaders) as ConditioningShader[];
  const ready = await Promise.all(
    names.map(async (name) => [name, await compile(device, name, conditioningShaders[name])] as const),
  );
  return Object.fromEntries(ready) as Record<ConditioningShader, Pipeline>;
}

/** Which places and frames of the batch a chunk is about. */
export type Stretch = Pick<
  Record<StretchField, number>,
  'tile' | 'tiles' | 'firstTile' | 'tilesOfMember' | 'lanesOfMember' | 'frames' | 'firstFrame'
>;

/**
 * The frame-rate network of one call, for all its lanes at once: before the first chunk of the sample-rate network the gate
 * conditioning, `laneGate` [lanes, frames, 3H], after the last one all gradients from `laneGateGradient`.
 */
export class Conditioning {
  private readonly layers: readonly DeviceLayer[];

  constructor(
    private readonly pipelines: ConditioningPipelines,
    private readonly buffers: DeviceBuffers,
    private readonly request: ConditioningRequest,
    private readonly shape: ConditioningShape,
  ) {
    this.layers = layersOf(request, shape);
  }

  get bytes(): Record<string, number> {
    return conditioningBytes(this.request, this.shape);
  }

  /** What is read in the end: the gradients of all tensors, end to end. */
  get gradient(): { readonly name: string; readonly bytes: number } {
    return { name: 'tensorsGradient', bytes: this.bytes.tensorsGradient };
  }

  upload(): void {
    const { buffers, layers, request } = this;
    const words = uniformAlignment / 4;
    const fields = new Uint32Array(layers.length * words);
    layers.forEach((layer, i) => {
      const own: Record<LayerField, number> = {
        ...layer,
        lanes: this.shape.lanes,
        rectified: i > 0 ? 1 : 0,
        skips: layer.blockInput === undefined ? 0 : 1,
        skipsBack: layer.blockResult === undefined ? 0 : 1,
      };
      fields.set(
        layerFields.map((name) => own[name]),
        i * words,
      );
    });
    buffers.write('layer', fields);
    let at = 0;
    for (const tensor of request.tensors)
      buffers.write('tensors', tensor, (at += tensor.byteLength) - tensor.byteLength);
    buffers.write('features', request.features);
    // What is about all lanes does not look at a chunk.
    this.at({ tile: 0, tiles: 0, firstTile: 0, tilesOfMember: 0, lanesOfMember: 0, frames: 0, firstFrame: 0 });
  }

  /** Says which chunk `take` and `give` are about; of each submission one. */
  at(stretch: Stretch): void {
    const { request, shape, layers } = this;
    const own: Record<StretchField, number> = {
      ...stretch,
      framesOfBatch: shape.frames,
      width: 3 * shape.hidden,
      lanes: shape.lanes,
      vectors: request.vectors,
      firstVector: request.first,
      perFrame: layers[layers.length - 1].framesOut,
      unused1: 0,
      unused2: 0,
      unused3: 0,
    };
    this.buffers.write(
      'stretch',
      Uint32Array.from(stretchFields, (name) => own[name]),
    );
  }

  forward(work: Submission): void {
    const { pipelines, layers, request, shape } = this;
    layers.forEach((layer, i) => {
      const { source, result, blockInput = source, framesOut, outputs } = layer;
      const grid = this.grid(outputs, framesOut);
      work.run('conditioning', pipelines.layerForward, grid, { ...this.layer(i), source, skip: blockInput, result });
    });
    if (request.vectors > 1)
      work.run('conditioning', pipelines.interpolate, this.rows(shape.lanes * shape.frames), {
        source: 'perFrame',
        result: 'laneGate',
      });
  }

  /** Copies the gate conditioning of a chunk to where its lanes are in tiles. */
  take(work: Submission, { tiles, tile, frames }: Stretch): void {
    work.run('conditioning', this.pipelines.takeGate, this.rows(tiles * tile * frames));
  }

  /** Copies its gradients back. A frame that goes on in the chunk after it holds that one's sum too: it is given later. */
  give(work: Submission, { tiles, tile, frames }: Stretch): void {
    work.run('conditioningBack', this.pipelines.giveGate, this.rows(tiles * tile * frames));
  }

  back(work: Submission): void {
    const { pipelines, layers, request, shape } = this;
    const run = (name: ConditioningShader, grid: number[], bindings: Parameters<Submission['run']>[3]) =>
      work.run('conditioningBack', pipelines[name], grid, bindings);
    if (request.vectors > 1) {
      const { framesOut } = layers[layers.length - 1];
      const bindings = { errors: 'laneGateGradient', result: 'perFrameGradient' };
      run('interpolateBack', this.rows(shape.lanes * framesOut), bindings);
    }
    for (let i = layers.length - 1; i >= 0; i--) {
      const layer = this.layer(i);
      const { source, result, blockResult, taps, inputs, outputs, framesIn, slices } = layers[i];
      const errors = `${result}Gradient`;
      const weights = (taps * inputs + 1) * outputs;
      const partial = 'layerPartial';
      const [x, y] = [outputs, taps * inputs + 1].map((side) => Math.ceil(side / productSide));
      run('layerWeights', [x, y, slices], { ...layer, source, errors, partial });
      run('layerSum', [Math.min(Math.ceil(weights / 64), mostWorkgroups)], {
        ...layer,
        partial,
        gradient: 'tensorsGradient',
      });
      if (i === 0) return;
      const skip = blockResult === undefined ? errors : `${blockResult}Gradient`;
      run('layerBack', this.grid(inputs, framesIn), { ...layer, source, errors, skip, result: `${source}Gradient` });
    }
  }

  /** The words of a layer. */
  private layer(i: number): { readonly layer: GPUBufferBinding } {
    return {
      layer: { buffer: this.buffers.get('layer'), offset: i * uniformAlignment, size: 4 * layerFields.length },
    };
  }

  /** Workgroups of a product of so many columns, with a row for each frame of each lane. */
  private grid(columns: number, frames: number): number[] {
    return [Math.ceil(columns / productSide), Math.ceil((this.shape.lanes * frames) / productSide)];
  }

  /** Workgroups that go over rows of 3H numbers. */
  private rows(count: number): number[] {
    return [Math.ceil((3 * this.shape.hidden) / 64), Math.min(count, mostWorkgroups)];
  }
}
