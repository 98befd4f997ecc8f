import type { Layout, NetworkSizes } from './layout.js';
import { firstDense, layoutOf } from './layout.js';
import { outputThreads, softmaxParts, tileLanes, type Tiling } from './plan.js';
import {
  bandTiles,
  dyBuffers,
  itemBlocks,
  itemWords,
  partWords,
  productFields,
  widestInputs,
  xBuffers,
} from './products.js';
import { backwardSlices, forwardSlices, none, sliceStrips, sliceThreads } from './slices.js';

// The shaders of training, in WGSL, written for the sizes of a network. Lanes are cut into tiles. A vector of a tile is
// stored [rows][lanes], the lane fastest, as vec4f of four lanes; an array of activations is [step][tile][rows][lanes].
// What is done to four rows, three gates or four lanes is written out, because compilers for GPUs want it so; loops of
// data are loops.
//
// Every variable that is declared in a loop is given a value: Dawn 0.6.2 leaves it as it was the time before otherwise.

/** The words of the uniform buffer `network`, in order: where things are in `structure` and in `arranged`. */
export const networkFields = [
  'columns',
  'blocks',
  'forwardOrder',
  'forwardStarts',
  'forwardPlaces',
  'forwardBlocks',
  'backwardOrder',
  'backwardStarts',
  'backwardPlaces',
  'backwardBlocks',
  'outputsOrder',
  'outputsStarts',
  'outputsPlaces',
  'outputsBlocks',
  'outputsBackOrder',
  'outputsBackStarts',
  'outputsBackPlaces',
  'outputsBackBlocks',
  'products',
  'parts',
  'items',
  'arrangedInputs',
  'arrangedBackward',
  'arrangedOutputs',
  'arrangedOutputsBack',
  'arrangedBiases',
  'arrangedEnd',
] as const;
export type NetworkField = (typeof networkFields)[number];

/** The words of the uniform buffer `chunk`, in order: what one call is about, some tiles and some steps of it. */
export const chunkFields = [
  'tiles',
  'steps',
  'hop',
  'phase',
  'frames',
  'firstTile',
  'tilesOfMember',
  'heardStart',
  'heardSteps',
  'sliceSteps',
  'firstSlice',
  'slices',
  'resumes',
  'scale',
] as const;
export type ChunkField = (typeof chunkFields)[number];

/** Declares a struct of words; `scale` is the one that is a float. */
export const struct = (name: string, fields: readonly string[]): string =>
  `struct ${name} { ${fields.map((field) => `${field}: ${field === 'scale' ? 'f32' : 'u32'}`).join(', ')} }\n`;

const written = (count: number) => (body: (i: string) => string) =>
  Array.from({ length: count }, (_, i) => `{ ${body(`${i}u`)} }`).join('\n');
const four = written(4);

/** A shader and the buffers that it is bound to, in the order of their bindings. */
export interface Shader {
  readonly code: string;
  readonly bindings: readonly string[];
}

type Access = 'uniform' | 'read' | 'write';

/** Declares the buffers of a shader: name, type of an element, and what is done to it. */
export function shader(
  buffers: readonly (readonly [name: string, type: string, access: Access])[],
  code: string,
): Shader {
  const declared = buffers.map(([name, type, access], binding) => {
    const space = access === 'uniform' ? 'uniform' : `storage, ${access === 'read' ? 'read' : 'read_write'}`;
    return `@group(0) @binding(${binding}) var<${space}> ${name}: ${access === 'uniform' ? type : `array<${type}>`};`;
  });
  const structs = struct('Network', networkFields) + struct('Chunk', chunkFields);
  return { code: `${structs}${declared.join('\n')}\n${code}`, bindings: buffers.map(([name]) => name) };
}

const network = ['network', 'Network', 'uniform'] as const;
const chunk = ['chunk', 'Chunk', 'uniform'] as const;
const structure = ['structure', 'u32', 'read'] as const;

interface Written {
  readonly sizes: NetworkSizes;
  readonly layout: Layout;
  readonly tiling: Tiling;
}

/**
 * Symbols as the network hears them, `inputs` [step][tile][c, f, next c, cues, 1][lanes], and the symbols that it should
 * predict, `targets` [step][tile][lanes]: coarse·Q + fine, or all bits set where a sample does not count.
 */
