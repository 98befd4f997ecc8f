/**
 * An n-gram model of sequences of symbols, interpolated modified Kneser-Ney (Chen and Goodman 1998, "An empirical study
 * of smoothing techniques for language modeling", section 3), pruned by what an n-gram brings over the shorter one
 * (Seymore and Rosenfeld 1996, "Scalable backoff language models").
 *
 *     p(g | h) = share(h g) + backoff(h) · p(g | h without its first symbol)
 *
 * The model is a tree: a node is an n-gram, its parent the n-gram without the last symbol. Children of a node lie side
 * by side, sorted by symbol.
 */
export interface NgramModel {
  /** Length of the longest n-gram. */
  readonly order: number;
  /** How many symbols can be predicted; the end of a sequence is the symbol `symbols - 1`, its beginning `symbols`. */
  readonly symbols: number;
  /** Per node; node 0 is the root, the empty n-gram. */
  readonly symbol: Uint16Array;
  readonly share: Float32Array;
  readonly backoff: Float32Array;
  /** Children of node n are the nodes from firstChild[n] to firstChild[n + 1] − 1. */
  readonly firstChild: Uint32Array;
}

/** The contexts that a prediction looks at: per length, the node of the last symbols, or −1 where it has none. */
export type NgramState = Int32Array;

