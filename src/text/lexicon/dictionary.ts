/** The CMU pronouncing dictionary as its package has it: `word` and further pronunciations as `word(2)`. */
export type Dictionary = Readonly<Record<string, string>>;

let loaded: Promise<Dictionary> | undefined;

/** The dictionary, 135,000 entries and 4.7 MB of source: it is loaded when it is first asked for, and once. */
export function loadDictionary(): Promise<Dictionary> {
  return (loaded ??= import('cmu-pronouncing-dictionary').then(({ dictionary }) => dictionary));
}

/** Words that normalisation makes and the dictionary does not have. */
const additions: Readonly<Record<string, string>> = {
  miz: 'M IH1 Z',
  messers: 'M EH1 S ER0 Z',
  ibidem: 'IH1 B IH0 D EH2 M',
  kibibyte: 'K IH1 B IH0 B AY2 T',
  kibibytes: 'K IH1 B IH0 B AY2 T S',
  mebibyte: 'M EH1 B IH0 B AY2 T',
  mebibytes: 'M EH1 B IH0 B AY2 T S',
  gibibyte: 'G IH1 B IH0 B AY2 T',
  gibibytes: 'G IH1 B IH0 B AY2 T S',
};

/** The pronunciations of a word in small letters, none if the dictionary does not have it. */
export function lookUp(dictionary: Dictionary, word: string): string[][] {
  if (Object.hasOwn(additions, word)) return [additions[word].split(' ')];
  if (!Object.hasOwn(dictionary, word)) return [];
  const all = [dictionary[word]];
  for (let i = 2; Object.hasOwn(dictionary, `${word}(${i})`); i++) all.push(dictionary[`${word}(${i})`]);
  return all.map((phones) => phones.split(' '));
}

const letterNames: Readonly<Record<string, string>> = {
  A: 'EY1',
  B: 'B IY1',
  C: 'S IY1',
  D: 'D IY1',
  E: 'IY1',
  F: 'EH1 F',
  G: 'JH IY1',
  H: 'EY1 CH',
  I: 'AY1',
  J: 'JH EY1',
  K: 'K EY1',
  L: 'EH1 L',
  M: 'EH1 M',
  N: 'EH1 N',
  O: 'OW1',
  P: 'P IY1',
  Q: 'K Y UW1',
  R: 'AA1 R',
  S: 'EH1 S',
  T: 'T IY1',
  U: 'Y UW1',
  V: 'V IY1',
  W: 'D AH1 B AH0 L Y UW0',
  X: 'EH1 K S',
  Y: 'W AY1',
  Z: 'Z IY1',
};

/** The name of a letter as phones; undefined for what is no letter from A to Z. */
export const letterName = (letter: string): string[] | undefined => letterNames[letter.toUpperCase()]?.split(' ');
