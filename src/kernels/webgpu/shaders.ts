import type { Layout, NetworkSizes } from './layout.js';
import { firstDense, layoutOf } from './layout.js';
import { outputThreads, softmaxParts, type Tiling } from './plan.js';

// The shaders of training, in WGSL, written for the sizes of a network. Lanes are cut into tiles. A vector of a tile is
// stored [rows][lanes], the lane fastest, as vec4f of four lanes; an array of activations is [step][tile][rows][lanes].
// What is done to four rows, three gates or four lanes is written out, because compilers for GPUs want it so; loops of
// data are loops.
//
// Every variable that is declared in a loop is given a value: Dawn 0.6.2 leaves it as it was the time before otherwise.

/** The words of the uniform buffer `chunk`, in order: what one call is about, some tiles and some steps of it. */
export const chunkFields = [
  'tiles',
  'steps',
  'hop',
  'phase',
  'frames',
  'firstTile',
  'tilesOfMember',
  'columnStarts',
  'columns',
  'entries',
  'blocks',
  'sliceSteps',
  'firstSlice',
  'slices',
  'resumes',
  'scale',
] as const;
export type ChunkField = (typeof chunkFields)[number];

/** The words of the uniform buffer `product`: whose gradients are summed. */
export const productFields = [
  'firstRow',
  'dyRows',
  'dyFirst',
  'xRows',
  'xFirst',
  'xLater',
  'unused1',
  'unused2',
] as const;
export type ProductField = (typeof productFields)[number];

/** Declares a struct of words; `scale` is the one that is a float. */
export const struct = (name: string, fields: readonly string[]): string =>
  `struct ${name} { ${fields.map((field) => `${field}: ${field === 'scale' ? 'f32' : 'u32'}`).join(', ')} }\n`;

const written = (count: number) => (body: (i: string) => string) =>
  Array.from({ length: count }, (_, i) => `{ ${body(`${i}u`)} }`).join('\n');
const four = written(4);
const gates = written(3);

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
  const structs = struct('Chunk', chunkFields) + struct('Product', productFields);
  return { code: `${structs}${declared.join('\n')}\n${code}`, bindings: buffers.map(([name]) => name) };
}

const chunk = ['chunk', 'Chunk', 'uniform'] as const;
const structure = ['structure', 'u32', 'read'] as const;
const weights = ['weights', 'vec4f', 'read'] as const;

interface Written {
  readonly sizes: NetworkSizes;
  readonly layout: Layout;
  readonly tiling: Tiling;
}

/**
 * Symbols as the network hears them, `inputs` [step][tile][c, f, next c, cues, 1][lanes], and the symbols that it should
 * predict, `targets` [step][tile][lanes]: coarse·Q + fine, or all bits set where a sample does not count.
 */
