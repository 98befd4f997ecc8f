import { isVowel } from '../arpabet.js';

/** A word made from others. */
export interface Derived {
  readonly phones: string[];
  readonly why: string;
}

/** Pronunciations of a word in small letters. */
export type LookUp = (word: string) => readonly (readonly string[])[];

const hissing = new Set(['S', 'Z', 'SH', 'ZH', 'CH', 'JH']);
const voiceless = new Set(['P', 'T', 'K', 'F', 'TH']);

/** Adds the ending of plurals, possessives and third persons. */
export function withS(phones: readonly string[]): string[] {
  const last = phones[phones.length - 1];
  return [...phones, ...(hissing.has(last) ? ['IH0', 'Z'] : voiceless.has(last) ? ['S'] : ['Z'])];
}

/** Adds the ending of the past. */
function withEd(phones: readonly string[]): string[] {
  const last = phones[phones.length - 1];
  const unvoiced = voiceless.has(last) || ['S', 'SH', 'CH'].includes(last);
  return [...phones, ...(last === 'T' || last === 'D' ? ['IH0', 'D'] : unvoiced ? ['T'] : ['D'])];
}

/** Makes primary stress secondary, as in the later part of a compound. */
const subdued = (phones: readonly string[]): string[] => phones.map((phone) => phone.replace(/1$/, '2'));

interface Suffix {
  readonly letters: string;
  /** Fewest letters that have to stay. */
  readonly least: number;
  /** What the word may have been without it, the likeliest first. */
  readonly stems: (rest: string) => readonly string[];
  readonly add: (phones: readonly string[]) => string[] | undefined;
}

/** bake → baking, stop → stopping, carry → carried. */
const changing = (rest: string): string[] => [
  ...(/([b-df-hj-np-tv-z])\1$/.test(rest) && !/(?:ll|ss|ff|zz)$/.test(rest) ? [rest.slice(0, -1)] : []),
  rest,
  `${rest}e`,
  ...(/(?:ll|ss|ff|zz)$/.test(rest) ? [rest.slice(0, -1)] : []),
  ...(rest.endsWith('i') ? [`${rest.slice(0, -1)}y`] : []),
];
const asIs = (rest: string): string[] => [rest, ...(rest.endsWith('i') ? [`${rest.slice(0, -1)}y`] : [])];
const plus =
  (...more: string[]) =>
  (phones: readonly string[]) => [...phones, ...more];

