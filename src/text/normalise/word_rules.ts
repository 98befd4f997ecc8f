import { abbreviations, beforeNumbers, dotted, weekdays } from './abbreviations.js';
import { cardinal, digits, label, ordinal, romanValue, year } from './numbers.js';
import { because, type Context, type Rule, rule } from './scanner.js';
import { greek } from './units.js';

const topLevels =
  'com|org|net|edu|gov|mil|int|io|co|ai|app|dev|info|biz|me|tv|uk|us|eu|de|fr|ca|au|jp|cn|in|ru|br|it|es|nl|se|no|ch|nz|ie|za';

const urlSigns: Readonly<Record<string, string>> = {
  '.': 'dot',
  '/': 'slash',
  '-': 'dash',
  _: 'underscore',
  '@': 'at',
  '?': 'question mark',
  '=': 'equals',
  '&': 'and',
  '#': 'hash',
  '%': 'percent',
  '+': 'plus',
  ':': 'colon',
  '~': 'tilde',
};

/** The parts of an address as words: letters of short ones that nobody says as a word, digits one by one. */
export function addressWords(address: string): string {
  return (address.match(/[A-Za-z]+|\d+|[^A-Za-z\d]/g) ?? [])
    .flatMap((part) => {
      if (/^\d/.test(part)) return part.length > 2 && part.length !== 4 ? [digits(part)] : [label(part)];
      if (/^[A-Za-z]/.test(part))
        return [
          /^(?:www|uk|us|eu|io|tv|ai|html?|php|pdf|jpe?g|png|js|xml)$/i.test(part) || part.length === 1
            ? [...part.toUpperCase()].join(' ')
            : part.toLowerCase(),
        ];
      return urlSigns[part] === undefined ? [] : [urlSigns[part]];
    })
    .join(' ');
}

/** CamelCase and digits of a hashtag or a name, as words. */
export const partsOfName = (name: string): string =>
  (name.match(/[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]|\d+/g) ?? [])
    .map((part) => (/^\d/.test(part) ? label(part) : /^[A-Z]+$/.test(part) ? part : part.toLowerCase()))
    .join(' ');

/** Words before a Roman numeral that counts; after names it ranks. */
const counted =
  /^(?:chapter|chap|book|part|volume|vol|act|scene|section|article|figure|fig|plate|appendix|title|class|war|type|phase|table|case|canto|psalm|stage|level|grade|category|group|apollo|gemini|rocky|bowl|fantasy|mark|mk|unit|lesson|episode|season|verse|no|number|page|factor|schedule|division|corps|round|game|opus|symphony|henry vi part)$/i;
const rulers =
  /^(?:Henry|George|Louis|Edward|William|James|Charles|Richard|John|Pius|Leo|Philip|Napoleon|Frederick|Elizabeth|Alexander|Nicholas|Sixtus|Francis|Ferdinand|Peter|Catherine|Mary|Darius|Cyrus|Xerxes|Ramses|Ptolemy|Otto|Gregory|Benedict|Innocent|Clement|Urban|Paul|Joseph|Leopold|Maximilian|Rudolf|Ivan|Gustav|Christian|Haakon|Wilhelm|Umberto|Victor|Emmanuel|Albert|Juan|Carlos|Felipe|Elector|Boniface|Julius|Adrian|Stephen|Eric|Olaf|Malcolm|Robert|Constantine|Theodosius|Justinian|Valentinian|Mehmed|Selim|Suleiman|Murad|Artaxerxes|Cambyses|Nebuchadnezzar|Sargon|Thutmose|Amenhotep|Cleopatra|Tiglath)$/;