function prepare({ sizes: { classes, inputs }, tiling: { tile } }: Written): Shader {
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
  let here = lane * chunk.steps + t; let after = lane * (chunk.steps + 1u) + t + 1u;
  let code = half(heard[here / 2u], here); let next = half(codes[after / 2u], after);
  let at = (t * chunk.tiles + lane / ${tile}u) * ${(inputs + 1) * tile}u + lane % ${tile}u;
  inputs[at] = scaled(code / ${classes}u);
  inputs[at + ${tile}u] = scaled(code % ${classes}u);
  inputs[at + ${2 * tile}u] = scaled(next / ${classes}u);
  ${Array.from({ length: cues }, (_, c) => `inputs[at + ${(3 + c) * tile}u] = cues[here * ${cues}u + ${c}u];`).join('\n')}
  inputs[at + ${inputs * tile}u] = 1.0;
  targets[(t * chunk.tiles + lane / ${tile}u) * ${tile}u + lane % ${tile}u] = select(0xffffffffu, next, t < lengths[lane]);
}`,
  );
}

const member = 'let member = (chunk.firstTile + tile) / chunk.tilesOfMember;';

/** Which rows and lanes a thread of the scans has: for each item four rows, of all three gates, of four lanes. */
function scanItems({ tiling: { tile, items, threads } }: Written) {
  const vectors = tile / 4;
  return {
    each: (body: (k: number) => string) => Array.from({ length: items }, (_, k) => body(k)).join('\n'),
    places: Array.from(
      { length: items },
      (_, k) => `let item${k} = tid + ${k * threads}u; let lg${k} = item${k} % ${vectors}u;
  let quad${k} = item${k} / ${vectors}u; let row${k} = quad${k} * 4u;`,
    ).join('\n'),
  };
}

/**
 * All steps of a tile, one after the other, by one workgroup that keeps the state: `states` [1 + step][tile][H][lanes].
 * With `keep` also what the way back needs: `gates` [step][tile][u, r: 2H][lanes], `candidates` [step][tile][R_e h, e:
 * 2H][lanes]. Kalchbrenner et al. 2018, arXiv 1802.08435, eq. 2, with the reset gate after the product.
 */
function scanForward(written: Written, keep: boolean): Shader {
  const { sizes, layout, tiling } = written;
  const { hidden: H, inputs } = sizes;
  const vectors = tiling.tile / 4;
  const { each, places } = scanItems(written);
  const drive = (k: number, gate: number, j: string) =>
    `c${k}[${4 * gate}u + ${j}]` +
    Array.from({ length: inputs }, (_, c) => ` + w${gate}_${c}[${j}] * input${c}`).join('');
  return shader(
    [
      chunk,
      structure,
      weights,
      ['gate', 'vec4f', 'read'],
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
var<workgroup> state: array<vec4f, ${H * vectors}>;
fn sigmoid(x: vec4f) -> vec4f { return 1.0 / (1.0 + exp(clamp(-x, vec4f(-80.0), vec4f(80.0)))); }
fn hyperbolic(x: vec4f) -> vec4f { let e = exp(-2.0 * min(abs(x), vec4f(40.0))); return sign(x) * (1.0 - e) / (1.0 + e); }
@compute @workgroup_size(${tiling.threads})
fn main(@builtin(local_invocation_index) tid: u32, @builtin(workgroup_id) wid: vec3u) {
  let tile = wid.x; ${member}
  let rows = member * ${layout.rowStride}u;
  let firstInput = structure[rows + ${layout.rowOffset[firstDense]}u];
  ${places}
  ${each(
    (k) => `
  var c${k} = array<vec4f, 12>(); var a${k} = array<vec4f, 12>(); var new${k} = array<vec4f, 4>();
  ${four((j) => `state[(row${k} + ${j}) * ${vectors}u + lg${k}] = states[(tile * ${H}u + row${k} + ${j}) * ${vectors}u + lg${k}];`)}`,
  )}
  var frame = 0xffffffffu;
  for (var t = 0u; t < chunk.steps; t++) {
    let f = (chunk.phase + t) / chunk.hop;
    if (f != frame) {
      frame = f;
      ${each((k) =>
        gates((g) =>
          four(
            (
              l,
            ) => `let v = gate[((tile * ${4 * vectors}u + lg${k} * 4u + ${l}) * chunk.frames + f) * ${(3 * H) / 4}u + ${g} * ${H / 4}u + quad${k}];
        ${four((j) => `c${k}[4u * ${g} + ${j}][${l}] = v[${j}];`)}`,
          ),
        ),
      )}
    }
    workgroupBarrier();
    ${each((k) =>
      gates(
        (g) => `
      ${four((j) => `a${k}[4u * ${g} + ${j}] = vec4f(0.0);`)}
      let r = rows + ${g} * ${H / 16}u + quad${k} / 4u;
      let end = structure[r + 1u];
      for (var b = structure[r]; b < end; b++) {
        let w = weights[b * 4u + quad${k} % 4u];
        let x = state[structure[chunk.columns + b] * ${vectors}u + lg${k}];
        ${four((j) => `a${k}[4u * ${g} + ${j}] = fma(vec4f(w[${j}]), x, a${k}[4u * ${g} + ${j}]);`)}
      }`,
      ),
    )}
    let at = t * chunk.tiles + tile;
    ${each(
      (k) => `{
    ${Array.from({ length: inputs }, (_, c) => `let input${c} = inputs[(at * ${inputs + 1}u + ${c}u) * ${vectors}u + lg${k}];`).join('\n')}
    ${[0, 1, 2]
      .flatMap((g) =>
        Array.from(
          { length: inputs },
          (_, c) =>
            `let w${g}_${c} = weights[(firstInput + (${(g * H) / 16}u + quad${k} / 4u) * ${inputs}u + ${c}u) * 4u + quad${k} % 4u];`,
        ),
      )
      .join('\n')}
    ${four(
      (j) => `
      let u = sigmoid(a${k}[${j}] + ${drive(k, 0, j)});
      let r = sigmoid(a${k}[4u + ${j}] + ${drive(k, 1, j)});
      let p = a${k}[8u + ${j}];
      let e = hyperbolic(r * p + ${drive(k, 2, j)});
      new${k}[${j}] = u * state[(row${k} + ${j}) * ${vectors}u + lg${k}] + (1.0 - u) * e;
      states[((at + chunk.tiles) * ${H}u + row${k} + ${j}) * ${vectors}u + lg${k}] = new${k}[${j}];
      ${
        keep
          ? `
      gates[(at * ${2 * H}u + row${k} + ${j}) * ${vectors}u + lg${k}] = u;
      gates[(at * ${2 * H}u + ${H}u + row${k} + ${j}) * ${vectors}u + lg${k}] = r;
      candidates[(at * ${2 * H}u + row${k} + ${j}) * ${vectors}u + lg${k}] = p;
      candidates[(at * ${2 * H}u + ${H}u + row${k} + ${j}) * ${vectors}u + lg${k}] = e;`
          : ''
      }`,
    )}
    }`,
    )}
    workgroupBarrier();
    ${each((k) => four((j) => `state[(row${k} + ${j}) * ${vectors}u + lg${k}] = new${k}[${j}];`))}
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
  const vectors = tiling.tile / 4;
  const V = tiling.outputSteps * vectors;
  const place = `let v = item % ${V}u; let t = t0 + v / ${vectors}u; let lg = v % ${vectors}u;
      let at = min(t, chunk.steps - 1u) * chunk.tiles + tile;`;
  const pick = (coarse: number, fine: number) => `select(${coarse}u, ${fine}u, half == 1u)`;
  const forward = (matrix: number, rows: number, source: string, then: (j: string) => string) => `
    {
    let rowStart = rows + ${pick(layout.rowOffset[matrix], layout.rowOffset[matrix + 2])};
    let firstBias = structure[rows + ${pick(layout.rowOffset[firstDense + matrix], layout.rowOffset[firstDense + matrix + 2])}];
    for (var item = tid; item < ${(rows / 4) * V}u; item += ${outputThreads}u) {
      ${place}
      let quad = item / ${V}u; let row = quad * 4u;
      var a = array<vec4f, 4>();
      let end = structure[rowStart + quad / 4u + 1u];
      for (var b = structure[rowStart + quad / 4u]; b < end; b++) {
        let w = weights[b * 4u + quad % 4u];
        let x = ${source}[structure[chunk.columns + b] * ${V}u + v];
        ${four((j) => `a[${j}] = fma(vec4f(w[${j}]), x, a[${j}]);`)}
      }
      let bias = weights[(firstBias + quad / 4u) * 4u + quad % 4u];
      ${four(then)}
    }
    }
    workgroupBarrier();`;
  const backward = (matrix: number, columns: number, source: string, then: string) => `
    {
    let columnStart = chunk.columnStarts + member * ${layout.columnStride}u + ${pick(layout.columnOffset[matrix + 2], layout.columnOffset[matrix + 4])};
    for (var item = tid; item < ${columns * V}u; item += ${outputThreads}u) {
      ${place}
      let c = item / ${V}u;
      var sum = vec4f(0.0);
      let end = structure[columnStart + c + 1u];
      for (var k = structure[columnStart + c]; k < end; k++) {
        let base = structure[chunk.entries + 2u * k] * ${16 * V}u + v;
        let block = structure[chunk.entries + 2u * k + 1u] * 4u;
        ${four(
          (i) => `
          let w = weights[block + ${i}];
          ${four((j) => `sum = fma(vec4f(w[${j}]), ${source}[base + (4u * ${i} + ${j}) * ${V}u], sum);`)}`,
        )}
      }
      ${then}
    }
    }
    workgroupBarrier();`;
  const inside = `t < chunk.steps`;
  const errorRows = 2 * (P + Q);
  const perPart = Math.ceil(Q / softmaxParts);
  return shader(
    [
      chunk,
      structure,
      weights,
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
  let rows = member * ${layout.rowStride}u;
  for (var item = tid; item < ${(H / 2) * V}u; item += ${outputThreads}u) {
    ${place}
    xs[item] = states[((at + chunk.tiles) * ${H}u + half * ${H / 2}u + item / ${V}u) * ${vectors}u + lg];
  }
  workgroupBarrier();
  ${forward(
    1,
    P,
    'xs',
    (j) => `let y = max(vec4f(0.0), a[${j}] + bias[${j}]); ys[(row + ${j}) * ${V}u + v] = y;
      ${back ? `if (${inside}) { hidden[(at * ${2 * P}u + half * ${P}u + row + ${j}) * ${vectors}u + lg] = y; }` : ''}`,
  )}
  ${forward(2, Q, 'ys', (j) => `zs[(row + ${j}) * ${V}u + v] = a[${j}] + bias[${j}];`)}
  // Several threads share the classes of a softmax; every sum is in the same order. A thread takes four lanes: threads
  // that wrote components of one vector would race.
  let v = tid % ${V}u; let part = tid / ${V}u; let t = t0 + v / ${vectors}u; let lg = v % ${vectors}u;
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
  let target4 = targets[at * ${vectors}u + lg];
  let ignored = target4 == vec4u(0xffffffffu);
  let wanted = select(target4 / ${Q}u, target4 % ${Q}u, vec4<bool>(half == 1u));
  if (part == 0u && ${inside}) {
    let safe = min(wanted, vec4u(${Q - 1}u));
    let chosen = vec4f(${['x', 'y', 'z', 'w'].map((l) => `zs[safe.${l} * ${V}u + v].${l}`).join(', ')});
    nats[(at * 2u + half) * ${vectors}u + lg] = select(log(sum) + (top - chosen), vec4f(0.0), ignored);
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
        if (${inside}) { errors[(at * ${errorRows}u + ${2 * P}u + half * ${Q}u + i) * ${vectors}u + lg] = d; }
      }
    }
  }
  workgroupBarrier();
  ${backward(
    2,
    P,
    'zs',
    `let d = select(vec4f(0.0), sum, ys[item] > vec4f(0.0)); ys[item] = d;
      if (${inside}) { errors[(at * ${errorRows}u + half * ${P}u + c) * ${vectors}u + lg] = d; }`,
  )}
  ${backward(
    1,
    H / 2,
    'ys',
    `if (${inside}) { stateErrors[(at * ${H}u + half * ${H / 2}u + c) * ${vectors}u + lg] = sum; }`,
  )}`
  }
}`,
  );
}

/**
 * Back through all steps of a tile. In place of u, r, R_e h and e it leaves the gradients of the arguments of both
 * sigmoids, of R_e h, and of the argument of tanh. `gateGradient` [lane][frame][3H] receives their sums over the
 * samples of a frame. What goes on to the steps before is in `carry` [tile][dh: H, gates: 3H][lanes], from which it
 * begins too; with `resumes` its last frame is the first one of the chunk after it.
 */
function scanBackward(written: Written): Shader {
  const { sizes, layout, tiling } = written;
  const { hidden: H } = sizes;
  const vectors = tiling.tile / 4;
  const { each, places } = scanItems(written);
  const flush = each((k) =>
    gates(
      (g) => `
    ${four(
      (
        l,
      ) => `gateGradient[((tile * ${4 * vectors}u + lg${k} * 4u + ${l}) * chunk.frames + frame) * ${(3 * H) / 4}u + ${g} * ${H / 4}u + quad${k}] =
        vec4f(${[0, 1, 2, 3].map((j) => `sums${k}[4u * ${g} + ${j}u][${l}]`).join(', ')});`,
    )}`,
    ),
  );
  const carried = (k: number, row: string) => `carry[(tile * ${4 * H}u + ${row} + row${k}) * ${vectors}u + lg${k}]`;
  return shader(
    [
      chunk,
      structure,
      weights,
      ['states', 'vec4f', 'read'],
      ['stateErrors', 'vec4f', 'read'],
      ['gates', 'vec4f', 'write'],
      ['candidates', 'vec4f', 'write'],
      ['gateGradient', 'vec4f', 'write'],
      ['carry', 'vec4f', 'write'],
    ],
    `
