import { type Shader, shader, struct } from './shaders.js';

// The shaders of the frame-rate network. Unlike those of the sample-rate network they are the same for all sizes. A layer is
// a product of matrices: what it makes of a frame of a lane is made of `taps` frames of that lane, which lie end to end
// in memory. Activations are [lanes][frames][width]; the kernel of a layer, [taps · inputs][outputs], lies before its bias.
//
// As in shaders.ts, every variable that is declared in a loop is given a value.

/** The words of the uniform buffer `layer`. */
export const layerFields = [
  'lanes',
  'framesIn',
  'framesOut',
  'taps',
  'inputs',
  'outputs',
  'kernel',
  'rectified',
  'skips',
  'skipsBack',
  'sliceRows',
  'slices',
] as const;
export type LayerField = (typeof layerFields)[number];

/** The words of the uniform buffer `stretch`: which places and frames a chunk is about, and how vectors are interpolated. */
export const stretchFields = [
  'tile',
  'tiles',
  'firstTile',
  'tilesOfMember',
  'lanesOfMember',
  'frames',
  'firstFrame',
  'framesOfBatch',
  'width',
  'lanes',
  'vectors',
  'firstVector',
  'perFrame',
  'unused1',
  'unused2',
  'unused3',
] as const;
export type StretchField = (typeof stretchFields)[number];

/** Rows and columns of a product that a workgroup makes. */
export const productSide = 64;
/** Of the long side of both factors, so many numbers are in workgroup memory at a time. */
const depth = 16;
/** Vectors between two of them: one more than there are, so that threads write to different banks. */
const stride = productSide / 4 + 1;

/**
 * A product of matrices by workgroups of 256 threads, each of which makes four rows of four columns. `code` has functions:
 * of the rows of the left factor and the columns of the right one `leftOf` and `rightOf`, what there is to know of it;
 * `left` and `right`, its number at a depth below the end; `depths`, where the sum begins and ends; `store`.
 * @param along the factors that lie along the depth in memory: threads side by side read what lies side by side
 */
function product(
  along: { readonly left: boolean; readonly right: boolean },
  buffers: Parameters<typeof shader>[0],
  code: string,
): Shader {
  const places = (name: 'left' | 'right') => `
  let ${name}Depth = tid ${along[name] ? '%' : '/'} 16u; let ${name}Quad = tid ${along[name] ? '/' : '%'} 16u;
  let ${name}First = wid.${name === 'left' ? 'y' : 'x'} * ${productSide}u + ${name}Quad * 4u;
  ${[0, 1, 2, 3].map((i) => `let ${name}${i} = ${name}Of(${name}First + ${i}u);`).join(' ')}`;
  const read = (name: 'left' | 'right', k: string) =>
    `select(vec4f(0.0), vec4f(${[0, 1, 2, 3].map((i) => `${name}(${name}${i}, ${k})`).join(', ')}), ${k} < range.y)`;
  return shader(
    [['layer', 'Layer', 'uniform'], ...buffers],
    `${struct('Layer', layerFields)}
var<workgroup> lefts: array<vec4f, ${depth * stride}>;
var<workgroup> rights: array<vec4f, ${depth * stride}>;
${code}
@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) tid: u32, @builtin(workgroup_id) wid: vec3u) {
  let range = depths(wid.z);
  ${places('left')}
  ${places('right')}
  var sums = array<vec4f, 4>();
  // What comes next is read while the threads compute.
  var nextLeft = ${read('left', '(range.x + leftDepth)')};
  var nextRight = ${read('right', '(range.x + rightDepth)')};
  for (var k = range.x; k < range.y; k += ${depth}u) {
    workgroupBarrier();
    lefts[leftDepth * ${stride}u + leftQuad] = nextLeft;
    rights[rightDepth * ${stride}u + rightQuad] = nextRight;
    workgroupBarrier();
    nextLeft = ${read('left', `(k + ${depth}u + leftDepth)`)};
    nextRight = ${read('right', `(k + ${depth}u + rightDepth)`)};
    for (var i = 0u; i < ${depth}u; i++) {
      let a = lefts[i * ${stride}u + tid / 16u]; let b = rights[i * ${stride}u + tid % 16u];
      ${[0, 1, 2, 3].map((j) => `sums[${j}] = fma(vec4f(a[${j}]), b, sums[${j}]);`).join(' ')}
    }
  }
  let row = wid.y * ${productSide}u + tid / 16u * 4u; let column = wid.x * ${productSide}u + tid % 16u * 4u;
  ${[0, 1, 2, 3].flatMap((j) => [0, 1, 2, 3].map((l) => `store(row + ${j}u, column + ${l}u, wid.z, sums[${j}][${l}]);`)).join('\n  ')}
}`,
  );
}

const f32 = (name: string, access: 'read' | 'write') => [name, 'f32', access] as const;

