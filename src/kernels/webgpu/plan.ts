import { layoutOf, type NetworkSizes, stripRows } from './layout.js';
import { bandTiles, mostPartThreads, stripsThatFit } from './products.js';
import { backwardSlices, forwardSlices, sliceThreads } from './slices.js';

/** What a device can do, as far as it matters here. */
export interface DeviceLimits {
  /** Bytes of one buffer. */
  readonly bufferBytes: number;
  /** Bytes of all buffers together. */
  readonly memoryBytes: number;
  /** Bytes that a workgroup shares. */
  readonly workgroupBytes: number;
  /** Threads of a workgroup. */
  readonly invocations: number;
}

/** Bytes of four float32. */
export const vectorBytes = 16;

/** Lanes of a tile: the scans of a tile are done by one workgroup, from the first step to the last. */
export const tileLanes = 4;

/** How the shaders of a network are made for a device. */
export interface Tiling {
  /** Threads of the scan forwards, and how many times four rows each of them has. */
  readonly forwardThreads: number;
  readonly forwardItems: number;
  /** Units whose gates are in workgroup memory at a time. */
  readonly forwardUnits: number;
  /** Threads of the scan back, how many units each has, and how many gates' errors are in workgroup memory at a time. */
  readonly backwardThreads: number;
  readonly backwardItems: number;
  readonly backwardGates: 1 | 3;
  /** Steps of a tile that a workgroup of the outputs takes: 1, 2, 4 or 8. */
  readonly outputSteps: number;
  /** Threads of a part of the products for gradients, its rows of blocks, and how many positions it reads at a time. */
  readonly productThreads: number;
  readonly productStrips: number;
  readonly productPositions: number;
}

/** Workgroup memory for one step of four lanes in the outputs: half a state, both layers. */
const outputBytes = ({ hidden, projection, classes }: NetworkSizes): number =>
  (Math.max(hidden / 2, 2 * softmaxParts) + projection + classes) * vectorBytes;

/** Threads that share the classes of a softmax. */
export const softmaxParts = 16;

/** Threads of a workgroup of the outputs: enough for softmaxes of eight vectors of lanes. */
export const outputThreads = 128;

/** Rows of blocks with which a part of the products has enough to do. */
const fewStrips = 16;

/** Threads of the scans, at most: more have too few registers. */
const mostThreads = { forward: 768, backward: 512 };

/** The rounds in which at most so many threads take so many slices of them, and the threads that it takes. */
function roundsOf(slices: number, most: number): { readonly items: number; readonly threads: number } {
  const items = Math.ceil((slices * sliceThreads) / most);
  return { items, threads: Math.ceil(slices / items) * sliceThreads };
}

/**
 * The tiling of a network, or undefined where the device has too little workgroup memory for it: the scans keep the
 * state of a tile there.
 */
export function tilingOf(sizes: NetworkSizes, { workgroupBytes, invocations }: DeviceLimits): Tiling | undefined {
  const { hidden } = sizes;
  const vectors = workgroupBytes / vectorBytes;
  const productPositions = [4, 2].find((each) => stripsThatFit(sizes, vectors / each) >= fewStrips) ?? 1;
  const productStrips = stripsThatFit(sizes, vectors / productPositions);
  const forwardUnits = Array.from({ length: hidden / stripRows }, (_, i) => hidden - i * stripRows).find(
    (units) => hidden % units === 0 && (hidden + units) * vectorBytes <= workgroupBytes,
  );
  if (forwardUnits === undefined || outputBytes(sizes) > workgroupBytes || productStrips < 1) return undefined;
  const forward = roundsOf(forwardSlices((3 * hidden) / stripRows), Math.min(invocations, mostThreads.forward));
  const backward = roundsOf(backwardSlices(hidden), Math.min(invocations, mostThreads.backward));
  return {
    forwardThreads: forward.threads,
    forwardItems: forward.items,
    forwardUnits,
    backwardThreads: backward.threads,
    backwardItems: backward.items,
    backwardGates: 3 * hidden * vectorBytes <= workgroupBytes ? 3 : 1,
    outputSteps: [8, 4, 2, 1].find((steps) => steps * outputBytes(sizes) <= workgroupBytes)!,
    productThreads: Math.min(mostPartThreads, invocations, Math.max(64, 2 * hidden)),
    productStrips,
    productPositions,
  };
}

