/**
 * Alignment of spellings with pronunciations. A word and its phones are taken apart into graphones, pairs of one or two
 * letters and none, one or two phones; how likely each pair is, is learned by expectation maximisation
 * (Bisani and Ney 2008, "Joint-sequence models for grapheme-to-phoneme conversion", section 3).
 */

/** A word and one of its pronunciations. */
export interface Pronounced {
  readonly word: string;
  readonly phones: readonly string[];
}

export interface Graphone {
  readonly letters: string;
  readonly phones: readonly string[];
}

export interface Alignment {
  readonly graphones: readonly Graphone[];
  /** Per pair that can be aligned, indices into `graphones`. */
  readonly sequences: readonly Uint16Array[];
}

/** Letters and phones of a pair, with the weight that it has before anything is learned. */
const kinds = [
  { letters: 1, phones: 0, weight: 0.02 },
  { letters: 1, phones: 1, weight: 1 },
  { letters: 1, phones: 2, weight: 0.05 },
  { letters: 2, phones: 1, weight: 0.05 },
] as const;

const floor = 1e-12;

/** The ways through one word: edges between (letters read, phones said), in topological order. */
interface Lattice {
  readonly from: Uint16Array;
  readonly to: Uint16Array;
  readonly graphone: Uint16Array;
  readonly end: number;
}

/**
 * Learns graphones from pairs and takes the pairs apart by them. A pair with more phones than two a letter is left out.
 *
 * @param rounds of expectation maximisation
 */
export function alignGraphones(pairs: readonly Pronounced[], rounds: number): Alignment {
  const graphones: Graphone[] = [];
  const weights: number[] = [];
  const index = new Map<string, number>();
  const idOf = (letters: string, phones: readonly string[], weight: number): number => {
    const key = `${letters} ${phones.join(' ')}`;
    const known = index.get(key);
    if (known !== undefined) return known;
    index.set(key, graphones.length);
    weights.push(weight);
    return graphones.push({ letters, phones }) - 1;
  };
  const lattices = pairs
    .filter(({ word, phones }) => phones.length > 0 && phones.length <= 2 * word.length)
    .map((pair) => lattice(pair, idOf));
  let probability = Float64Array.from(weights);
  for (let round = 0; round < rounds; round++) probability = reestimate(lattices, probability);
  const paths = lattices.map((each) => bestPath(each, probability)).filter((path) => path !== undefined);
  return compact(graphones, paths);
}

function lattice(
  { word, phones }: Pronounced,
  idOf: (letters: string, phones: readonly string[], weight: number) => number,
): Lattice {
  const [from, to, graphone]: number[][] = [[], [], []];
  const width = phones.length + 1;
  for (let i = 0; i < word.length; i++)
    for (let j = 0; j <= phones.length; j++)
      for (const kind of kinds) {
        if (i + kind.letters > word.length || j + kind.phones > phones.length) continue;
        from.push(i * width + j);
        to.push((i + kind.letters) * width + j + kind.phones);
        graphone.push(idOf(word.slice(i, i + kind.letters), phones.slice(j, j + kind.phones), kind.weight));
      }
  return {
    from: Uint16Array.from(from),
    to: Uint16Array.from(to),
    graphone: Uint16Array.from(graphone),
    end: word.length * width + phones.length,
  };
}

/** One round: the expected count of each graphone over all ways through all words, as a probability. */
function reestimate(lattices: readonly Lattice[], probability: Float64Array): Float64Array<ArrayBuffer> {
  const counts = new Float64Array(probability.length);
  for (const { from, to, graphone, end } of lattices) {
    const forward = new Float64Array(end + 1);
    const backward = new Float64Array(end + 1);
    forward[0] = 1;
    backward[end] = 1;
    for (let e = 0; e < from.length; e++) forward[to[e]] += forward[from[e]] * probability[graphone[e]];
    for (let e = from.length - 1; e >= 0; e--) backward[from[e]] += backward[to[e]] * probability[graphone[e]];
    const total = forward[end];
    if (!(total > 0)) continue;
    for (let e = 0; e < from.length; e++)
      counts[graphone[e]] += (forward[from[e]] * probability[graphone[e]] * backward[to[e]]) / total;
  }
  const sum = counts.reduce((a, b) => a + b, 0);
  return counts.map((count) => Math.max(count / sum, floor));
}

function bestPath({ from, to, graphone, end }: Lattice, probability: Float64Array): number[] | undefined {
  const score = new Float64Array(end + 1).fill(-Infinity);
  const back = new Int32Array(end + 1).fill(-1);
  score[0] = 0;
  for (let e = 0; e < from.length; e++) {
    const here = score[from[e]] + Math.log(probability[graphone[e]]);
    if (here <= score[to[e]]) continue;
    score[to[e]] = here;
    back[to[e]] = e;
  }
  if (score[end] === -Infinity) return undefined;
  const path: number[] = [];
  for (let at = end; at > 0; at = from[back[at]]) path.push(graphone[back[at]]);
  return path.reverse();
}

/** Only graphones that are in use, in the order in which they come. */
function compact(graphones: readonly Graphone[], paths: readonly number[][]): Alignment {
  const used = new Map<number, number>();
  for (const path of paths) for (const id of path) if (!used.has(id)) used.set(id, used.size);
  return {
    graphones: [...used.keys()].map((id) => graphones[id]),
    sequences: paths.map((path) => Uint16Array.from(path, (id) => used.get(id)!)),
  };
}