/** The longest first: -fulness is -ful and -ness, one after the other. */
const suffixes: readonly Suffix[] = [
  { letters: "'s", least: 1, stems: (rest) => [rest], add: withS },
  { letters: "s'", least: 2, stems: (rest) => [`${rest}s`], add: plus() },
  { letters: 'ies', least: 2, stems: (rest) => [`${rest}y`, `${rest}ie`], add: withS },
  {
    letters: 'es',
    least: 2,
    stems: (rest) => (/(?:s|x|z|ch|sh|o)$/.test(rest) ? [rest, `${rest}e`] : [`${rest}e`]),
    add: withS,
  },
  { letters: 's', least: 2, stems: (rest) => (/[su]$/.test(rest) ? [] : [rest]), add: withS },
  { letters: 'ed', least: 2, stems: changing, add: withEd },
  { letters: 'ingly', least: 3, stems: changing, add: plus('IH0', 'NG', 'L', 'IY0') },
  { letters: 'ings', least: 3, stems: changing, add: plus('IH0', 'NG', 'Z') },
  { letters: "in'", least: 3, stems: changing, add: plus('IH0', 'N') },
  { letters: 'ing', least: 2, stems: changing, add: plus('IH0', 'NG') },
  { letters: 'iest', least: 3, stems: (rest) => [`${rest}y`], add: plus('AH0', 'S', 'T') },
  { letters: 'est', least: 3, stems: changing, add: plus('AH0', 'S', 'T') },
  { letters: 'ness', least: 3, stems: asIs, add: plus('N', 'AH0', 'S') },
  { letters: 'less', least: 3, stems: asIs, add: plus('L', 'AH0', 'S') },
  { letters: 'ful', least: 3, stems: asIs, add: plus('F', 'AH0', 'L') },
  { letters: 'ably', least: 3, stems: (rest) => [rest, `${rest}e`], add: plus('AH0', 'B', 'L', 'IY0') },
  { letters: 'able', least: 3, stems: changing, add: plus('AH0', 'B', 'AH0', 'L') },
  {
    letters: 'ability',
    least: 3,
    stems: (rest) => [rest, `${rest}e`],
    add: (phones) => [...subdued(phones), 'AH0', 'B', 'IH1', 'L', 'AH0', 'T', 'IY0'],
  },
  { letters: 'ment', least: 3, stems: asIs, add: plus('M', 'AH0', 'N', 'T') },
  { letters: 'ship', least: 3, stems: asIs, add: plus('SH', 'IH2', 'P') },
  { letters: 'hood', least: 3, stems: asIs, add: plus('HH', 'UH2', 'D') },
  { letters: 'like', least: 3, stems: asIs, add: plus('L', 'AY2', 'K') },
  { letters: 'wards', least: 3, stems: asIs, add: plus('W', 'ER0', 'D', 'Z') },
  { letters: 'ward', least: 3, stems: asIs, add: plus('W', 'ER0', 'D') },
  { letters: 'wise', least: 3, stems: asIs, add: plus('W', 'AY2', 'Z') },
  { letters: 'ish', least: 3, stems: changing, add: plus('IH0', 'SH') },
  { letters: 'ism', least: 4, stems: (rest) => [rest], add: plus('IH2', 'Z', 'AH0', 'M') },
  { letters: 'ist', least: 4, stems: (rest) => [rest], add: plus('IH0', 'S', 'T') },
  { letters: 'ally', least: 4, stems: (rest) => [rest], add: plus('L', 'IY0') },
  {
    // probable → probably: the last vowel goes.
    letters: 'ly',
    least: 2,
    stems: (rest) => [rest, `${rest}le`, `${rest}l`, ...(rest.endsWith('i') ? [`${rest.slice(0, -1)}y`] : [])],
    add: (phones) => [
      ...(/^L$/.test(phones[phones.length - 1])
        ? phones.slice(0, phones[phones.length - 2] === 'AH0' ? -2 : -1)
        : phones),
      'L',
      'IY0',
    ],
  },
  { letters: 'ers', least: 3, stems: changing, add: plus('ER0', 'Z') },
  { letters: 'er', least: 3, stems: changing, add: plus('ER0') },
  { letters: 'ors', least: 4, stems: (rest) => [rest, `${rest}e`], add: plus('ER0', 'Z') },
  { letters: 'or', least: 4, stems: (rest) => [rest, `${rest}e`], add: plus('ER0') },
  { letters: 'y', least: 3, stems: changing, add: plus('IY0') },
];

const prefixes: Readonly<Record<string, string>> = {
  anti: 'AE2 N T IY0',
  counter: 'K AW2 N T ER0',
  cyber: 'S AY2 B ER0',
  dis: 'D IH0 S',
  fore: 'F AO1 R',
  hyper: 'HH AY2 P ER0',
  inter: 'IH2 N T ER0',
  mega: 'M EH2 G AH0',
  micro: 'M AY2 K R OW0',
  mid: 'M IH1 D',
  mini: 'M IH2 N IY0',
  mis: 'M IH0 S',
  multi: 'M AH2 L T IY0',
  nano: 'N AE2 N OW0',
  neo: 'N IY2 OW0',
  non: 'N AA2 N',
  out: 'AW2 T',
  over: 'OW2 V ER0',
  photo: 'F OW2 T OW0',
  post: 'P OW2 S T',
  pre: 'P R IY0',
  pro: 'P R OW0',
  pseudo: 'S UW2 D OW0',
  re: 'R IY0',
  semi: 'S EH2 M IY0',
  sub: 'S AH2 B',
  super: 'S UW2 P ER0',
  trans: 'T R AE2 N Z',
  ultra: 'AH2 L T R AH0',
  un: 'AH0 N',
  under: 'AH2 N D ER0',
};

