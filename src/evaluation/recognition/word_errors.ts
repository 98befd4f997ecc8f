import { distance } from 'fastest-levenshtein';
import { intervalOfMean } from '../../base/statistics.js';
import type { MeanInterval } from '../comparison.js';

/**
 * The words of a text, as they are compared: lower case, without accents; whatever is neither letter, digit nor an
 * apostrophe within a word parts words, so "dock-like" is two. Digits are not spelled out.
 */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKD')
      .replaceAll(/\p{M}/gu, '')
      .replaceAll(/[‘’]/g, "'")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+(?:'[\p{L}\p{N}]+)*/gu) ?? []
  );
}

/**
 * The least number of words that must be put in the place of another, left out or put in to turn what was said into
 * what was heard (Levenshtein 1966, by words).
 */
export function wordErrors(said: readonly string[], heard: readonly string[]): number {
  // The library compares strings: each different word becomes a character of its own.
  const characters = new Map<string, string>();
  const spelled = (words: readonly string[]) =>
    words
      .map((word) => {
        const known = characters.get(word) ?? String.fromCharCode(characters.size);
        characters.set(word, known);
        return known;
      })
      .join('');
  return distance(spelled(said), spelled(heard));
}

/** The words of one clip, and how many of them were wrong. */
export interface CountedWords {
  readonly words: number;
  readonly errors: number;
}

/**
 * Word error rate in percent: errors of all clips over words of all clips, which can exceed 100. Its 95% confidence
 * interval is that of a ratio of two sums with the clips as units (Cochran 1977, Sampling Techniques, chapter 6, with
 * Student's t): clips with more words count more.
 * @param clips at least one of them with words
 */
export function wordErrorRate(clips: readonly CountedWords[]): MeanInterval {
  const words = clips.reduce((sum, clip) => sum + clip.words, 0);
  const rate = clips.reduce((sum, clip) => sum + clip.errors, 0) / words;
  const { mean, high } = intervalOfMean(clips.map((clip) => clip.errors - rate * clip.words));
  const half = high === null ? null : ((high - mean) * clips.length) / words;
  return {
    count: clips.length,
    mean: 100 * rate,
    low: half === null ? null : 100 * (rate - half),
    high: half === null ? null : 100 * (rate + half),
  };
}