function prepare({ sizes: { classes, inputs } }: Written): Shader {
  const tile = tileLanes;
  const cues = inputs - 3;
  return shader(
    [
      chunk,
      ['codes', 'u32', 'read'],
      ['heard', 'u32', 'read'],
      ['lengths', 'u32', 'read'],
      ['inputs', 'f32', 'write'],
      ['targets', 'u32', 'write'],
      ...(cues > 0 ? [['cues', 'f32', 'read'] as const] : []),
    ],
    `
fn half(word: u32, i: u32) -> u32 { return (word >> (16u * (i & 1u))) & 0xffffu; }
fn scaled(symbol: u32) -> f32 { return f32(symbol) * 2.0 / ${classes - 1}.0 - 1.0; }
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let lane = id.x; let t = id.y;
  if (lane >= chunk.tiles * ${tile}u) { return; }
  let step = chunk.heardStart + t;
  let here = lane * chunk.heardSteps + step; let after = lane * (chunk.heardSteps + 1u) + step + 1u;
  let code = half(heard[here / 2u], here); let next = half(codes[after / 2u], after);
  let at = (t * chunk.tiles + lane / ${tile}u) * ${(inputs + 1) * tile}u + lane % ${tile}u;
  inputs[at] = scaled(code / ${classes}u);
  inputs[at + ${tile}u] = scaled(code % ${classes}u);
  inputs[at + ${2 * tile}u] = scaled(next / ${classes}u);
  ${Array.from({ length: cues }, (_, c) => `inputs[at + ${(3 + c) * tile}u] = cues[here * ${cues}u + ${c}u];`).join('\n')}
  inputs[at + ${inputs * tile}u] = 1.0;
  targets[(t * chunk.tiles + lane / ${tile}u) * ${tile}u + lane % ${tile}u] = select(0xffffffffu, next, step < lengths[lane]);
}`,
  );
}

const member = 'let member = (chunk.firstTile + tile) / chunk.tilesOfMember;';

/** What each thread of a scan does once for each of its items. */
const each =
  (items: number) =>
  (body: (k: number) => string): string =>
    Array.from({ length: items }, (_, k) => body(k)).join('\n');

/**
 * Weights in the order in which threads read them, `arranged`: forwards [rows][32 threads] four rows of a block, the dense
 * inputs of each slice [slice][inputs][32 threads], backwards [rows][four rows][32 threads]; then the same of the output
 * matrices, with a bias for each slot. Backwards a thread takes the 16 rows of a block in an order of its own: row i ^
 * (thread % n). Threads that read workgroup memory at the same time then read from different banks: eight read vectors at
 * a time.
 */
function arrange({ sizes: { inputs }, layout, tiling }: Written): Shader {
  const { forwardThreads, forwardItems, outputSteps } = tiling;
  const slots = (forwardThreads / 4) * forwardItems;
  const { outputSlices } = layout;
  const forwards = (section: string, blocks: string) => `let n = i - ${section};
    block = structure[network.${blocks} + n / 4u];
    row = vec4u(0u, 4u, 8u, 12u) + n % 4u;`;
  const backwards = (section: string, blocks: string, steps: number) => `let n = i - ${section};
    block = structure[network.${blocks} + n / 128u * 32u + n % 32u];
    row = (n / 32u % 4u * 4u + vec4u(0u, 1u, 2u, 3u)) ^ vec4u(n % ${8 / steps}u);`;
  return shader(
    [network, structure, ['weights', 'f32', 'read'], ['arranged', 'vec4f', 'write']],
    `
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) tid: u32, @builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u) {
  let i = (wid.y * count.x + wid.x) * 64u + tid;
  if (i >= network.arrangedEnd) { return; }
  var block = ${none}u; var row = vec4u(0u);
  if (i < network.arrangedInputs) {
    ${forwards('0u', 'forwardBlocks')}
  } else if (i < network.arrangedBackward) {
    let n = i - network.arrangedInputs;
    let slot = n / ${32 * inputs}u * ${sliceStrips}u + n / 4u % ${sliceStrips}u;
    let strip = structure[network.forwardOrder + slot];
    let first = structure[slot / ${slots}u * ${layout.rowStride}u + ${layout.rowOffset[firstDense]}u];
    if (strip != ${none}u) { block = first + strip * ${inputs}u + n / 32u % ${inputs}u; }
    row = vec4u(0u, 4u, 8u, 12u) + n % 4u;
  } else if (i < network.arrangedOutputs) {
    ${backwards('network.arrangedBackward', 'backwardBlocks', 1)}
  } else if (i < network.arrangedOutputsBack) {
    ${forwards('network.arrangedOutputs', 'outputsBlocks')}
  } else if (i < network.arrangedBiases) {
    ${backwards('network.arrangedOutputsBack', 'outputsBackBlocks', outputSteps)}
  } else {
    let n = i - network.arrangedBiases;
    let slice = n / 32u;
    let strip = structure[network.outputsOrder + n / 4u];
    let within = slice % ${outputSlices.forwardStride}u;
    var matrix = ${layout.rowOffset[firstDense + 1]}u;
    ${[1, 2, 3].map((o) => `if (within >= ${outputSlices.forward[o]}u) { matrix = ${layout.rowOffset[firstDense + 1 + o]}u; }`).join(' ')}
    let first = structure[slice / ${outputSlices.forwardStride}u * ${layout.rowStride}u + matrix];
    if (strip != ${none}u) { block = first + strip; }
    row = vec4u(0u, 4u, 8u, 12u) + n % 4u;
  }
  var w = vec4f(0.0);
  if (block != ${none}u) { w = vec4f(${['x', 'y', 'z', 'w'].map((l) => `weights[block * 16u + row.${l}]`).join(', ')}); }
  arranged[i] = w;
}`,
  );
}