/** The first number of the frames that a frame of a layer's output is made of; one past all frames is made of the last. */
const sourceOf = `
fn sourceOf(row: u32) -> u32 {
  let last = min(row, layer.lanes * layer.framesOut - 1u);
  return (last / layer.framesOut * layer.framesIn + last % layer.framesOut) * layer.inputs;
}
fn heard(i: u32) -> f32 { return select(source[i], max(0.0, source[i]), layer.rectified == 1u); }`;

/**
 * A layer: `target` [lanes][framesOut][outputs] of `source` [lanes][framesIn][inputs], which may be rectified before;
 * with `skips` what went into the residual block is added, `skip` [lanes][framesOut + 2][outputs].
 */
const layerForward = product(
  { left: true, right: false },
  [f32('tensors', 'read'), f32('source', 'read'), f32('skip', 'read'), f32('result', 'write')],
  `${sourceOf}
fn depths(slice: u32) -> vec2u { return vec2u(0u, layer.taps * layer.inputs); }
fn leftOf(row: u32) -> u32 { return sourceOf(row); }
fn left(at: u32, k: u32) -> f32 { return heard(at + k); }
fn rightOf(column: u32) -> u32 { return layer.kernel + min(column, layer.outputs - 1u); }
fn right(at: u32, k: u32) -> f32 { return tensors[at + k * layer.outputs]; }
fn store(row: u32, column: u32, slice: u32, sum: f32) {
  if (row >= layer.lanes * layer.framesOut || column >= layer.outputs) { return; }
  var value = sum + tensors[layer.kernel + layer.taps * layer.inputs * layer.outputs + column];
  if (layer.skips == 1u) {
    let lane = row / layer.framesOut;
    value += skip[(row + 2u * lane + 1u) * layer.outputs + column];
  }
  result[row * layer.outputs + column] = value;
}`,
);

/**
 * The gradient of what goes into a layer, `result` [lanes][framesIn][inputs], from that of its output, `errors`
 * [lanes][framesOut][outputs]. What was rectified, `source`, passes nothing back where it was not above zero; with `skipsBack`
 * the gradient of the output of the residual block is added, `skip` [lanes][framesIn - 2][inputs].
 */
const layerBack = product(
  { left: true, right: true },
  [f32('tensors', 'read'), f32('errors', 'read'), f32('source', 'read'), f32('skip', 'read'), f32('result', 'write')],
  `
fn depths(slice: u32) -> vec2u { return vec2u(0u, layer.taps * layer.outputs); }
fn leftOf(row: u32) -> vec2u {
  let last = min(row, layer.lanes * layer.framesIn - 1u);
  return vec2u(last / layer.framesIn * layer.framesOut, last % layer.framesIn);
}
fn left(at: vec2u, k: u32) -> f32 {
  let tap = k / layer.outputs;
  // Before the first frame the difference is a large number.
  let frame = at.y - tap;
  return select(0.0, errors[(at.x + min(frame, layer.framesOut - 1u)) * layer.outputs + k % layer.outputs], frame < layer.framesOut);
}
fn rightOf(column: u32) -> u32 { return min(column, layer.inputs - 1u); }
fn right(column: u32, k: u32) -> f32 {
  return tensors[layer.kernel + (k / layer.outputs * layer.inputs + column) * layer.outputs + k % layer.outputs];
}
fn store(row: u32, column: u32, slice: u32, sum: f32) {
  if (row >= layer.lanes * layer.framesIn || column >= layer.inputs) { return; }
  let at = row * layer.inputs + column;
  var value = select(0.0, sum, source[at] > 0.0);
  let lane = row / layer.framesIn; let frame = row % layer.framesIn - 1u;
  if (layer.skipsBack == 1u && frame < layer.framesIn - 2u) {
    value += skip[(lane * (layer.framesIn - 2u) + frame) * layer.inputs + column];
  }
  result[at] = value;
}`,
);

/**
 * The gradients of a layer's kernel and, after them, of its bias, which is a weight of an input that is 1: `partial`
 * [slices][taps · inputs + 1][outputs], each slice the sum over `sliceRows` frames.
 */
const layerWeights = product(
  { left: false, right: false },
  [f32('source', 'read'), f32('errors', 'read'), f32('partial', 'write')],
  `${sourceOf}
fn depths(slice: u32) -> vec2u {
  return vec2u(slice * layer.sliceRows, min((slice + 1u) * layer.sliceRows, layer.lanes * layer.framesOut));
}
fn leftOf(row: u32) -> u32 { return row; }
fn left(row: u32, k: u32) -> f32 {
  return select(heard(sourceOf(k) + row), 1.0, row == layer.taps * layer.inputs);
}
fn rightOf(column: u32) -> u32 { return min(column, layer.outputs - 1u); }
fn right(column: u32, k: u32) -> f32 { return errors[k * layer.outputs + column]; }
fn store(row: u32, column: u32, slice: u32, sum: f32) {
  let rows = layer.taps * layer.inputs + 1u;
  if (row < rows && column < layer.outputs) { partial[(slice * rows + row) * layer.outputs + column] = sum; }
}`,
);