/** Some tiles that are in the device's memory at the same time. */
export interface TileGroup {
  readonly first: number;
  readonly count: number;
}

/** Some steps that are in the device's memory at the same time. */
export interface StepChunk {
  readonly start: number;
  readonly steps: number;
  readonly firstSlice: number;
}

/**
 * How a call is cut to fit. Gradients of weights are summed by slices of time, within a slice band by band (see
 * products.ts), and at the end over the slices; groups and chunks are made of whole bands and slices. So the bits of the
 * sums do not depend on them.
 */
export interface Plan {
  /** Tiles of a member; its last one may hold lanes that do not count. */
  readonly tilesOfMember: number;
  readonly sliceSteps: number;
  readonly slices: number;
  readonly groups: readonly TileGroup[];
  /** In order of time. */
  readonly chunks: readonly StepChunk[];
  /** Whether what the way back needs of all chunks is kept. If not, the states are computed twice. */
  readonly kept: boolean;
  /** Whether what is heard in all steps is in memory at once; if not, that of a chunk at a time. */
  readonly heardAtOnce: boolean;
}

/** Slices of time, where memory allows: as many workgroups share the gradients of a row of blocks. */
const mostSlices = 64;

/** Workgroups of one dimension. */
const mostWorkgroups = 65535;

/** Tiles that keep a large device busy: before groups have fewer, the steps are cut. */
const manyTiles = 256;

/** Frames of so many steps, wherever in a frame they begin. */
export const framesOf = (steps: number, hop: number): number => Math.ceil((steps + hop - 1) / hop);

/** Float32 numbers that a lane needs for so many steps: in the largest array, and in all of them together. */
export function laneNumbers(
  { hidden, projection, classes, inputs }: NetworkSizes,
  hop: number,
  gradients: boolean,
): (steps: number) => { readonly largest: number; readonly all: number } {
  return (steps) => {
    const gate = framesOf(steps, hop) * 3 * hidden;
    const nats = 2 * steps;
    const errors = 2 * (projection + classes) * steps;
    const states = (steps + 1) * hidden;
    const always = gate + states + nats + (inputs + 5) * steps;
    if (!gradients) return { largest: Math.max(gate, states, nats), all: always };
    return {
      largest: Math.max(nats + gate, states, 2 * hidden * steps, errors),
      all: always + gate + 5 * hidden * steps + errors + 2 * projection * steps,
    };
  };
}

/** Slices of time that the partial gradients of weights have room for: a function of network and device alone. */
export function slicesOf(sizes: NetworkSizes, { bufferBytes }: DeviceLimits): number {
  const weights = layoutOf(sizes).shapes.reduce((sum, [rows, columns]) => sum + rows * columns, 0);
  return Math.max(1, Math.min(mostSlices, Math.floor(bufferBytes / (4 * weights))));
}

/**
 * @param lanes of each member
 * @param memoryBytes for what is kept of each step
 * @returns undefined where not even one tile of one slice fits
 */