/**
 * All steps of a tile, one after the other, by one workgroup that keeps the state: `states` [1 + step][tile][H][lanes].
 * With `keep` also what the way back needs: `gates` [step][tile][u, r: 2H][lanes], `candidates` [step][tile][R_e h, e:
 * 2H][lanes]. Kalchbrenner et al. 2018, arXiv 1802.08435, eq. 2, with the reset gate after the product. A thread has four
 * rows of one gate; the gates of a unit meet in workgroup memory.
 */
function scanForward({ sizes, tiling }: Written, keep: boolean): Shader {
  const { hidden: H, inputs } = sizes;
  const { forwardThreads: threads, forwardItems: items, forwardUnits: units } = tiling;
  const all = each(items);
  const slots = (threads / 4) * items;
  const rowOf = (k: number, j: string) => `row${k} + 4u * ${j}`;
  return shader(
    [
      network,
      chunk,
      structure,
      ['arranged', 'vec4f', 'read'],
      ['gate', 'f32', 'read'],
      ['inputs', 'vec4f', 'read'],
      ['states', 'vec4f', 'write'],
      ...(keep
        ? ([
            ['gates', 'vec4f', 'write'],
            ['candidates', 'vec4f', 'write'],
          ] as const)
        : []),
    ],
    `
var<workgroup> state: array<vec4f, ${H}>;
// The reset gates of some units, and then the candidates.
var<workgroup> mixed: array<vec4f, ${units}>;
fn sigmoid(x: vec4f) -> vec4f { return 1.0 / (1.0 + exp(clamp(-x, vec4f(-80.0), vec4f(80.0)))); }
fn hyperbolic(x: vec4f) -> vec4f { let e = exp(-2.0 * min(abs(x), vec4f(40.0))); return sign(x) * (1.0 - e) / (1.0 + e); }
@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) tid: u32, @builtin(workgroup_id) wid: vec3u) {
  let tile = wid.x; ${member}
  let place = tid % 32u;
  ${all(
    (k) => `
  let slot${k} = tid / 4u + ${(k * threads) / 4}u;
  let slice${k} = member * ${slots / sliceStrips}u + slot${k} / ${sliceStrips}u;
  let strip${k} = structure[network.forwardOrder + member * ${slots}u + slot${k}];
  let gate${k} = strip${k} / ${H / 16}u;
  let row${k} = strip${k} % ${H / 16}u * 16u + tid % 4u;
  let begin${k} = structure[network.forwardStarts + slice${k}]; let end${k} = structure[network.forwardStarts + slice${k} + 1u];
  var c${k} = array<vec4f, 4>(); var a${k} = array<vec4f, 4>(); var d${k} = array<vec4f, 4>();`,
  )}
  for (var i = tid; i < ${H}u; i += ${threads}u) { state[i] = states[tile * ${H}u + i]; }
  var frame = 0xffffffffu;
  for (var t = 0u; t < chunk.steps; t++) {
    let f = (chunk.phase + t) / chunk.hop;
    if (f != frame) {
      frame = f;
      ${all(
        (k) => `if (gate${k} < 3u) {
        ${four(
          (l) => `let source = ((tile * 4u + ${l}) * chunk.frames + f) * ${3 * H}u + gate${k} * ${H}u;
        ${four((j) => `c${k}[${j}][${l}] = gate[source + ${rowOf(k, j)}];`)}`,
        )}
      }`,
      )}
    }
    let at = t * chunk.tiles + tile;
    ${Array.from({ length: inputs }, (_, c) => `let input${c} = inputs[at * ${inputs + 1}u + ${c}u];`).join('\n')}
    workgroupBarrier();
    ${all(
      (k) => `{
      ${four((j) => `a${k}[${j}] = vec4f(0.0);`)}
      // What the next block needs is read before this one is worked on.
      var w = arranged[begin${k} * 32u + place];
      var column = structure[network.forwardPlaces + begin${k} * ${sliceStrips}u + place / 4u];
      for (var b = begin${k} + 1u; b <= end${k}; b++) {
        let x = state[column];
        let now = w;
        w = arranged[b * 32u + place];
        column = structure[network.forwardPlaces + b * ${sliceStrips}u + place / 4u];
        ${four((j) => `a${k}[${j}] = fma(vec4f(now[${j}]), x, a${k}[${j}]);`)}
      }
      ${four((j) => `d${k}[${j}] = c${k}[${j}];`)}
      ${Array.from(
        { length: inputs },
        (_, c) => `{ let w${c} = arranged[network.arrangedInputs + (slice${k} * ${inputs}u + ${c}u) * 32u + place];
        ${four((j) => `d${k}[${j}] = fma(vec4f(w${c}[${j}]), input${c}, d${k}[${j}]);`)} }`,
      ).join('\n')}
      if (gate${k} < 2u) {
        ${four((j) => `a${k}[${j}] = sigmoid(a${k}[${j}] + d${k}[${j}]);`)}
        ${keep ? four((j) => `gates[at * ${2 * H}u + gate${k} * ${H}u + ${rowOf(k, j)}] = a${k}[${j}];`) : ''}
      } else if (gate${k} == 2u) {
        ${keep ? four((j) => `candidates[at * ${2 * H}u + ${rowOf(k, j)}] = a${k}[${j}];`) : ''}
      }
    }`,
    )}
    for (var first = 0u; first < ${H}u; first += ${units}u) {
      ${all((k) => `if (gate${k} == 1u && row${k} - first < ${units}u) { ${four((j) => `mixed[${rowOf(k, j)} - first] = a${k}[${j}];`)} }`)}
      workgroupBarrier();
      ${all(
        (k) => `if (gate${k} == 2u && row${k} - first < ${units}u) {
        ${four(
          (j) => `let e = hyperbolic(fma(mixed[${rowOf(k, j)} - first], a${k}[${j}], d${k}[${j}]));
          mixed[${rowOf(k, j)} - first] = e;
          ${keep ? `candidates[at * ${2 * H}u + ${H}u + ${rowOf(k, j)}] = e;` : ''}`,
        )}
      }`,
      )}
      workgroupBarrier();
      ${all(
        (k) => `if (gate${k} == 0u && row${k} - first < ${units}u) {
        ${four(
          (j) => `let u = a${k}[${j}];
          let h = u * state[${rowOf(k, j)}] + (1.0 - u) * mixed[${rowOf(k, j)} - first];
          state[${rowOf(k, j)}] = h;
          states[(at + chunk.tiles) * ${H}u + ${rowOf(k, j)}] = h;`,
        )}
      }`,
      )}
      ${units < H ? 'workgroupBarrier();' : ''}
    }
  }
}`,
  );
}

