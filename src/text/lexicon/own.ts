import { TtsError } from '../../base/errors.js';
import { parsePhones } from '../arpabet.js';

/** Words in small letters → their pronunciations, the first one preferred. */
export type Lexicon = ReadonlyMap<string, readonly (readonly string[])[]>;

/** How a word is looked up: small letters, plain apostrophes. */
export const lexiconKey = (word: string): string => word.normalize('NFC').toLowerCase().replaceAll(/[’ʼ]/g, "'");

/**
 * Reads a lexicon: a line per word, `word PH ON1 EH0 Z`, parted by spaces or a tab. A word may have several lines; `#`
 * and `;;;` begin comments; the dictionary's `word(2)` is a further pronunciation of `word`.
 *
 * @param name of the file, for messages
 * @throws TtsError ERR_LEXICON with the line that is wrong
 */
export function parseLexicon(text: string, name: string): Lexicon {
  const lexicon = new Map<string, string[][]>();
  text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .forEach((line, i) => {
      const content = line.trim();
      if (content === '' || content.startsWith('#') || content.startsWith(';;;')) return;
      const wrong = (why: string) => new TtsError('ERR_LEXICON', `${name} line ${i + 1}: ${why}`);
      const [, word, phones] = /^(\S+)\s+(.+)$/.exec(content) ?? [];
      if (word === undefined)
        throw wrong(
          `'${shortened(content)}' has no phones, expected a word, then its phones, as in hello HH AH0 L OW1`,
        );
      const key = lexiconKey(word.replace(/(?<=.)\(\d{1,2}\)$/, ''));
      if (!/\p{L}/u.test(key)) throw wrong(`'${shortened(word)}' has no letter, expected a word`);
      const parsed = parsePhones(phones.replace(/\s#.*$/, ''));
      if ('unknown' in parsed)
        throw wrong(
          `'${shortened(parsed.unknown)}' is no phone, expected ARPAbet, vowels with their stress: AA0 AA1 AA2 … Z ZH`,
        );
      const known = lexicon.get(key);
      if (known === undefined) lexicon.set(key, [parsed.phones]);
      else if (!known.some((other) => other.join(' ') === parsed.phones.join(' '))) known.push(parsed.phones);
    });
  if (lexicon.size === 0) throw new TtsError('ERR_LEXICON', `${name} has no words, expected a line per word`);
  return lexicon;
}

const shortened = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