function romanNumeral(
  word: string,
  { previous, rest, position, shouting }: Context,
): { words: string; why: string } | undefined {
  const value = romanValue(word);
  if (value === undefined) return undefined;
  const why = 'Roman numeral';
  const after = rest(position + word.length);
  const ends = /^(?:[.,;:)"'-]|$)/.test(after);
  if (counted.test(previous)) {
    // "In the last chapter I have shown" is none.
    if (
      word === 'I' &&
      !ends &&
      (/^[a-z]/.test(previous) || /^ (?:have|had|would|am|think|will|do|did)\b/.test(after)) &&
      !/^ of\b/.test(after)
    )
      return undefined;
    return { words: cardinal(value), why };
  }
  if (rulers.test(previous)) {
    // "When James I saw him" is none, "James I of Scotland" is; "Robert I. Bouck" has an initial.
    if (
      word.length === 1 &&
      (!/[IVX]/.test(word) || /^\.? [A-Z]/.test(after) || (!ends && !/^ (?:of|and|was|had|in|to|who|is)\b/.test(after)))
    )
      return undefined;
    return { words: `the ${ordinal(value)}`, why };
  }
  if (word.length === 1 || shouting) return undefined;
  if (/^[IVX]+$/.test(word)) {
    if (word === 'IV' && /^ (?:drip|fluids?|lines?|therapy|injections?|antibiotics|pole|bag)\b/.test(after))
      return undefined;
    if (/^[A-Z][a-z]+$/.test(previous)) return { words: `the ${ordinal(value)}`, why };
    return { words: /^ century\b/.test(after) ? ordinal(value) : cardinal(value), why };
  }
  if (word.length >= 4 && value > 1000) return { words: year(value), why };
  return word.length >= 3 && /^[XLVI]+$/.test(word) ? { words: cardinal(value), why } : undefined;
}

const letterWord = String.raw`\p{Script=Latin}`;

/** Contractions that begin with an apostrophe. */
const elisions =
  /'(?:tis|twas|twere|twill|em|til|till|cause|bout|round|neath|gainst|im|er|n|cuz|kay|nuff|sup)(?![\p{L}'])/iu;

const wordsWithSlash: Readonly<Record<string, string>> = {
  'w/': 'with',
  'w/o': 'without',
  'c/o': 'care of',
  'b/c': 'because',
  'n/a': 'N A',
  'and/or': 'and or',
};

