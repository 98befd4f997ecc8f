import { isVowel } from '../arpabet.js';
import { type G2p, pronounceByLetters } from '../g2p/g2p.js';
import { type Dictionary, letterName, loadDictionary, lookUp } from './dictionary.js';
import { chooseReading } from './homographs.js';
import { type Lexicon, lexiconKey } from './own.js';
import { derive, withS } from './suffixes.js';

/** Where the phones of a word come from. */
export type Source = 'override' | 'own' | 'dictionary' | 'suffix' | 'learned' | 'spelled';

export interface Pronunciation {
  readonly phones: readonly string[];
  readonly source: Source;
  readonly why?: string;
  /** All pronunciations that its source has, the chosen one first; an aligner may find that another was said. */
  readonly variants: readonly (readonly string[])[];
}

/** Why a word is left out. */
export interface Unspoken {
  readonly note: string;
}

/** What a pronouncer looks words up in. */
export interface PronouncerSources {
  /** The reader's own words, before all others. */
  readonly own?: Lexicon;
  /** The dictionary, the CMU's if it is left out; asked for at the first word. */
  readonly dictionary?: () => Promise<Dictionary>;
  /** The letter-to-sound model, asked for at the first word that nothing else knows. */
  readonly g2p: () => Promise<G2p>;
}

/** A word that is to be pronounced; see `Said.words` for what its capitals mean. */
export interface UnspokenWord {
  readonly word: string;
  readonly written: string;
  /** Whether a pause stands before it: the word before says nothing about it then. */
  readonly afterPause?: boolean;
}

/** Longer runs of letters are no words. */
const longestWord = 60;

/** Words of the model that are kept. */
const mostLearned = 10_000;

/** Two capitals that are a word nevertheless, where somebody stresses it. */
const shortWords = new Set('AM AN AS AT BE BY DO GO HE IF IN IS ME MY NO OF OH OK ON OR SO TO UP WE'.split(' '));
/** Capitals that are spelled, though the dictionary has a word of the same letters. */
const spelled = new Set(
  'US IT AI EU UK UN PM ID OS PE PR HR TV PC CD DJ EX USA LED SOS VIP DOS ROI CEO SIM DIY ATM'.split(' '),
);

/** Pronounces words: the reader's own lexicon, the dictionary, words made from its words, and the letters. */
export class Pronouncer {
  private dictionary: Dictionary | undefined;
  private g2p: G2p | undefined;
  /** What the model said: a name that comes often is looked for once. */
  private readonly learned = new Map<string, readonly string[]>();

  constructor(private readonly sources: PronouncerSources) {}

  /** What the reader's own lexicon says for something as it is written: `x-ray`, `MP3`. */
  owned(written: string): Pronunciation | undefined {
    const own = this.sources.own?.get(lexiconKey(written));
    return own && { phones: own[0], source: 'own', variants: own };
  }

  /**
   * Pronounces the words of a sentence.
   *
   * @returns a pronunciation or a note for each
   */
  async pronounce(words: readonly UnspokenWord[]): Promise<readonly (Pronunciation | Unspoken)[]> {
    this.dictionary ??= await (this.sources.dictionary ?? loadDictionary)();
    // As homographs see it, with '' for a pause.
    const context: string[] = [];
    const places = words.map(({ word, afterPause }) => {
      if (afterPause) context.push('');
      return context.push(key(word)) - 1;
    });
    const all: (Pronunciation | Unspoken)[] = [];
    for (const [i, { word, written }] of words.entries()) {
      const at = places[i];
      const known = this.known(word, { words: context, at, written });
      if (known) all.push(known);
      else if (word.length > longestWord)
        all.push({ note: `'${word.slice(0, 20)}…' has ${word.length} letters, it is left out` });
      else {
        const phones = await this.byLetters(context[at]);
        if (phones.length > 0) all.push({ phones, source: 'learned', why: 'by its letters', variants: [phones] });
        else all.push({ note: `'${written}' has no letter that can be spoken, it is left out` });
      }
    }
    return weakened(words, all);
  }

  private async byLetters(word: string): Promise<readonly string[]> {
    const known = this.learned.get(word);
    if (known) return known;
    this.g2p ??= await this.sources.g2p();
    const phones = pronounceByLetters(this.g2p, word);
    if (this.learned.size >= mostLearned) this.learned.clear();
    this.learned.set(word, phones);
    return phones;
  }