export function planOf(
  sizes: NetworkSizes,
  limits: DeviceLimits,
  {
    members,
    lanes,
    steps,
    hop,
  }: { readonly members: number; readonly lanes: number; readonly steps: number; readonly hop: number },
  gradients: boolean,
): Plan | undefined {
  const numbers = laneNumbers(sizes, hop, gradients);
  /** Tiles that fit with so many steps each. */
  const tilesWith = (some: number, memoryBytes = limits.memoryBytes): number => {
    const { largest, all } = numbers(some);
    return Math.floor(Math.min(limits.bufferBytes / largest, memoryBytes / all) / (4 * tileLanes));
  };
  /** Steps that fit with so many tiles. */
  const stepsWith = (some: number, memoryBytes = limits.memoryBytes): number => {
    let [fit, tooMany] = [0, Math.min(steps, mostWorkgroups) + 1];
    while (tooMany - fit > 1) {
      const middle = Math.floor((fit + tooMany) / 2);
      if (tilesWith(middle, memoryBytes) >= some) fit = middle;
      else tooMany = middle;
    }
    return fit;
  };
  const longest = stepsWith(1);
  if (longest < 1) return undefined;
  const sliceSteps = Math.min(Math.ceil(steps / slicesOf(sizes, limits)), longest);
  const tilesOfMember = Math.ceil(lanes / tileLanes);
  const tiles = members * tilesOfMember;

  let together = longest < steps ? 0 : tilesWith(steps);
  let chunkSteps = steps;
  // Where only single buffers are too small, every chunk has buffers of its own.
  const room = Math.min(Math.floor(limits.memoryBytes / (4 * tileLanes * numbers(steps).all)), mostWorkgroups);
  const fitting = stepsWith(tiles, Infinity);
  const keptSteps = fitting < steps ? Math.floor(fitting / sliceSteps) * sliceSteps : steps;
  const kept = gradients && room >= tiles && keptSteps > 0;
  if (kept) [together, chunkSteps] = [tiles, keptSteps];
  else if (together < Math.min(tiles, manyTiles)) {
    together = Math.min(tiles, manyTiles, tilesWith(sliceSteps));
    chunkSteps = Math.max(1, Math.floor(stepsWith(together) / sliceSteps)) * sliceSteps;
  }
  const groups = groupsOf(members, tilesOfMember, Math.min(together, mostWorkgroups));
  const chunkCount = Math.ceil(steps / chunkSteps);
  const perChunk = Math.ceil(Math.ceil(steps / chunkCount) / sliceSteps) * sliceSteps;
  const mostTiles = Math.max(...groups.map(({ count }) => count));
  const heardBytes = 4 * (steps + 1) * Math.max(1, sizes.inputs - 3) * tileLanes * mostTiles;
  return {
    heardAtOnce: heardBytes <= Math.min(limits.bufferBytes, limits.memoryBytes / 4),
    tilesOfMember,
    kept,
    sliceSteps,
    slices: Math.ceil(steps / sliceSteps),
    groups,
    chunks: parts(steps, perChunk).map(([start, count]) => ({
      start,
      steps: count,
      firstSlice: start / sliceSteps,
    })),
  };
}

/** Groups of at most so many tiles: of whole members, or else of whole bands of one, where so many fit. */
function groupsOf(members: number, tilesOfMember: number, most: number): TileGroup[] {
  const tiles = members * tilesOfMember;
  const group = ([first, count]: [number, number]): TileGroup => ({ first, count });
  if (most >= tilesOfMember) return parts(tiles, Math.floor(most / tilesOfMember) * tilesOfMember).map(group);
  const perGroup = most >= bandTiles ? Math.floor(most / bandTiles) * bandTiles : most;
  return Array.from({ length: members }, (_, m) =>
    parts(tilesOfMember, perGroup).map(([first, count]) => ({ first: m * tilesOfMember + first, count })),
  ).flat();
}

/** Bytes of the partial gradients of so many blocks. */
export const partialBytes = (blocks: number, slices: number): number => 4 * blocks * stripRows * slices;

/** So many things in parts of `size`, the last one what is left: first and count of each. */
const parts = (total: number, size: number): [number, number][] =>
  Array.from({ length: Math.ceil(total / size) }, (_, i) => [i * size, Math.min(size, total - i * size)]);