/**
 * Both softmaxes (third coordinate of the workgroup: 0 coarse, 1 fine) of some steps of a tile, and their nats,
 * `nats` [step][tile][coarse, fine][lanes]. With `back` also what they send back: `hidden` [step][tile][2P][lanes], the
 * rectified layers; `errors` [step][tile][2P + 2Q][lanes], the gradients of both layers; `stateErrors`
 * [step][tile][H][lanes], those of the state.
 */
function outputs({ sizes, layout, tiling }: Written, back: boolean): Shader {
  const { hidden: H, projection: P, classes: Q } = sizes;
  const V = tiling.outputSteps;
  const { outputSlices } = layout;
  const place = `let v = item % ${V}u; let t = t0 + v; let at = min(t, chunk.steps - 1u) * chunk.tiles + tile;
      let place = item / ${V}u % 32u;`;
  const pick = (coarse: number, fine: number) => `select(${coarse}u, ${fine}u, half == 1u)`;
  const forward = (matrix: number, rows: number, source: string, then: (j: string) => string) => `
    {
    let firstSlice = member * ${outputSlices.forwardStride}u + ${pick(outputSlices.forward[matrix - 1], outputSlices.forward[matrix + 1])};
    for (var item = tid; item < ${forwardSlices(rows / 16) * 32 * V}u; item += ${outputThreads}u) {
      ${place}
      let slice = firstSlice + item / ${32 * V}u;
      let strip = structure[network.outputsOrder + slice * ${sliceStrips}u + place / 4u];
      var a = array<vec4f, 4>();
      let end = structure[network.outputsStarts + slice + 1u];
      for (var b = structure[network.outputsStarts + slice]; b < end; b++) {
        let w = arranged[network.arrangedOutputs + b * 32u + place];
        let x = ${source}[structure[network.outputsPlaces + b * ${sliceStrips}u + place / 4u] * ${V}u + v];
        ${four((j) => `a[${j}] = fma(vec4f(w[${j}]), x, a[${j}]);`)}
      }
      if (strip != ${none}u) {
        let row = strip * 16u + place % 4u;
        let bias = arranged[network.arrangedBiases + slice * 32u + place];
        ${four((j) => then(j))}
      }
    }
    }
    workgroupBarrier();`;
  const backward = (matrix: number, columns: number, source: string, then: string) => `
    {
    let firstSlice = member * ${outputSlices.backwardStride}u + ${pick(outputSlices.backward[matrix - 1], outputSlices.backward[matrix + 1])};
    for (var item = tid; item < ${backwardSlices(columns) * 32 * V}u; item += ${outputThreads}u) {
      ${place}
      let slice = firstSlice + item / ${32 * V}u;
      let c = structure[network.outputsBackOrder + slice * 32u + place];
      var sum = vec4f(0.0);
      let end = structure[network.outputsBackStarts + slice + 1u];
      for (var b = structure[network.outputsBackStarts + slice]; b < end; b++) {
        let base = structure[network.outputsBackPlaces + b * 32u + place] * 16u + place % ${8 / V}u;
        let source = network.arrangedOutputsBack + b * 128u + place;
        ${four(
          (i) => `let w = arranged[source + 32u * ${i}];
          ${four((l) => `sum = fma(vec4f(w[${l}]), ${source}[(base ^ (4u * ${i} + ${l})) * ${V}u + v], sum);`)}`,
        )}
      }
      if (c != ${none}u) { ${then} }
    }
    }
    workgroupBarrier();`;
  const inside = `t < chunk.steps`;
  const errorRows = 2 * (P + Q);
  const perPart = Math.ceil(Q / softmaxParts);
  return shader(
    [
      network,
      chunk,
      structure,
      ['arranged', 'vec4f', 'read'],
      ['states', 'vec4f', 'read'],
      ['targets', 'vec4u', 'read'],
      ['nats', 'vec4f', 'write'],
      ...(back
        ? ([
            ['hidden', 'vec4f', 'write'],
            ['errors', 'vec4f', 'write'],
            ['stateErrors', 'vec4f', 'write'],
          ] as const)
        : []),
    ],
    `
// The half of the state that a softmax is of; then, when it has been read, the parts of the softmax' maximum and sum.
var<workgroup> xs: array<vec4f, ${Math.max(H / 2, 2 * softmaxParts) * V}>;
var<workgroup> ys: array<vec4f, ${P * V}>;
var<workgroup> zs: array<vec4f, ${Q * V}>;
@compute @workgroup_size(${outputThreads})
fn main(@builtin(local_invocation_index) tid: u32, @builtin(workgroup_id) wid: vec3u) {
  let tile = wid.x; ${member}
  let t0 = wid.y * ${tiling.outputSteps}u;
  let half = wid.z;
  for (var item = tid; item < ${(H / 2) * V}u; item += ${outputThreads}u) {
    ${place}
    xs[item] = states[((at + chunk.tiles) * ${H}u + half * ${H / 2}u + item / ${V}u)];
  }
  workgroupBarrier();
  ${forward(
    1,
    P,
    'xs',
    (j) => `let y = max(vec4f(0.0), a[${j}] + bias[${j}]); ys[(row + 4u * ${j}) * ${V}u + v] = y;
      ${back ? `if (${inside}) { hidden[(at * ${2 * P}u + half * ${P}u + row + 4u * ${j})] = y; }` : ''}`,
  )}
  ${forward(2, Q, 'ys', (j) => `zs[(row + 4u * ${j}) * ${V}u + v] = a[${j}] + bias[${j}];`)}
  // Several threads share the classes of a softmax; every sum is in the same order. A thread takes four lanes: threads
  // that wrote components of one vector would race.
  let v = tid % ${V}u; let part = tid / ${V}u; let t = t0 + v;
  let at = min(t, chunk.steps - 1u) * chunk.tiles + tile;
  let works = part < ${softmaxParts}u;
  if (works) {
    var top = vec4f(-3.0e38);
    for (var i = part; i < ${Q}u; i += ${softmaxParts}u) { top = max(top, zs[i * ${V}u + v]); }
    xs[tid] = top;
  }
  workgroupBarrier();
  var top = xs[v];
  for (var i = 1u; i < ${softmaxParts}u; i++) { top = max(top, xs[i * ${V}u + v]); }
  if (works) {
    var sum = vec4f(0.0);
    for (var i = part; i < ${Q}u; i += ${softmaxParts}u) { sum += exp(zs[i * ${V}u + v] - top); }
    xs[${softmaxParts * V}u + tid] = sum;
  }
  workgroupBarrier();
  var sum = vec4f(0.0);
  for (var i = 0u; i < ${softmaxParts}u; i++) { sum += xs[(${softmaxParts}u + i) * ${V}u + v]; }
  let target4 = targets[at];
  let ignored = target4 == vec4u(0xffffffffu);
  let wanted = select(target4 / ${Q}u, target4 % ${Q}u, vec4<bool>(half == 1u));
  if (part == 0u && ${inside}) {
    let safe = min(wanted, vec4u(${Q - 1}u));
    let chosen = vec4f(${['x', 'y', 'z', 'w'].map((l) => `zs[safe.${l} * ${V}u + v].${l}`).join(', ')});
    nats[at * 2u + half] = select(log(sum) + (top - chosen), vec4f(0.0), ignored);
  }
  ${
    !back
      ? ''
      : `
  workgroupBarrier();
  if (works) {
    for (var n = 0u; n < ${perPart}u; n++) {
      let i = part + n * ${softmaxParts}u;
      if (i < ${Q}u) {
        let error = exp(zs[i * ${V}u + v] - top) / sum - select(vec4f(0.0), vec4f(1.0), vec4u(i) == wanted);
        let d = select(chunk.scale * error, vec4f(0.0), ignored);
        zs[i * ${V}u + v] = d;
        if (${inside}) { errors[(at * ${errorRows}u + ${2 * P}u + half * ${Q}u + i)] = d; }
      }
    }
  }
  workgroupBarrier();
  ${backward(
    2,
    P,
    'zs',
    `let d = select(vec4f(0.0), sum, ys[c * ${V}u + v] > vec4f(0.0)); ys[c * ${V}u + v] = d;
      if (${inside}) { errors[(at * ${errorRows}u + half * ${P}u + c)] = d; }`,
  )}
  ${backward(1, H / 2, 'ys', `if (${inside}) { stateErrors[(at * ${H}u + half * ${H / 2}u + c)] = sum; }`)}`
  }
}`,
  );
}

