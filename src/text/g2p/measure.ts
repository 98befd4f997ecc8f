import { type G2p, pronounceByLetters } from './g2p.js';

/** Errors of pronunciations against those of a dictionary. */
export interface PhoneErrors {
  readonly words: number;
  /** Phones of the pronunciations that were compared with. */
  readonly phones: number;
  /** Insertions, deletions and substitutions over `phones`. */
  readonly phoneErrorRate: number;
  /** Share of words that are not quite right. */
  readonly wordErrorRate: number;
}

const withoutStress = (phones: readonly string[]) => phones.map((phone) => phone.replace(/\d$/, ''));

/**
 * Pronounces words by their letters and compares with the nearest of the pronunciations that are given.
 *
 * @param stress whether AH0 and AH1 differ
 */
export function phoneErrors(
  model: G2p,
  words: ReadonlyMap<string, readonly (readonly string[])[]>,
  { stress }: { stress: boolean },
): PhoneErrors {
  const kept = stress ? (phones: readonly string[]) => phones : withoutStress;
  let [phones, errors, wrong] = [0, 0, 0];
  for (const [word, references] of words) {
    const said = kept(pronounceByLetters(model, word));
    const all = references.map((reference) => ({ length: reference.length, edits: edits(said, kept(reference)) }));
    const nearest = all.reduce((a, b) => (b.edits < a.edits ? b : a));
    phones += nearest.length;
    errors += nearest.edits;
    if (nearest.edits > 0) wrong++;
  }
  return { words: words.size, phones, phoneErrorRate: errors / phones, wordErrorRate: wrong / words.size };
}

/** Levenshtein's distance of two sequences. */
export function edits(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  a.forEach((item, i) => {
    const next = [i + 1];
    b.forEach((other, j) => next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (item === other ? 0 : 1))));
    row = next;
  });
  return row[b.length];
}