var<workgroup> errors: array<vec4f, ${H * vectors}>;
@compute @workgroup_size(${tiling.threads})
fn main(@builtin(local_invocation_index) tid: u32, @builtin(workgroup_id) wid: vec3u) {
  let tile = wid.x; ${member}
  ${places}
  ${each(
    (k) => `
  var dh${k} = array<vec4f, 4>(); var sums${k} = array<vec4f, 12>(); var d${k} = array<vec4f, 12>();
  ${four(
    (j) => `dh${k}[${j}] = ${carried(k, j)};
    ${gates((g) => `sums${k}[4u * ${g} + ${j}] = select(vec4f(0.0), ${carried(k, `${H}u + ${g} * ${H}u + ${j}`)}, chunk.resumes == 1u);`)}`,
  )}`,
  )}
  var frame = (chunk.phase + chunk.steps - 1u) / chunk.hop;
  for (var n = 0u; n < chunk.steps; n++) {
    let t = chunk.steps - 1u - n;
    let f = (chunk.phase + t) / chunk.hop;
    if (f != frame) {
      ${flush}
      ${each((k) => gates((g) => four((j) => `sums${k}[4u * ${g} + ${j}] = vec4f(0.0);`)))}
      frame = f;
    }
    let at = t * chunk.tiles + tile;
    ${each((k) =>
      four(
        (j) => `
      let first = (at * ${2 * H}u + row${k} + ${j}) * ${vectors}u + lg${k}; let second = first + ${H * vectors}u;
      let here = (at * ${H}u + row${k} + ${j}) * ${vectors}u + lg${k};
      let d = dh${k}[${j}] + stateErrors[here];
      let u = gates[first]; let r = gates[second]; let p = candidates[first]; let e = candidates[second];
      let de = d * (1.0 - u) * (1.0 - e * e);
      let du = d * (states[here] - e) * u * (1.0 - u);
      let dr = de * p * r * (1.0 - r);
      let dp = de * r;
      gates[first] = du; gates[second] = dr; candidates[first] = dp; candidates[second] = de;
      sums${k}[${j}] += du; sums${k}[4u + ${j}] += dr; sums${k}[8u + ${j}] += de;
      d${k}[${j}] = du; d${k}[4u + ${j}] = dr; d${k}[8u + ${j}] = dp;
      dh${k}[${j}] = d * u;`,
      ),
    )}
    // A gate at a time: its errors in workgroup memory, from which each thread gathers for its own columns.
    ${gates(
      (g) => `
      workgroupBarrier();
      ${each((k) => four((j) => `errors[(row${k} + ${j}) * ${vectors}u + lg${k}] = d${k}[4u * ${g} + ${j}];`))}
      workgroupBarrier();
      let columnStart = chunk.columnStarts + member * ${layout.columnStride}u + ${g} * ${H + 1}u;
      ${each((k) =>
        four(
          (j) => `
        var sum = dh${k}[${j}];
        let end = structure[columnStart + row${k} + ${j} + 1u];
        for (var b = structure[columnStart + row${k} + ${j}]; b < end; b++) {
          let base = structure[chunk.entries + 2u * b] * ${16 * vectors}u + lg${k};
          let block = structure[chunk.entries + 2u * b + 1u] * 4u;
          ${four(
            (i) => `
            let w = weights[block + ${i}];
            ${four((l) => `sum = fma(vec4f(w[${l}]), errors[base + (4u * ${i} + ${l}) * ${vectors}u], sum);`)}`,
          )}
        }
        dh${k}[${j}] = sum;`,
        ),
      )}`,
    )}
  }
  ${flush}
  ${each((k) =>
    four(
      (j) => `${carried(k, j)} = dh${k}[${j}];
    ${gates((g) => `${carried(k, `${H}u + ${g} * ${H}u + ${j}`)} = sums${k}[4u * ${g} + ${j}];`)}`,
    ),
  )}
}`,
  );
}

/**
 * Adds the gradients of the blocks of a row of blocks (first coordinate), in a slice of time (second), of a member
 * (third), to `partial` [slice][block][16]: tile by tile, so that the order of the additions does not depend on how
 * many tiles are here together. A thread takes 4 rows of 4 blocks.
 */
function blockGradients({ layout, tiling: { tile } }: Written): Shader {
  const vectors = tile / 4;
  return shader(
    [
      chunk,
      ['product', 'Product', 'uniform'],
      structure,
      ['dy', 'vec4f', 'read'],
      ['x', 'vec4f', 'read'],
      ['partial', 'vec4f', 'write'],
    ],
    `
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) tid: u32, @builtin(workgroup_id) wid: vec3u) {
  let member = chunk.firstTile / chunk.tilesOfMember + wid.z;
  let r = member * ${layout.rowStride}u + product.firstRow + wid.x;
  let first = structure[r]; let end = structure[r + 1u];
  let tile0 = max(member * chunk.tilesOfMember, chunk.firstTile) - chunk.firstTile;
  let tile1 = min((member + 1u) * chunk.tilesOfMember, chunk.firstTile + chunk.tiles) - chunk.firstTile;
  let t0 = wid.y * chunk.sliceSteps; let t1 = min(t0 + chunk.sliceSteps, chunk.steps);
  let slice = (chunk.firstSlice + wid.y) * chunk.blocks;
  let items = (end - first + 3u) / 4u * 4u;
  for (var item = tid; item < items; item += 64u) {
    let q = item % 4u; let k0 = first + item / 4u * 4u;
    let dyRow = product.dyFirst + wid.x * 16u + q * 4u;
    var c = array<u32, 4>(); var total = array<vec4f, 4>();
    ${four(
      (b) => `c[${b}] = structure[chunk.columns + min(k0 + ${b}, end - 1u)] + product.xFirst;
      total[${b}] = partial[(slice + min(k0 + ${b}, end - 1u)) * 4u + q];`,
    )}
    for (var tile = tile0; tile < tile1; tile++) {
      var s = array<vec4f, 16>(); var d = array<vec4f, 4>();
      for (var t = t0; t < t1; t++) {
        let dyAt = (t * chunk.tiles + tile) * product.dyRows + dyRow;
        let xAt = ((t + product.xLater) * chunk.tiles + tile) * product.xRows;
        for (var lg = 0u; lg < ${vectors}u; lg++) {
          ${four((j) => `d[${j}] = dy[(dyAt + ${j}) * ${vectors}u + lg];`)}
          ${four(
            (b) => `let v = x[(xAt + c[${b}]) * ${vectors}u + lg];
            ${four((j) => `s[4u * ${b} + ${j}] = fma(d[${j}], v, s[4u * ${b} + ${j}]);`)}`,
          )}
        }
      }
      ${four(
        (b) => `total[${b}] += vec4f(${[0, 1, 2, 3].map((j) => `dot(s[4u * ${b} + ${j}u], vec4f(1.0))`).join(', ')});`,
      )}
    }
    ${four((b) => `if (k0 + ${b} < end) { partial[(slice + k0 + ${b}) * 4u + q] = total[${b}]; }`)}
  }
}`,
  );
}

/** Adds up the slices, in order: `gradient` [block][16]. */
function reduce(): Shader {
  return shader(
    [chunk, ['partial', 'vec4f', 'read'], ['gradient', 'vec4f', 'write']],
    `
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) tid: u32, @builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u) {
  let i = (wid.y * count.x + wid.x) * 64u + tid;
  let length = chunk.blocks * 4u;
  if (i >= length) { return; }
  var sum = vec4f(0.0);
  for (var slice = 0u; slice < chunk.slices; slice++) { sum += partial[slice * length + i]; }
  gradient[i] = sum;
}`,
  );
}

/** The nats of each place in each slice of time (second coordinate), `natsOfSlice` [slice][place]. */
function sumNats({ tiling: { tile } }: Written): Shader {
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
    scanForwardLoss: scanForward(written, false),
    scanForward: scanForward(written, true),
    outputsLoss: outputs(written, false),
    outputs: outputs(written, true),
    scanBackward: scanBackward(written),
    blockGradients: blockGradients(written),
    sumNats: sumNats(written),
    reduce: reduce(),
  };
}
export type ShaderName = keyof ReturnType<typeof shadersOf>;