/**
 * Back through all steps of a tile. In place of u, r, R_e h and e it leaves the gradients of the arguments of both
 * sigmoids, of R_e h, and of the argument of tanh. `gateGradient` [lane][frame][3H] receives their sums over the
 * samples of a frame. What goes on to the steps before is in `carry` [tile][dh: H, gates: 3H][lanes], from which it
 * begins too; with `resumes` its last frame is the first one of the chunk after it.
 *
 * A thread has some units, and gathers for some columns. Eight threads read workgroup memory at a time, each a row of a
 * block of its own: they take the 16 rows in different orders, row i ^ (thread % 8), for their banks to differ.
 */
function scanBackward({ sizes, tiling }: Written): Shader {
  const { hidden: H } = sizes;
  const { backwardThreads: threads, backwardItems: items, backwardGates: together } = tiling;
  const all = each(items);
  const sets = Array.from({ length: 3 / together }, (_, set) => set);
  const gates = Array.from({ length: 3 }, (_, g) => g);
  const slots = threads * items;
  const slices = slots / sliceThreads;
  /** Where the units do not fill all rounds, some threads have none in the last one. */
  const own = (k: number, body: string): string => ((k + 1) * threads > H ? `if (row${k} < ${H}u) { ${body} }` : body);
  const loaded = ['g', 'r', 'p', 'e', 'h', 'o'];
  const load = (k: number, t: string) =>
    own(
      k,
      `{
      let at = ${t} * chunk.tiles + tile; let unit = at * ${H}u + row${k}; let first = at * ${2 * H}u + row${k};
      g${k} = gates[first]; r${k} = gates[first + ${H}u]; p${k} = candidates[first]; e${k} = candidates[first + ${H}u];
      h${k} = states[unit]; o${k} = stateErrors[unit];
    }`,
    );
  const flush = all((k) =>
    own(
      k,
      four((l) =>
        gates
          .map(
            (g) =>
              `gateGradient[((tile * 4u + ${l}) * chunk.frames + frame) * ${3 * H}u + ${g * H}u + row${k}] = sum${g}_${k}[${l}];`,
          )
          .join('\n'),
      ),
    ),
  );
  const gather = (set: number, k: number) => `{
      let slice = (member * ${sets.length}u + ${set}u) * ${slices}u + tid / 32u + ${(k * threads) / 32}u;
      let end = structure[network.backwardStarts + slice + 1u];
      for (var b = structure[network.backwardStarts + slice]; b < end; b++) {
        let base = structure[network.backwardPlaces + b * 32u + place] * 16u + place % 8u;
        let source = network.arrangedBackward + b * 128u + place;
        ${four(
          (i) => `let w = arranged[source + 32u * ${i}];
          ${four((l) => `sum${set}${k} = fma(vec4f(w[${l}]), errors[base ^ (4u * ${i} + ${l})], sum${set}${k});`)}`,
        )}
      }
    }`;
  return shader(
    [
      network,
      chunk,
      structure,
      ['arranged', 'vec4f', 'read'],
      ['states', 'vec4f', 'read'],
      ['stateErrors', 'vec4f', 'read'],
      ['gates', 'vec4f', 'write'],
      ['candidates', 'vec4f', 'write'],
      ['gateGradient', 'f32', 'write'],
      ['carry', 'vec4f', 'write'],
    ],
    `
var<workgroup> errors: array<vec4f, ${together * H}>;
@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) tid: u32, @builtin(workgroup_id) wid: vec3u) {
  let tile = wid.x; ${member}
  let place = tid % 32u;
  ${all(
    (k) => `
  let row${k} = tid + ${k * threads}u;
  ${sets.map((set) => `let column${set}_${k} = structure[network.backwardOrder + (member * ${sets.length}u + ${set}u) * ${slots}u + row${k}];`).join('\n')}
  ${loaded.map((name) => `var ${name}${k} = vec4f(0.0);`).join(' ')}
  var dh${k} = vec4f(0.0);
  ${gates.map((g) => `var sum${g}_${k} = vec4f(0.0); var error${g}_${k} = vec4f(0.0);`).join(' ')}
  ${own(
    k,
    `dh${k} = carry[tile * ${4 * H}u + row${k}];
  ${gates
    .map((g) => `if (chunk.resumes == 1u) { sum${g}_${k} = carry[tile * ${4 * H}u + ${(1 + g) * H}u + row${k}]; }`)
    .join('\n')}`,
  )}
  ${load(k, '(chunk.steps - 1u)')}`,
  )}
  var frame = (chunk.phase + chunk.steps - 1u) / chunk.hop;
  for (var n = 0u; n < chunk.steps; n++) {
    let t = chunk.steps - 1u - n;
    let f = (chunk.phase + t) / chunk.hop;
    if (f != frame) {
      ${flush}
      ${all((k) => gates.map((g) => `sum${g}_${k} = vec4f(0.0);`).join(' '))}
      frame = f;
    }
    ${all((k) =>
      own(
        k,
        `{
      let d = dh${k} + o${k};
      let de = d * (1.0 - g${k}) * (1.0 - e${k} * e${k});
      error0_${k} = d * (h${k} - e${k}) * g${k} * (1.0 - g${k});
      error1_${k} = de * p${k} * r${k} * (1.0 - r${k});
      error2_${k} = de * r${k};
      dh${k} = d * g${k};
      let first = (t * chunk.tiles + tile) * ${2 * H}u + row${k};
      gates[first] = error0_${k}; gates[first + ${H}u] = error1_${k};
      candidates[first] = error2_${k}; candidates[first + ${H}u] = de;
      sum0_${k} += error0_${k}; sum1_${k} += error1_${k}; sum2_${k} += de;
      // What the next step needs is on its way while this one gathers.
      if (t > 0u) { ${load(k, '(t - 1u)')} }
      }`,
      ),
    )}
    ${sets
      .map(
        (set) => `
    ${set > 0 ? 'workgroupBarrier();' : ''}
    ${all((k) => own(k, Array.from({ length: together }, (_, g) => `errors[${g * H}u + row${k}] = error${set * together + g}_${k};`).join('\n')))}
    workgroupBarrier();
    ${all((k) => `var sum${set}${k} = vec4f(0.0);\n${gather(set, k)}`)}`,
      )
      .join('\n')}
    workgroupBarrier();
    // Each column's sum goes to the thread that has the unit.
    ${sets
      .map(
        (set) => `
    ${set > 0 ? 'workgroupBarrier();' : ''}
    ${all((k) => ((k + 1) * threads > H ? `if (column${set}_${k} != ${none}u) { errors[column${set}_${k}] = sum${set}${k}; }` : `errors[column${set}_${k}] = sum${set}${k};`))}
    workgroupBarrier();
    ${all((k) => own(k, `dh${k} += errors[row${k}];`))}`,
      )
      .join('\n')}
  }
  ${flush}
  ${all((k) =>
    own(
      k,
      `carry[tile * ${4 * H}u + row${k}] = dh${k};
  ${gates.map((g) => `carry[tile * ${4 * H}u + ${(1 + g) * H}u + row${k}] = sum${g}_${k};`).join('\n')}`,
    ),
  )}
}`,
  );
}