/** Adds up the slices of a layer, in order, into `gradient`, which has the order of the tensors. */
const layerSum = shader(
  [['layer', 'Layer', 'uniform'], f32('partial', 'read'), f32('gradient', 'write')],
  `${struct('Layer', layerFields)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let length = (layer.taps * layer.inputs + 1u) * layer.outputs;
  for (var i = id.x; i < length; i += count.x * 64u) {
    var sum = 0.0;
    for (var slice = 0u; slice < layer.slices; slice++) { sum += partial[slice * length + i]; }
    gradient[layer.kernel + i] = sum;
  }
}`,
);

/** A shader that goes over rows of `width` numbers: first coordinate the numbers, second the rows. */
const overRows = (buffers: Parameters<typeof shader>[0], rows: string, code: string): Shader =>
  shader(
    [['stretch', 'Stretch', 'uniform'], ...buffers],
    `${struct('Stretch', stretchFields)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let i = id.x;
  if (i >= stretch.width) { return; }
  for (var row = id.y; row < ${rows}; row += count.y) { ${code} }
}`,
  );

/** Of a vector of the batch twice its place between frames, in parts of a frame, counted from the middle of the first. */
const between = (vector: string) => `(2u * (${vector}) + 1u + stretch.vectors)`;

/** Vectors between frames, `result` [lanes][framesOfBatch][width] of `source` [lanes][perFrame][width]. */
const interpolate = overRows(
  [f32('source', 'read'), f32('result', 'write')],
  'stretch.lanes * stretch.framesOfBatch',
  `
    let lane = row / stretch.framesOfBatch;
    let place = ${between('stretch.firstVector + row % stretch.framesOfBatch')};
    let share = f32(place % (2u * stretch.vectors)) / f32(2u * stretch.vectors);
    let at = (lane * stretch.perFrame + place / (2u * stretch.vectors)) * stretch.width + i;
    result[row * stretch.width + i] = source[at] + share * (source[at + stretch.width] - source[at]);`,
);

/** The way back: each frame gathers from the vectors on both sides of it, in their order. */
const interpolateBack = overRows(
  [f32('errors', 'read'), f32('result', 'write')],
  'stretch.lanes * stretch.perFrame',
  `
    let lane = row / stretch.perFrame; let frame = row % stretch.perFrame;
    let end = min((frame + 1u) * stretch.vectors, stretch.firstVector + stretch.framesOfBatch);
    var sum = 0.0;
    for (var v = max(max(frame, 2u) * stretch.vectors - 2u * stretch.vectors, stretch.firstVector); v < end; v++) {
      let place = ${between('v')};
      let share = f32(place % (2u * stretch.vectors)) / f32(2u * stretch.vectors);
      let before = place / (2u * stretch.vectors);
      let weight = select(select(0.0, share, before + 1u == frame), 1.0 - share, before == frame);
      sum += weight * errors[(lane * stretch.framesOfBatch + v - stretch.firstVector) * stretch.width + i];
    }
    result[row * stretch.width + i] = sum;`,
);

/** Where a frame of a place of the chunk is in the batch: `lane`, which counts where it is one of the member's. */
const placeOf = `
    let place = row / stretch.frames;
    let tile = stretch.firstTile + place / stretch.tile;
    let own = tile % stretch.tilesOfMember * stretch.tile + place % stretch.tile;
    let lane = tile / stretch.tilesOfMember * stretch.lanesOfMember + own;
    let counts = own < stretch.lanesOfMember;
    let here = row * stretch.width + i;
    let there = (lane * stretch.framesOfBatch + stretch.firstFrame + row % stretch.frames) * stretch.width + i;`;
const placesOfChunk = 'stretch.tiles * stretch.tile * stretch.frames';

/** The gate conditioning of a chunk, `gate` [place][frames][width], of that of all lanes; zeros where there is no lane. */
const takeGate = overRows(
  [f32('laneGate', 'read'), f32('gate', 'write')],
  placesOfChunk,
  `${placeOf}
    var value = 0.0;
    if (counts) { value = laneGate[there]; }
    gate[here] = value;`,
);

/** The way back of gradients; see `takeGate` of chunks.ts. */
const giveGate = overRows(
  [f32('gateGradient', 'read'), f32('laneGateGradient', 'write')],
  placesOfChunk,
  `${placeOf}
    if (counts) { laneGateGradient[there] = gateGradient[here]; }`,
);

export const conditioningShaders = {
  layerForward,
  layerBack,
  layerWeights,
  layerSum,
  interpolate,
  interpolateBack,
  takeGate,
  giveGate,
};
export type ConditioningShader = keyof typeof conditioningShaders;
