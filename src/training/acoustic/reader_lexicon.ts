import type { ClipAlignment } from '../../data/alignment/clip_alignment.js';
import { homographs } from '../../text/lexicon/homographs.js';
import { type Lexicon, lexiconKey } from '../../text/lexicon/own.js';
import type { Pronouncer } from '../../text/lexicon/pronouncer.js';

/** A habit is what a reader has done so often, */
const leastTimes = 3;
/** and nearly always. */
const leastShare = 0.8;

/**
 * Words that a reader says in another way than the dictionary: those that were said at least three times, and in one
 * way nearly always. Homographs are left out; the words around them tell their pronunciation.
 */
export async function readerLexicon(alignments: readonly ClipAlignment[], pronouncer: Pronouncer): Promise<Lexicon> {
  const said = new Map<string, Map<string, number>>();
  for (const { words, tokens, guessed } of alignments) {
    const phones = words.map((): string[] => []);
    for (const { symbol, word } of tokens) if (/^[A-Z]/.test(symbol) && word < words.length) phones[word].push(symbol);
    const unsure = new Set(guessed);
    words.forEach((written, i) => {
      if (unsure.has(i) || phones[i].length === 0) return;
      const key = lexiconKey(written);
      const ways = said.get(key) ?? new Map<string, number>();
      const way = phones[i].join(' ');
      said.set(key, ways.set(way, (ways.get(way) ?? 0) + 1));
    });
  }
  const ambiguous = new Set(homographs());
  const habits = [...said].flatMap(([word, ways]) => {
    const [[way, times]] = [...ways].sort((a, b) => b[1] - a[1]);
    const all = [...ways.values()].reduce((sum, count) => sum + count, 0);
    const habit = times >= leastTimes && times >= leastShare * all && !ambiguous.has(word) && /\p{L}/u.test(word);
    return habit ? [{ word, way }] : [];
  });
  const lexicon = new Map<string, readonly (readonly string[])[]>();
  for (const { word, way } of habits.sort((a, b) => (a.word < b.word ? -1 : 1))) {
    const [usual] = await pronouncer.pronounce([{ word, written: word, afterPause: false }]);
    if ('phones' in usual && usual.phones.join(' ') !== way) lexicon.set(word, [way.split(' ')]);
  }
  return lexicon;
}
