import type { Pronounced } from './graphones.js';

/** Words that the model which ships has not seen: its figures are measured on them. */
export const heldOutWords = 1500;

/** Words that the dictionary spells with letters and apostrophes, with their pronunciations in its order. */
export function wordsOfDictionary(dictionary: Readonly<Record<string, string>>): Map<string, string[][]> {
  const words = new Map<string, string[][]>();
  for (const [entry, phones] of Object.entries(dictionary)) {
    const word = entry.replace(/\(\d\)$/, '');
    if (!/^[a-z'][a-z']*$/.test(word)) continue;
    const pronunciations = words.get(word) ?? [];
    words.set(word, [...pronunciations, phones.split(' ')]);
  }
  return words;
}

/** Parts the words: held out are those whose hash (FNV-1a) is lowest, whatever their order. */
export function partWords(words: ReadonlyMap<string, string[][]>): { heldOut: string[]; training: Pronounced[] } {
  const ranked = [...words.keys()]
    .map((word) => ({ word, rank: hash(word) }))
    .sort((a, b) => a.rank - b.rank || (a.word < b.word ? -1 : 1))
    .map(({ word }) => word);
  const training = ranked
    .slice(heldOutWords)
    .sort()
    .flatMap((word) => words.get(word)!.map((phones) => ({ word, phones })));
  return { heldOut: ranked.slice(0, heldOutWords), training };
}

function hash(word: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) value = Math.imul(value ^ word.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}