/** The child of a node, or −1. */
export function childOf({ symbol, firstChild }: NgramModel, node: number, wanted: number): number {
  let low = firstChild[node];
  let high = firstChild[node + 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (symbol[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low < firstChild[node + 1] && symbol[low] === wanted ? low : -1;
}

/** The state at the beginning of a sequence. */
export function initialState(model: NgramModel): NgramState {
  let state: NgramState = new Int32Array(model.order).fill(-1);
  state[0] = 0;
  for (let i = 1; i < model.order; i++) state = nextState(model, state, model.symbols);
  return state;
}

export function nextState(model: NgramModel, state: NgramState, symbol: number): NgramState {
  const next = new Int32Array(state.length).fill(-1);
  next[0] = 0;
  for (let n = 1; n < state.length; n++) if (state[n - 1] >= 0) next[n] = childOf(model, state[n - 1], symbol);
  return next;
}

/** p(symbol | state), above 0. */
export function probability(model: NgramModel, state: NgramState, symbol: number): number {
  let p = 1 / model.symbols;
  for (const context of state) {
    if (context < 0) continue;
    const node = childOf(model, context, symbol);
    p = (node < 0 ? 0 : model.share[node]) + model.backoff[context] * p;
  }
  return p;
}

/** A tree that grows: nodes in the order in which they came. */
class Counts {
  readonly parent: number[] = [-1];
  readonly symbol: number[] = [0];
  readonly suffix: number[] = [0];
  readonly depth: number[] = [0];
  /** How often the n-gram was seen. */
  readonly seen: number[] = [0];
  /** What Kneser-Ney counts: of the longest n-grams as seen, of others how many symbols they follow. */
  readonly count: number[] = [0];
  private readonly children = new Map<number, number>();

  constructor(private readonly fanOut: number) {}

  child(parent: number, symbol: number, suffix: number): number {
    const key = parent * this.fanOut + symbol;
    const known = this.children.get(key);
    if (known !== undefined) return known;
    const node = this.parent.push(parent) - 1;
    this.children.set(key, node);
    this.symbol.push(symbol);
    this.suffix.push(suffix);
    this.depth.push(this.depth[parent] + 1);
    this.seen.push(0);
    this.count.push(0);
    return node;
  }
}

/**
 * Learns a model.
 *
 * @param sequences of symbols 0 … symbols − 2; the end is added
 * @param prune n-grams of three symbols and more stay if their count times the logarithm of what they gain reaches this
 */
export function learnNgrams(
  sequences: readonly Uint16Array[],
  { order, symbols, prune }: { order: number; symbols: number; prune: number },
): NgramModel {
  const counts = count(sequences, order, symbols);
  const nodes = counts.parent.length;
  const discount = discounts(counts, order);

  // Per context: what its n-grams count together, and what discounting takes of it.
  const total = new Float64Array(nodes);
  const freed = new Float64Array(nodes);
  for (let x = 1; x < nodes; x++) {
    total[counts.parent[x]] += counts.count[x];
    freed[counts.parent[x]] += counts.count[x] === 0 ? 0 : discount(x);
  }
  const share = (x: number) => (counts.count[x] === 0 ? 0 : (counts.count[x] - discount(x)) / total[counts.parent[x]]);
  const shorterFirst = Array.from({ length: nodes - 1 }, (_, i) => i + 1).sort(
    (a, b) => counts.depth[a] - counts.depth[b] || a - b,
  );
  const p = new Float64Array(nodes);
  p[0] = 1 / symbols;
  for (const x of shorterFirst) {
    const context = counts.parent[x];
    const backoff = total[context] > 0 ? freed[context] / total[context] : 1;
    p[x] = share(x) + backoff * p[counts.suffix[x]];
  }

  const kept = new Uint8Array(nodes);
  kept[0] = 1;
  for (let i = shorterFirst.length - 1; i >= 0; i--) {
    const x = shorterFirst[i];
    const gain = counts.seen[x] === 0 ? 0 : counts.seen[x] * Math.log(p[x] / p[counts.suffix[x]]);
    if (counts.depth[x] < 3 || gain >= prune) kept[x] = 1;
    if (kept[x]) kept[counts.parent[x]] = 1;
    else freed[counts.parent[x]] += counts.count[x] === 0 ? 0 : counts.count[x] - discount(x);
  }
  return arrange(counts, { order, symbols, kept, share, backoff: (x) => (total[x] > 0 ? freed[x] / total[x] : 1) });
}

function count(sequences: readonly Uint16Array[], order: number, symbols: number): Counts {
  const counts = new Counts(symbols + 1);
  const begin: number[] = [0];
  for (let n = 1; n < order; n++) begin.push(counts.child(begin[n - 1], symbols, n === 1 ? 0 : begin[n - 1]));
  const end = symbols - 1;
  for (const sequence of sequences) {
    let contexts = begin;
    for (let i = 0; i <= sequence.length; i++) {
      const symbol = i < sequence.length ? sequence[i] : end;
      const next = [0];
      for (let n = 1; n <= order; n++) next.push(counts.child(contexts[n - 1], symbol, n === 1 ? 0 : next[n - 1]));
      // A longer n-gram that is seen for the first time is one more symbol that the shorter one follows.
      for (let n = order; n > 0; n--) {
        const x = next[n];
        if (n === order) counts.count[x]++;
        else if (counts.seen[next[n + 1]] === 1) counts.count[x]++;
        counts.seen[x]++;
      }
      contexts = next.slice(0, order);
    }
  }
  return counts;
}

/** The discount of an n-gram by its length and count: three per length, from how many n-grams have counts 1 to 4. */
function discounts({ count: counted, depth }: Counts, order: number): (node: number) => number {
  const having = Array.from({ length: order + 1 }, () => [0, 0, 0, 0, 0]);
  counted.forEach((value, x) => {
    if (value >= 1 && value <= 4) having[depth[x]][value]++;
  });
  const table = having.map(([, one, two, three, four]) => {
    // Too few n-grams to tell.
    if (one === 0 || two === 0 || three === 0) return [0, 0.5, 0.5, 0.5];
    const y = one / (one + 2 * two);
    return [0, 1 - (2 * y * two) / one, 2 - (3 * y * three) / two, 3 - (4 * y * four) / three].map((value, i) =>
      Math.min(Math.max(value, 0), i),
    );
  });
  return (x) => table[depth[x]][Math.min(counted[x], 3)];
}

/** The kept nodes, shorter before longer, children of a node side by side and sorted. */
function arrange(
  { parent, symbol }: Counts,
  parts: {
    order: number;
    symbols: number;
    kept: Uint8Array;
    share: (node: number) => number;
    backoff: (node: number) => number;
  },
): NgramModel {
  const { order, symbols, kept, share, backoff } = parts;
  const children = new Map<number, number[]>();
  for (let x = 1; x < parent.length; x++) {
    if (!kept[x]) continue;
    const siblings = children.get(parent[x]);
    if (siblings) siblings.push(x);
    else children.set(parent[x], [x]);
  }
  const sorted = [0];
  const firstChild: number[] = [];
  for (let i = 0; i < sorted.length; i++) {
    firstChild.push(sorted.length);
    sorted.push(...(children.get(sorted[i]) ?? []).sort((a, b) => symbol[a] - symbol[b]));
  }
  return {
    order,
    symbols,
    symbol: Uint16Array.from(sorted, (x) => symbol[x]),
    share: Float32Array.from(sorted, (x) => (x === 0 ? 0 : share(x))),
    // An n-gram without children hands all to the shorter one.
    backoff: Float32Array.from(sorted, (x) => (children.has(x) ? backoff(x) : 1)),
    firstChild: Uint32Array.from([...firstChild, sorted.length]),
  };
}
