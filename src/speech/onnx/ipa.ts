import type { Token } from '../../text/tokens.js';

// From our tokens to the symbols of models that were trained on the phones of eSpeak NG (voice en-us), one Unicode
// character each: Matcha-TTS (github.com/shivammehta25/Matcha-TTS, matcha/text/symbols.py) and icefall with
// piper_phonemize (github.com/k2-fsa/icefall, egs/ljspeech/TTS).

/** ARPAbet to IPA as eSpeak NG writes it; vowels whose quality goes with their stress have it in their name. */
const ipa: Readonly<Record<string, string>> = {
  ...{ AA: 'ɑː', AE: 'æ', AH: 'ʌ', AH0: 'ə', AO: 'ɔː', AW: 'aʊ', AY: 'aɪ', EH: 'ɛ', ER: 'ɜː', ER0: 'ɚ', EY: 'eɪ' },
  ...{ IH: 'ɪ', IY: 'iː', IY0: 'i', OW: 'oʊ', OY: 'ɔɪ', UH: 'ʊ', UW: 'uː' },
  ...{ B: 'b', CH: 'tʃ', D: 'd', DH: 'ð', F: 'f', G: 'ɡ', HH: 'h', JH: 'dʒ', K: 'k', L: 'l', M: 'm', N: 'n', NG: 'ŋ' },
  ...{ P: 'p', R: 'ɹ', S: 's', SH: 'ʃ', T: 't', TH: 'θ', V: 'v', W: 'w', Y: 'j', Z: 'z', ZH: 'ʒ' },
};

const stressMarks: Readonly<Record<string, string>> = { '1': 'ˈ', '2': 'ˌ' };

/** What stands between words and at the end of a sentence; ours have names that are signs already. */
const signs: Readonly<Record<string, string>> = {
  ...{ '^': '', ' ': ' ', ',': ', ', '-': ', ', ';': '; ', '.': '. ', '?': '? ', '!': '! ', _: '. ' },
};

/** The symbols of one of our tokens: none for the beginning of a sentence. */
export function symbolsOf(symbol: string): string[] {
  const sign = signs[symbol] as string | undefined;
  if (sign !== undefined) return [...sign];
  const [, name, stress = ''] = /^([A-Z]+)(\d?)$/.exec(symbol)!;
  return [...(stressMarks[stress] ?? ''), ...(ipa[symbol] ?? ipa[name])];
}

/**
 * A sentence as such models read it.
 * @returns symbols, and for each the index of the token that it comes from
 */
export function ipaOf(tokens: readonly Pick<Token, 'symbol'>[]): { symbols: string[]; from: number[] } {
  const symbols: string[] = [];
  const from: number[] = [];
  for (const [i, { symbol }] of tokens.entries())
    for (const one of symbolsOf(symbol)) {
      symbols.push(one);
      from.push(i);
    }
  // After the last sign comes nothing.
  if (symbols[symbols.length - 1] === ' ') [symbols, from].forEach((list) => list.pop());
  return { symbols, from };
}
