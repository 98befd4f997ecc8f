import { firstDense, type NetworkSizes, stripRows } from './layout.js';

// The gradients of weights: for each block of 16×1 the products of 16 errors with one input, summed over samples and lanes.
// Workgroups have parts of a product: some rows of blocks, whose errors they read once, and all inputs of these.

/** Blocks of an item, at most. An item is some blocks of one row of blocks; four threads share it, four rows each. */
export const itemBlocks = 8;

/** Items of a part, at most. */
export const partItems = (threads: number): number => threads / 4;

/** Threads that share a part, at most: more have too few registers. */
export const mostPartThreads = 512;

/** Rows of blocks of a part, at most. */
const mostStrips = 48;

/**
 * Tiles of a band. Sums go band by band, within a band step by step, and tile by tile within a step: so what is read
 * lies side by side, and the order does not depend on how many bands are in memory at a time.
 */
export const bandTiles = 16;

/** Matrices that have errors and, but for a few dense inputs, inputs in common. */
export interface Product {
  readonly strips: number;
  /** The matrix of sparse blocks, if any, and the dense one; and how many strips of each come before. */
  readonly sparse?: { readonly matrix: number; readonly firstStrip: number };
  readonly dense?: { readonly matrix: number; readonly firstStrip: number };
  /** Errors: the buffer, its rows, and the row of the first strip. */
  readonly dy: (typeof dyBuffers)[number];
  readonly dyRows: number;
  readonly dyFirst: number;
  /** Inputs of the sparse blocks: the buffer, its rows, the first row and how many; and whether a step later. */
  readonly x: (typeof xBuffers)[number];
  readonly xRows: number;
  readonly xFirst: number;
  readonly xCount: number;
  readonly xLater: 0 | 1;
  /** Those of the dense ones, in `inputs`. */
  readonly denseFirst: number;
  readonly denseCount: number;
}

/** The products of a network. The candidate's inputs are by themselves: their errors are not those of its product. */
export function productsOf({ hidden: H, projection: P, classes: Q, inputs }: NetworkSizes): readonly Product[] {
  const states = { x: 'states', xRows: H, xFirst: 0, xCount: H, xLater: 0 } as const;
  const gru = { matrix: 0, firstStrip: 0 };
  const heard = { matrix: firstDense, firstStrip: 0 };
  const candidate = { strips: H / stripRows, dy: 'candidates', dyRows: 2 * H } as const;
  const updateAndReset = (2 * H) / stripRows;
  const output = (i: number): Product => {
    const ofState = i % 2 === 0;
    const half = i >> 1;
    return {
      strips: (ofState ? P : Q) / stripRows,
      sparse: { matrix: 1 + i, firstStrip: 0 },
      dense: { matrix: firstDense + 1 + i, firstStrip: 0 },
      dy: 'errors',
      dyRows: 2 * (P + Q),
      dyFirst: ofState ? half * P : 2 * P + half * Q,
      ...(ofState
        ? { ...states, xFirst: half * (H / 2), xCount: H / 2, xLater: 1 }
        : { x: 'hidden', xRows: 2 * P, xFirst: half * P, xCount: P, xLater: 0 }),
      denseFirst: inputs,
      denseCount: 1,
    };
  };
  return [
    {
      strips: updateAndReset,
      sparse: gru,
      dense: heard,
      dy: 'gates',
      dyRows: 2 * H,
      dyFirst: 0,
      ...states,
      denseFirst: 0,
      denseCount: inputs,
    },
    {
      ...candidate,
      sparse: { ...gru, firstStrip: updateAndReset },
      dyFirst: 0,
      ...states,
      denseFirst: 0,
      denseCount: 0,
    },
    {
      ...candidate,
      dense: { ...heard, firstStrip: updateAndReset },
      dyFirst: H,
      ...states,
      xCount: 0,
      denseFirst: 0,
      denseCount: inputs,
    },
    ...[0, 1, 2, 3].map(output),
  ];
}

/** Words of a part: member, product, first strip, strips, first item, items; and of an item: see `partsOf`. */
export const partWords = 6;
export const itemWords = 4;

/** Words of a product, in order; `dyBuffer` and `xBuffer` are places in `dyBuffers` and `xBuffers`. */
export const productFields = [
  'dyBuffer',
  'dyRows',
  'dyFirst',
  'xBuffer',
  'xRows',
  'xFirst',
  'xCount',
  'xLater',
  'denseFirst',
  'denseCount',
] as const;
export const dyBuffers = ['gates', 'candidates', 'errors'] as const;
export const xBuffers = ['states', 'hidden'] as const;

/** The parts of all products, in the words that the shader reads. */
export interface ProductParts {
  /** [products, productFields]. */
  readonly products: Uint32Array;
  /** [parts, partWords]. */
  readonly parts: Uint32Array;
  /** [items, itemWords]: strip within the part, first block, blocks, what is added to a column. */
  readonly items: Uint32Array;
}

/**
 * Shares out the products of all members.
 * @param blocksOf first block and number of blocks of a row of blocks of a matrix
 * @param strips of a part, at most
 * @param threads of a part
 */
export function partsOf(
  sizes: NetworkSizes,
  members: number,
  blocksOf: (member: number, matrix: number, strip: number) => readonly [first: number, count: number],
  strips: number,
  threads: number,
): ProductParts {
  const parts: number[] = [];
  const items: number[] = [];
  const products = productsOf(sizes);
  products.forEach((product, p) => {
    for (let member = 0; member < members; member++) {
      let begun: { strip: number; item: number } | undefined;
      const finish = (end: number) => {
        const count = begun ? items.length / itemWords - begun.item : 0;
        if (begun && count > 0) parts.push(member, p, begun.strip, end - begun.strip, begun.item, count);
        begun = undefined;
      };
      for (let strip = 0; strip < product.strips; strip++)
        for (const [given, offset] of [
          [product.sparse, 0],
          [product.dense, product.xCount],
        ] as const) {
          if (!given) continue;
          const [first, count] = blocksOf(member, given.matrix, given.firstStrip + strip);
          for (let k = 0; k < count; k += itemBlocks) {
            if (begun && strip - begun.strip === strips) finish(strip);
            else if (begun && items.length / itemWords - begun.item === partItems(threads)) finish(strip + 1);
            begun ??= { strip, item: items.length / itemWords };
            items.push(strip - begun.strip, first + k, Math.min(itemBlocks, count - k), offset);
          }
        }
      finish(product.strips);
    }
  });
  const described = products.map((product) => ({
    ...product,
    dyBuffer: dyBuffers.indexOf(product.dy),
    xBuffer: xBuffers.indexOf(product.x),
  }));
  return {
    products: Uint32Array.from(described.flatMap((product) => productFields.map((name) => product[name]))),
    parts: Uint32Array.from(parts),
    items: Uint32Array.from(items),
  };
}

/** Words of memory that a part shares, in vectors: all inputs of a product, and the errors of its strips. */
export function widestInputs(sizes: NetworkSizes): number {
  return Math.max(...productsOf(sizes).map(({ xCount, denseCount }) => xCount + denseCount));
}

/** Strips that a part may have where a workgroup shares so many vectors; 0: it cannot be done. */
export function stripsThatFit(sizes: NetworkSizes, vectors: number): number {
  return Math.min(mostStrips, Math.floor((vectors - widestInputs(sizes)) / stripRows));
}
