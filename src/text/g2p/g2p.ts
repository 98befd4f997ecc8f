import type { Graphone } from './graphones.js';
import { initialState, nextState, type NgramModel, type NgramState, probability } from './ngram.js';

/** What pronounces words by their letters: graphones, and an n-gram model of their sequences. */
export interface G2p {
  /** The symbols of `ngrams`, without the end. */
  readonly graphones: readonly Graphone[];
  readonly ngrams: NgramModel;
}

/** Letters that one search spells; longer words are spoken piece by piece, so that no product leaves the doubles. */
const longest = 32;
/** Hypotheses that are followed at each letter. */
const beam = 12;
const leastProbability = 1e-7;

interface Hypothesis {
  readonly state: NgramState;
  readonly score: number;
  readonly graphone: number;
  readonly before: Hypothesis | undefined;
}

/** Graphones by their letters, per model. */
const tables = new WeakMap<G2p, ReadonlyMap<string, readonly number[]>>();

/** Letters that a model knows. */
export function knowsLetters(model: G2p, word: string): boolean {
  return [...word].every((letter) => tableOf(model).has(letter));
}

/**
 * The most likely phones of a word by its letters. Only sums and products of numbers of the model go into it: the same
 * phones everywhere.
 *
 * @param word lower case; letters that the model does not know are passed over
 */
export function pronounceByLetters(model: G2p, word: string): string[] {
  const known = [...word].filter((letter) => tableOf(model).has(letter)).join('');
  const phones: string[] = [];
  for (let at = 0; at < known.length; at += longest) phones.push(...search(model, known.slice(at, at + longest)));
  return phones;
}

function tableOf(model: G2p): ReadonlyMap<string, readonly number[]> {
  const known = tables.get(model);
  if (known) return known;
  const table = new Map<string, number[]>();
  model.graphones.forEach(({ letters }, i) => {
    const ids = table.get(letters);
    if (ids) ids.push(i);
    else table.set(letters, [i]);
  });
  tables.set(model, table);
  return table;
}

function search(model: G2p, word: string): string[] {
  const { graphones, ngrams } = model;
  const table = tableOf(model);
  const at: Hypothesis[][] = Array.from({ length: word.length + 1 }, () => []);
  at[0].push({ state: initialState(ngrams), score: 1, graphone: -1, before: undefined });
  for (let i = 0; i < word.length; i++) {
    for (const hypothesis of best(at[i], beam)) {
      for (const letters of [1, 2]) {
        if (i + letters > word.length) continue;
        for (const graphone of table.get(word.slice(i, i + letters)) ?? []) {
          const p = probability(ngrams, hypothesis.state, graphone);
          // Of a single hypothesis all ways on are followed, or none would be left.
          if (p < leastProbability && at[i].length > 1) continue;
          const state = nextState(ngrams, hypothesis.state, graphone);
          at[i + letters].push({ state, score: hypothesis.score * p, graphone, before: hypothesis });
        }
      }
    }
  }
  const end = ngrams.symbols - 1;
  const finished = at[word.length].map((last) => ({
    last,
    score: last.score * probability(ngrams, last.state, end),
  }));
  const [winner] = best(finished, 1);
  const phones: string[][] = [];
  for (let h: Hypothesis | undefined = winner?.last; h?.before; h = h.before)
    phones.push([...graphones[h.graphone].phones]);
  return phones.reverse().flat();
}

/** The highest scores, of equal ones the first. */
const best = <T extends { readonly score: number }>(all: readonly T[], wanted: number): T[] =>
  [...all].sort((a, b) => b.score - a.score).slice(0, wanted);