/** Addresses, and names with a sign before them; they are tried first, for they may begin with a number. */
export const addressRules: readonly Rule[] = [
  because('web address', new RegExp(String.raw`(?:https?:\/\/|www\.)[\w.~%@:/?#&=+-]{1,300}`, 'i'), ([all]) =>
    addressWords(all.replace(/^https?:\/\//i, '').replace(/[.,:;?/]+$/, '')),
  ),
  because(
    'e-mail address',
    /[A-Za-z\d][\w.+-]{0,63}@[A-Za-z\d](?:[A-Za-z\d-]{0,62}\.){1,6}[A-Za-z]{2,24}(?![\w@])/,
    ([all]) => addressWords(all),
  ),
  because(
    'web address',
    new RegExp(
      String.raw`(?:[A-Za-z\d][A-Za-z\d-]{0,62}\.){1,5}(?:${topLevels})(?![\w-]|\.\w)(?:\/[\w.~%@:/?#&=+-]{0,200})?`,
    ),
    ([all]) =>
      // "home.In" is a missing space, "it.is" too.
      /^[a-z\d][a-z\d.-]*\.(?:com|org|net|edu|gov|io|co|uk|de|dev|app|ai|info|eu|fr|ca)\b/i.test(all)
        ? addressWords(all.replace(/[.,:;?/]+$/, ''))
        : undefined,
  ),
  because('name of an account', /@(?=[A-Za-z_])\w{1,40}(?!\w)/, ([all]) => `at ${partsOfName(all.slice(1))}`),
  because('hashtag', /#(?=[A-Za-z_])\w{1,60}(?!\w)/, ([all]) => `hashtag ${partsOfName(all.slice(1))}`),
  because('number', /#(?=\d)/, () => 'number'),
];

/** Words, from the most special to the plainest; they are tried where a letter begins, or what may stand before one. */
export const wordRules: readonly Rule[] = [
  because(
    'abbreviation',
    /(?:w\/o|w\/|c\/o|b\/c|n\/a|and\/or)(?![A-Za-z])/i,
    ([all]) => wordsWithSlash[all.toLowerCase()],
  ),
  // Abbreviations with stops inside: i.e., a.m., U.S.
  because('abbreviation', /(?:i\.e|e\.g|a\.k\.a|[ap]\.m|ph\.d|ll\.[db]|[bm]\.sc|d\.phil|w\.r\.t)\b\.?/i, ([all]) =>
    dotted.get(all.toLowerCase().replace(/\.$/, '')),
  ),
  because(
    'initials',
    /(?:\p{Lu}\.(?: ?(?=\p{Lu}\.))?){2,12}(?:s\b)?/u,
    ([all]) => [...all.replaceAll(/[^\p{L}]/gu, '').replace(/s$/, '')].join(' ') + (all.endsWith('s') ? "'s" : ''),
  ),
  because('initial', /(\p{Lu})\.(?= ?[\p{L}(,;&-])/u, ([, letter], { previous, rest, position }) => {
    // "Charles I. in": a numeral, not an initial.
    if (
      /[IVX]/.test(letter) &&
      (rulers.test(previous) || counted.test(previous)) &&
      !/^.\. ?\p{Lu}/u.test(rest(position))
    )
      return undefined;
    return letter === 'I' && /^I\. [A-Z]/.test(rest(position)) && /^(?:and|but|than|am)$/.test(previous)
      ? undefined
      : letter;
  }),
  because(
    'letters',
    /([A-Z]{1,3})&([A-Z]{1,3})(?![\p{L}\d])/u,
    ([, a, b]) => `${[...a].join(' ')} and ${[...b].join(' ')}`,
  ),
  because('version', /v(?=\d)/, () => 'V'),
  because(
    'days',
    /(Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\.?(?:-|–| to )(Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\b\.?/,
    ([, a, b]) => `${weekdays.get(a)} to ${weekdays.get(b)}`,
  ),
  // Saints and streets, doctors and drives
  rule(/(St|Dr|Sts)\.(?=(\s*)(.?))/, ([all, word, , next], { previous, beforePrevious }) => {
    const name = (/^[A-Z]/.test(previous) && !abbreviations.has(previous)) || /^\d+(?:st|nd|rd|th)$/.test(previous);
    const place = name && (!/[A-Z]/.test(next) || /^\d/.test(beforePrevious));
    const words = { St: place ? 'street' : 'saint', Dr: place ? 'drive' : 'doctor', Sts: place ? 'streets' : 'saints' }[
      word
    ]!;
    return { words, why: 'abbreviation', length: all.length };
  }),
  because('abbreviation', /([A-Za-z]{1,5})\.(?= ?(?:[.#]?\d|[IVXL]+\b|[A-Z]-?\d))/, ([, word], { rest, position }) => {
    const said = beforeNumbers.get(word.toLowerCase());
    const numeral = /^[A-Za-z]+\. ?[IVXL]/.test(rest(position));
    return numeral && !/^(?:no|fig|ch|chap|vol|sec|art)$/i.test(word) ? undefined : said;
  }),
  because('abbreviation', /(Mar|Jun|Jul)\.(?=,)/, ([, word]) => beforeNumbers.get(word.toLowerCase())),
  because('abbreviation', /([A-Z][a-z]{2,4})\.(?=(.{0,9}))/s, ([, word, after], { previous }) =>
    /^(?:,|-|–|:| (?:to|through|and|until|at|from)\b| ?\d)/.test(after) ||
    weekdays.has(previous) ||
    /^(?:to|through|until|from|on|next|every|last)$/.test(previous)
      ? weekdays.get(word)
      : undefined,
  ),
  because('abbreviation', /c\.(?= ?1\d\d\d)/, () => 'circa'),
  because('abbreviation', /([A-Za-z]{2,6})\.('s\b)?/, ([, word, possessive = ''], { previous, rest, position }) => {
    // Short forms that are words too stand for the unit after numbers only.
    if (/^(?:ft|oz|lbs?|yds|hrs?|mins?|secs?|yrs?)$/.test(word) && !/\d/.test(previous))
      return word === 'min' || word === 'sec' ? undefined : abbreviations.get(word);
    if (/^(?:ed|est|ext|max|min|Ed|Pl|Sen|Rep|Jan|Fr|misc)$/.test(word)) {
      const after = rest(position + word.length + 1);
      const fits = /^(?:Sen|Rep|Fr)$/.test(word)
        ? /^ [A-Z]/
        : /^Jan$/.test(word)
          ? /^(?: \d|,)/
          : word === 'Ed'
            ? /^$a/
            : /^ ?[\w,;:)]/;
      if (!fits.test(after)) return undefined;
    }
    const said = abbreviations.get(word);
    return said && `${said}${possessive}`;
  }),
  // The same without a stop, as much of the world writes titles.
  because(
    'abbreviation',
    /(Mr|Mrs|Ms|Dr|Prof|Messrs|St|Jr|vs|etc|Lt|Sgt|Capt|Mt|Ft|ft|lbs|Blvd)(?![\p{L}\d'.-])/u,
    ([, word], { rest, position, previous }) => {
      const name = /^ [A-Z]/.test(rest(position + word.length));
      if (word === 'St' || word === 'Dr')
        return name && !/^[A-Z][a-z]/.test(previous)
          ? { St: 'saint', Dr: 'doctor' }[word]
          : /^[A-Z]/.test(previous)
            ? { St: 'street', Dr: 'drive' }[word]
            : undefined;
      return /^(?:vs|etc|Jr|ft|lbs|Blvd)$/.test(word) || name ? abbreviations.get(word) : undefined;
    },
  ),
  // Numerals
  rule(/([IVXLCDM]{1,15})('s)?(?![\p{L}\d])(\.(?=\s*[a-z,;:)]|,))?/u, ([all, word, possessive], context) => {
    const said = romanNumeral(word, context);
    return said && { words: `${said.words}${possessive ?? ''}`, why: said.why, length: all.length };
  }),
  // Letters and digits: C2766, B-52, MP3, H2O, F-16s
  because(
    'letters and digits',
    /([A-Z]{1,5})(-?)(\d{1,12})(?:([A-Z])(?![\w]))?('?s)?(?![\w])/,
    ([, letters, hyphen, n, tail, plural]) => {
      const short = n.length < 3 || (n.length === 3 && letters.length === 1);
      const many = short || hyphen !== '' ? label(n) : digits(n);
      const spelled = letters.length > 3 && hyphen !== '' ? letters : [...letters].join(' ');
      return `${spelled} ${many}${tail === undefined ? '' : ` ${tail}`}${plural === undefined ? '' : "'s"}`;
    },
  ),
  because('letters and digits', /(?=[a-zA-Z]{0,20}\d)[A-Za-z]{1,20}\d{1,12}(?:[A-Za-z\d]{0,30})(?![\w])/, ([all]) =>
    partsOfName(all).replaceAll(/\b[A-Z]{2,3}\b/g, (letters) => [...letters].join(' ')),
  ),
  because(
    'file name',
    /[A-Za-z_][\w-]{0,60}\.(?:js|ts|py|md|txt|pdf|png|jpe?g|gif|csv|wav|mp3|html?|css|json|ya?ml|exe|zip|docx?|xlsx?|cpp|h|c|rs|go|sh|net|NET)(?!\w)/,
    ([all]) => {
      const [stem, extension] = [all.slice(0, all.lastIndexOf('.')), all.slice(all.lastIndexOf('.') + 1)];
      const spelled = /^(?:txt|zip|net|json|yaml|go|wav|gif)$/i.test(extension)
        ? ({ txt: 'text', json: 'jason', wav: 'wave' }[extension.toLowerCase()] ?? extension.toLowerCase())
        : partsOfName(extension.toUpperCase())
            .split(' ')
            .flatMap((p) => (/^[A-Z]+$/.test(p) ? [...p] : [p]))
            .join(' ');
      return `${stem.split(/[-_]/).map(partsOfName).join(' ')} dot ${spelled}`;
    },
  ),
  because('letters', /([A-Z]{1,6})(?:\/([A-Z]{1,6}))(?![\p{L}\d/])/u, ([, a, b]) => [...a, ...b].join(' ')),
  because('contraction', elisions, ([all]) => all.toLowerCase()),
  because('contraction', /'n'(?!\p{L})/u, () => "'n"),
  // Greek letters of formulas
  because('Greek letter', /\p{Script=Greek}(?!\p{Script=Greek})/u, ([letter]) => greek.get(letter)),
  // Any other word; its apostrophes count, as those of O'Neill, dogs' and rock'n'roll do.
  rule(
    new RegExp(String.raw`${letterWord}{1,200}(?:'${letterWord}{1,60}){0,4}`, 'u'),
    ([all], { previous, shouting, text, position, rest }) => {
      if (/^[B-HJ-NP-Zb-zA]$/.test(all)) {
        if (all !== 'A') return { words: all.toUpperCase(), why: 'letter' };
        // An article begins a sentence or stands before a word; a letter stands at the end or after what it names.
        const isArticle =
          position === 0 ||
          previous === '' ||
          shouting ||
          (/^ [a-z]/.test(rest(position + 1)) &&
            !/^(?:vitamin|plan|grade|exhibit|class|type|section|part|option|hepatitis|group|team|point|level|side)$/i.test(
              previous,
            ));
        return isArticle && /^ /.test(rest(position + 1)) ? { words: 'a' } : { words: 'A', why: 'letter' };
      }
      const before = text[position - 1] ?? ' ';
      if (all === 'a' && before !== '-' && /^[.)]/.test(rest(position + 1)) && before === '(')
        return { words: 'A', why: 'letter' };
      const capitals = /^\p{Lu}{2,}(?:'?s)?$/u.test(all) && !shouting;
      const mixed = /\p{Ll}\p{Lu}/u.test(all) || /^\p{Lu}{2,}\p{Ll}/u.test(all);
      return { words: capitals || mixed ? all : all.toLowerCase() };
    },
  ),
];