/**
 * Adds the gradients of the blocks of a part of a product (first coordinate; see products.ts), in a slice of time
 * (second), to `partial` [slice][block][16]. For each step of a tile a workgroup has all inputs and its errors in
 * workgroup memory; a thread takes four rows of up to eight blocks.
 */
function blockGradients({ sizes, tiling }: Written): Shader {
  const { productThreads: threads, productStrips, productPositions: together } = tiling;
  const width = widestInputs(sizes) + 16 * productStrips;
  const pieces = Array.from({ length: Math.ceil(width / threads) }, (_, p) => p);
  const places = Array.from({ length: together }, (_, m) => m);
  const eight = (body: (b: number) => string) => Array.from({ length: itemBlocks }, (_, b) => body(b)).join('\n');
  const choice = (which: string, buffers: readonly string[], index: string) =>
    buffers
      .map((buffer, i) => `${i > 0 ? 'else ' : ''}if (${which} == ${i}u) { value = ${buffer}[${index}]; }`)
      .join(' ');
  return shader(
    [
      network,
      chunk,
      structure,
      ...[...dyBuffers, ...xBuffers, 'inputs'].map((name) => [name, 'vec4f', 'read'] as const),
      ['partial', 'vec4f', 'write'],
    ],
    `
// The inputs, those of dense blocks, and the errors, whose rows are exchanged for the banks of threads to differ.
var<workgroup> staged: array<vec4f, ${together * width}>;
@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) tid: u32, @builtin(workgroup_id) wid: vec3u) {
  let part = network.parts + wid.x * ${partWords}u;
  let member = structure[part]; let product = network.products + structure[part + 1u] * ${productFields.length}u;
  let firstStrip = structure[part + 2u]; let strips = structure[part + 3u];
  let firstItem = structure[part + 4u]; let items = structure[part + 5u];
  ${productFields.map((name, i) => `let ${name} = structure[product + ${i}u];`).join(' ')}
  let begin = max(member * chunk.tilesOfMember, chunk.firstTile);
  let end = min((member + 1u) * chunk.tilesOfMember, chunk.firstTile + chunk.tiles);
  if (begin >= end) { return; }
  let t0 = wid.y * chunk.sliceSteps; let t1 = min(t0 + chunk.sliceSteps, chunk.steps);
  let lastTile = end - chunk.firstTile;
  let positions = (end - begin) * (t1 - t0);
  let errorsAt = xCount + denseCount; let width = errorsAt + strips * 16u;
  let dyAt = dyFirst + firstStrip * 16u;
  let quarter = tid % 4u;
  let works = tid / 4u < items;
  let item = network.items + (firstItem + min(tid / 4u, items - 1u)) * ${itemWords}u;
  let block = structure[item + 1u]; let blocks = structure[item + 2u];
  let dyRow = errorsAt + structure[item] * 16u + quarter * 4u;
  ${eight((b) => `let c${b} = structure[network.columns + block + min(${b}u, blocks - 1u)] + structure[item + 3u];`)}
  let to = ((chunk.firstSlice + wid.y) * network.blocks + block) * 4u + quarter;
  ${eight((b) => `var sum${b} = vec4f(0.0); if (works && ${b}u < blocks) { sum${b} = partial[to + ${4 * b}u]; }`)}
  ${places.map((m) => pieces.map((p) => `var piece${m}_${p} = vec4f(0.0);`).join(' ')).join('\n')}
  var band = begin - chunk.firstTile; var t = t0; var tile = band;
  for (var n = 0u; n < positions + ${together}u; n += ${together}u) {
    // What is read is worked on one round later.
    if (n > 0u) {
      workgroupBarrier();
      ${places
        .map((m) =>
          pieces
            .map(
              (p) => `{
        let i = tid + ${p * threads}u;
        let row = i - min(i, errorsAt);
        if (i < width) { staged[${m * width}u + select(i, errorsAt + (row ^ ((row >> 3u) & 1u)), i >= errorsAt)] = piece${m}_${p}; }
      }`,
            )
            .join('\n'),
        )
        .join('\n')}
      workgroupBarrier();
    }
    ${places
      .map(
        (m) => `if (n + ${m}u < positions) {
      let at = t * chunk.tiles + tile;
      ${pieces
        .map(
          (p) => `{
        let i = tid + ${p * threads}u;
        var value = vec4f(0.0);
        if (i < xCount) { let index = (at + xLater * chunk.tiles) * xRows + xFirst + i; ${choice('xBuffer', xBuffers, 'index')} }
        else if (i < errorsAt) { value = inputs[at * ${sizes.inputs + 1}u + denseFirst + i - xCount]; }
        else if (i < width) { let index = at * dyRows + dyAt + i - errorsAt; ${choice('dyBuffer', dyBuffers, 'index')} }
        piece${m}_${p} = value;
      }`,
        )
        .join('\n')}
      tile++;
      if (tile == min(band + ${bandTiles}u, lastTile)) {
        t++;
        if (t == t1) { t = t0; band += ${bandTiles}u; }
        tile = band;
      }
    }${m > 0 ? ` else { ${pieces.map((p) => `piece${m}_${p} = vec4f(0.0);`).join(' ')} }` : ''}`,
      )
      .join('\n')}
    if (n > 0u && works) {
      for (var m = 0u; m < ${together * width}u; m += ${width}u) {
      ${Array.from({ length: 4 }, (_, i) => `let d${i} = staged[m + dyRow + (${i}u ^ (quarter >> 1u))];`).join(' ')}
      ${eight(
        (b) => `{ let v = staged[m + c${b}]; sum${b} += vec4f(dot(d0, v), dot(d1, v), dot(d2, v), dot(d3, v)); }`,
      )}
      }
    }
  }
  ${eight((b) => `if (works && ${b}u < blocks) { partial[to + ${4 * b}u] = sum${b}; }`)}
}`,
  );
}