  private readonly all = (word: string): readonly (readonly string[])[] =>
    this.sources.own?.get(word) ?? lookUp(this.dictionary!, word);

  /** What the lexicon, the dictionary, rules and spelling say. */
  private known(
    word: string,
    place: { words: readonly string[]; at: number; written: string },
  ): Pronunciation | undefined {
    const plain = place.words[place.at];
    const own = this.owned(word) ?? this.owned(plain);
    if (own) return own;
    if (/^\p{Lu}(?:'s)?$/u.test(word)) return spell(word);
    const capitals = /^(\p{Lu}{2,})('?s)?$/u.exec(word)?.[1];
    if (capitals !== undefined && (capitals.length === 2 ? !shortWords.has(capitals) : spelled.has(capitals)))
      return spell(word, 'capitals');

    const found = lookUp(this.dictionary!, plain);
    const choice = chooseReading(place);
    if (choice !== undefined) {
      const { phones, why } = choice;
      const others = found.filter((other) => other.join(' ') !== phones.join(' '));
      return { phones, source: 'dictionary', why, variants: [phones, ...others] };
    }
    if (found.length > 0) return { phones: found[0], source: 'dictionary', variants: found };
    if (capitals !== undefined && !couldBeWord(capitals)) return spell(word, 'capitals');
    if (!/[aeiouy]/.test(plain) && plain.length <= 6) return spell(word, 'no vowel');
    const parts = partsByCase(word);
    if (parts.length > 1) {
      const said = parts.map((part) => this.known(part, { words: [key(part)], at: 0, written: part }));
      if (said.every((part) => part !== undefined)) {
        const phones = said.flatMap((part) => part.phones);
        return { phones, source: 'suffix', why: parts.map((part) => `'${part}'`).join(' and '), variants: [phones] };
      }
    }
    const derived = derive(plain, this.all);
    return derived && { phones: derived.phones, source: 'suffix', why: derived.why, variants: [derived.phones] };
  }
}

/** A word as dictionaries have it: small letters without marks, plain apostrophes. */
const key = (word: string): string => lexiconKey(word).normalize('NFD').replaceAll(/\p{M}/gu, '');

/** `iPhone` → i, Phone; `PyTorch` → Py, Torch; `HTMLParser` → HTML, Parser. */
const partsByCase = (word: string): string[] => word.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+(?:'\p{Ll}+)*/gu) ?? [];

/** Whether people may say capitals as a word, as UNESCO: vowels, and no crowd of consonants. */
const couldBeWord = (capitals: string): boolean =>
  capitals.length >= 4 &&
  /[AEIOU]/.test(capitals) &&
  !/^[^AEIOUY]{3}|[^AEIOUY]{4}|[^AEIOUYLRNMSTKPDXHCF]$/.test(capitals);

/** A word letter by letter; capitals may have an ending, as FBI's and DVDs do. */
function spell(word: string, why = 'a letter'): Pronunciation | undefined {
  const [, letters = word, ending] = /^(\p{Lu}+)('?s)$/u.exec(word) ?? [];
  const names = [...letters].flatMap((letter) => letterName(key(letter)) ?? []);
  if (names.length === 0) return undefined;
  const phones = ending === undefined ? names : withS(names);
  return { phones, source: 'spelled', why, variants: [phones] };
}

/** "the" and "to" before vowels and before consonants. */
function weakened(words: readonly UnspokenWord[], all: readonly (Pronunciation | Unspoken)[]): typeof all {
  return all.map((said, i) => {
    const next = all[i + 1];
    if (!('phones' in said) || said.source !== 'dictionary' || next === undefined || !('phones' in next)) return said;
    const vowel = isVowel(next.phones[0]);
    const { word } = words[i];
    if (word !== 'the' && word !== 'to') return said;
    const form = word === 'the' ? (vowel ? 'DH IY0' : 'DH AH0') : vowel ? 'T UW1' : 'T AH0';
    const phones = form.split(' ');
    const variants = [phones, ...said.variants.filter((other) => other.join(' ') !== form)];
    return { ...said, phones, variants, why: vowel ? 'before a vowel' : 'before a consonant' };
  });
}