/** British and other spellings, as the dictionary spells them. */
function respelled(word: string): string[] {
  const all = [
    word.replace(/our(?=s?$|ed$|ing$|er|able|ful|less|ite|ly|y$|hood)/, 'or'),
    word.replace(/is(?=e[ds]?$|er|ing$|ation|able)/, 'iz'),
    word.replace(/ys(?=e[ds]?$|er|ing$)/, 'yz'),
    word.replace(/tre(?=s?$)/, 'ter').replace(/bre(?=s?$)/, 'ber'),
    word.replace(/ll(?=ed$|ing$|er)/, 'l'),
    word.replace(/ogue(?=s?$)/, 'og'),
    word.replace(/ence(?=s?$)/, 'ense'),
    word.replace(/(?:ae|oe)/, 'e'),
    word.replace(/xion(?=s?$)/, 'ction'),
    word.replace(/mme(?=s?$)/, 'm'),
    word.replace(/ck(?=ed$|ing$)/, 'c'),
    word.replace(/grey/, 'gray'),
    word.replace(/l(?=ment|fil$|ful)/, 'll'),
  ];
  return all.filter((other) => other !== word);
}

/** Three the same letters or more in a row: of "soooo" first two stay, then one. */
function shortened(word: string): string[] {
  if (!/(.)\1\1/u.test(word)) return [];
  return [word.replaceAll(/(.)\1{2,}/gu, '$1$1'), word.replaceAll(/(.)\1{2,}/gu, '$1')];
}

/**
 * Makes a word that no dictionary has from words that it has: endings, beginnings, other spellings, compounds. The stem
 * may be made so itself.
 */
export function derive(word: string, lookUp: LookUp, depth = 0): Derived | undefined {
  if (word.length > 40) return undefined;
  const known = (candidate: string): Derived | undefined => {
    const [phones] = lookUp(candidate);
    return phones && { phones: [...phones], why: `'${candidate}'` };
  };
  const made = (candidate: string) => (depth < 2 ? derive(candidate, lookUp, depth + 1) : undefined);
  for (const other of shortened(word)) {
    const found = known(other) ?? made(other);
    if (found) return { phones: found.phones, why: `as ${found.why}` };
  }
  for (const other of depth === 0 ? respelled(word) : []) {
    const found = known(other);
    if (found) return { phones: found.phones, why: `another spelling of ${found.why}` };
  }
  // Stems that the dictionary has come before those that are made themselves.
  return suffixed(word, known) ?? withPrefix(word, lookUp) ?? compound(word, lookUp) ?? suffixed(word, made);
}

function suffixed(word: string, stem: (candidate: string) => Derived | undefined): Derived | undefined {
  for (const { letters, least, stems, add } of suffixes) {
    if (!word.endsWith(letters) || word.length < letters.length + least) continue;
    for (const candidate of stems(word.slice(0, -letters.length))) {
      // Short stems are words by chance.
      if (candidate.length < 3 && !letters.includes("'")) continue;
      const found = stem(candidate);
      const phones = found && add(found.phones);
      if (phones) return { phones, why: `${found.why} and -${letters}` };
    }
  }
  return undefined;
}

function withPrefix(word: string, lookUp: LookUp): Derived | undefined {
  for (let length = 7; length >= 2; length--) {
    const prefix = word.slice(0, length);
    if (!Object.hasOwn(prefixes, prefix) || word.length < length + 4) continue;
    const rest = word.slice(length).replace(/^-/, '');
    const [phones] = lookUp(rest);
    if (phones === undefined) continue;
    const before = prefixes[prefix].split(' ');
    // dis- and similar: one S.
    const joined = before[before.length - 1] === phones[0] ? before.slice(0, -1) : before;
    return { phones: [...joined, ...phones], why: `${prefix}- and '${rest}'` };
  }
  return undefined;
}

const shortParts = new Set('man men way day boy box bed eye pot gun out off fly top cup bag net'.split(' '));

/** Two words in one, the first as long as it may be; the second loses its primary stress. */
function compound(word: string, lookUp: LookUp): Derived | undefined {
  for (let at = word.length - 3; at >= 3; at--) {
    const [first, second] = [word.slice(0, at), word.slice(at)];
    const [a] = lookUp(first);
    const [b] = a === undefined ? [] : lookUp(second);
    if (a === undefined || b === undefined || !a.some(isVowel) || !b.some(isVowel)) continue;
    // Short parts are endings and names rather than words, but for some.
    if (second.length < 4 && !shortParts.has(second)) continue;
    if (first.length < 4 && word.length < 8) continue;
    return { phones: [...a, ...subdued(b)], why: `'${first}' and '${second}'` };
  }
  return undefined;
}