/** Adds up the slices, in order: `gradient` [block][16]. */
function reduce(): Shader {
  return shader(
    [network, chunk, ['partial', 'vec4f', 'read'], ['gradient', 'vec4f', 'write']],
    `
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) tid: u32, @builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u) {
  let i = (wid.y * count.x + wid.x) * 64u + tid;
  let length = network.blocks * 4u;
  if (i >= length) { return; }
  var sum = vec4f(0.0);
  for (var slice = 0u; slice < chunk.slices; slice++) { sum += partial[slice * length + i]; }
  gradient[i] = sum;
}`,
  );
}

/** The nats of each place in each slice of time (second coordinate), `natsOfSlice` [slice][place]. */
function sumNats(): Shader {
  const tile = tileLanes;
  return shader(
    [chunk, ['nats', 'f32', 'read'], ['natsOfSlice', 'f32', 'write']],
    `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let place = id.x; let places = chunk.tiles * ${tile}u;
  if (place >= places) { return; }
  let first = place / ${tile}u * ${2 * tile}u + place % ${tile}u;
  let end = min((id.y + 1u) * chunk.sliceSteps, chunk.steps);
  var sum = 0.0;
  for (var t = id.y * chunk.sliceSteps; t < end; t++) {
    let at = t * places * 2u + first;
    sum += nats[at] + nats[at + ${tile}u];
  }
  natsOfSlice[id.y * places + place] = sum;
}`,
  );
}

/** All shaders of a network on a device; those with `Loss` leave out what only gradients need. */
export function shadersOf(sizes: NetworkSizes, tiling: Tiling) {
  const written = { sizes, layout: layoutOf(sizes), tiling };
  return {
    prepare: prepare(written),
    arrange: arrange(written),
    scanForwardLoss: scanForward(written, false),
    scanForward: scanForward(written, true),
    outputsLoss: outputs(written, false),
    outputs: outputs(written, true),
    scanBackward: scanBackward(written),
    blockGradients: blockGradients(written),
    sumNats: sumNats(),
    reduce: reduce(),
  };
}
export type ShaderName = keyof ReturnType<typeof shadersOf>;
