import { cardinal, decade, decimal, digits, fraction, label, minutes, ordinal, year } from './numbers.js';
import { because, type Context, type Rule, rule } from './scanner.js';
import { currencies, units } from './units.js';

const monthNames = 'january february march april may june july august september october november december'.split(' ');
const monthPattern = `(?:${monthNames.map((name) => `${name[0].toUpperCase()}${name.slice(1)}`).join('|')}|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)`;
const isMonth = (word: string) => new RegExp(`^${monthPattern}$`).test(word);

/** Digits with or without commas between groups of three. */
const whole = String.raw`\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,60}`;
const number = String.raw`(?:${whole})(?:\.\d{1,40})?|\.\d{1,40}`;
const escape = (text: string) => text.replaceAll(/[$^*+?.()|[\]{}/\\]/g, String.raw`\$&`);
const longestFirst = (names: Iterable<string>) =>
  [...names]
    .sort((a, b) => b.length - a.length)
    .map(escape)
    .join('|');

const unitPattern = longestFirst(units.keys());
const signs = longestFirst([...currencies.keys()].filter((name) => !/^[A-Z]+$/.test(name)));
const codes = [...currencies.keys()].filter((name) => /^[A-Z]+$/.test(name)).join('|');
const magnitudes: Readonly<Record<string, string>> = {
  k: 'thousand',
  m: 'million',
  bn: 'billion',
  b: 'billion',
  t: 'trillion',
  tn: 'trillion',
};
const magnitudePattern = 'hundred|thousand|million|billion|trillion';

/** 1,300 → thirteen hundred, as round hundreds below ten thousand are said; 2,000 → two thousand. */
function amount(written: string): string {
  const plain = written.replaceAll(',', '');
  return /^[1-9]{2}00$/.test(plain) ? `${cardinal(plain.slice(0, 2))} hundred` : decimal(written);
}

function money(sign: string, value: string, cents: string | undefined, magnitude: string | undefined): string {
  const [one, many, part, parts] = currencies.get(sign)!;
  if (magnitude !== undefined) {
    const said = magnitudes[magnitude.toLowerCase()] ?? magnitude;
    return `${decimal(cents === undefined ? value : `${value}.${cents}`)} ${said} ${many}`;
  }
  if (cents !== undefined && (cents.length !== 2 || part === undefined))
    return `${decimal(`${value}.${cents}`)} ${many}`;
  const count = cents === undefined ? 0 : Number(cents);
  const small = count === 0 ? '' : `${cardinal(count)} ${count === 1 ? part : parts}`;
  if (small !== '' && /^0*$/.test(value)) return small;
  return [`${count > 0 ? decimal(value) : amount(value)} ${/^0*1$/.test(value) ? one : many}`, small]
    .filter((words) => words !== '')
    .join(' ');
}

/** The hour and minute of a clock, undefined where it is none. */
function clock(hour: string, minute: string): string | undefined {
  if (Number(hour) > 24 || Number(minute) > 59) return undefined;
  const said = Number(hour) === 0 ? 'zero' : cardinal(hour);
  if (minute !== '00') return `${said} ${minutes(Number(minute))}`;
  return Number(hour) > 12 || Number(hour) === 0 ? `${said} hundred` : `${said} o'clock`;
}

const halves = (letter: string) => `${letter.toUpperCase()} M`;

function date(y: number | undefined, month: number, day: number): string | undefined {
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  return `${monthNames[month - 1]} ${cardinal(day)}${y === undefined ? '' : ` ${year(y)}`}`;
}
const fullYear = (written: string) =>
  (written.length === 2 ? (Number(written) < 50 ? 2000 : 1900) : 0) + Number(written);

const pricedThing =
  /^[ -](?:bills?|notes?|coins?|fees?|fines?|tickets?|prize|loans?|deals?|budget|project|reward|investment|contract|house|car|lawsuit|gift|tip|bet|donation)\b/;

/** Words after which a number is a name. */
const labelled =
  /^(?:no|nos|number|numbers|exhibit|exhibits|room|flight|route|highway|interstate|apartment|suite|bus|gate|model|unit|page)$/i;
const spelledOut = /^(?:box|code|zip|pin|serial|extension|ext|isbn|account|id|postcode)$/i;
const startsClause = /^(?:,|;|\.?$| (?:the|a|an|he|she|they|it|his|her|their|this|when|[A-Z]))/;

/** Whether a number that stands alone is a year. */
function isYear(written: string, end: number, { previous, rest }: Context): boolean {
  const after = rest(end);
  if (/^ ?(?:B\.? ?C\.?|A\.? ?D\.?|BCE|CE)(?![A-Za-z])/.test(after)) return true;
  if (/^(?:AD|A\.D)$/.test(previous)) return true;
  if (written.length === 3) return /^(?:in|In|IN)$/.test(previous) && startsClause.test(after);
  if (/^10\d\d$/.test(written)) return /^(?:in|since|by|until|before|after|around|circa|from|of)$/i.test(previous);
  return written.length === 4 && /^(?:1[1-9]|20)/.test(written);
}

const partOfRange = (written: string, end: number, context: Context): string =>
  isYear(written, end, context) && written.length === 4 ? year(written) : decimal(written);

const scripture =
  /^(?:Genesis|Exodus|Leviticus|Numbers|Deuteronomy|Joshua|Judges|Ruth|Samuel|Kings|Chronicles|Ezra|Nehemiah|Esther|Job|Psalms?|Proverbs|Ecclesiastes|Isaiah|Jeremiah|Ezekiel|Daniel|Hosea|Joel|Amos|Matthew|Mark|Luke|John|Acts|Romans|Corinthians|Galatians|Ephesians|Philippians|Colossians|Thessalonians|Timothy|Titus|Hebrews|James|Peter|Jude|Revelation)$/;

const phone = String.raw`(?:\+?\d{1,3}[ .-]?)?(?:\(\d{2,5}\)[ .-]?)?\d{3}[ .-]\d{3,4}(?:[ .-]\d{4})?(?![\d-])`;

/** Numbers, from the most special to the plainest; they are tried where a digit, a sign or a currency begins. */
export const numberRules: readonly Rule[] = [
  // ISO dates and times: 2024-03-05, 2024-03-05T14:30
  because('date', /(\d{4})[-/](\d{2})[-/](\d{2})(?![\d-])/, ([, y, m, d]) => date(Number(y), Number(m), Number(d))),
  because('date', /(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\d./-]\d|\d)/, ([, a, separator, b, y]) => {
    if (separator !== '/' && y.length === 2) return undefined;
    const dayFirst = separator === '.' || Number(a) > 12;
    return dayFirst ? date(fullYear(y), Number(b), Number(a)) : date(fullYear(y), Number(a), Number(b));
  }),
  // Times
  because('time', /(\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([aApP])\.?[mM]\b\.?)?(?![\d:])/, ([all, h, m, s, half]) => {
    const said = clock(h, m);
    if (said === undefined || (s !== undefined && Number(s) > 59)) return undefined;
    if (half !== undefined) return `${said.replace(" o'clock", '')} ${halves(half)}`;
    return s === undefined ? said : all.startsWith('0') || m === '00' ? undefined : `${said} ${minutes(Number(s))}`;
  }),
  because('time', /(\d{1,2})(?:\.(\d\d))? ?([aApP])\.?[mM]\b\.?/, ([, h, m, half]) =>
    Number(h) > 12 || (m !== undefined && Number(m) > 59)
      ? undefined
      : `${cardinal(h)}${m === undefined || m === '00' ? '' : ` ${minutes(Number(m))}`} ${halves(half)}`,
  ),
  because('time', /(\d{1,2}):(\d{2}):(\d{2})(?![\d:])/, ([, h, m, s]) =>
    [h, m, s].map((part, i) => (i === 0 ? cardinal(part) : minutes(Number(part)))).join(' '),
  ),
  because('ratio', /(\d{1,6}):(\d{1,6})(?![\d:])/, ([, a, b], { previous }) =>
    scripture.test(previous) ? `${cardinal(a)} ${cardinal(b)}` : `${cardinal(a)} to ${cardinal(b)}`,
  ),
  // Telephone numbers
  because(
    'telephone number',
    new RegExp(String.raw`(?:${phone}|\+\d{1,3}(?:[ .-]?\(?\d{2,5}\)?){2,5})(?![\d,])`),
    ([all]) => {
      const groups = all.match(/\d+/g)!;
      // Without a sign of its own it takes the usual shape, 555-1234 or 555-123-4567.
      if (!/^[+(]/.test(all) && !/^(?:1[ .-])?(?:\d{3}([ .-])\d{3}\1\d{4}|\d{3}-\d{4})$/.test(all)) return undefined;
      return `${all.startsWith('+') ? 'plus ' : ''}${groups.map(digits).join(' ')}`;
    },
  ),
  // Money
  because(
    'money',
    new RegExp(
      String.raw`(${signs}) ?(${number})(?:-|–| to )(?:${signs})?(${number})(?: ?(${magnitudePattern}))?(?![\d\w])`,
    ),
    ([, sign, a, b, magnitude]) =>
      a.includes('.') || b.includes('.') || /^0\d/.test(b)
        ? undefined
        : `${decimal(a)} to ${decimal(b)} ${magnitude === undefined ? '' : `${magnitude} `}${currencies.get(sign)![1]}`,
  ),
  because(
    'money',
    new RegExp(String.raw`£ ?(${whole})(?:,? (\d{1,2})s\.?)(?:,? (\d{1,2})d\.?)?(?!\w)`),
    ([, pounds, shillings, pence]) =>
      [
        money('£', pounds, undefined, undefined),
        `${cardinal(shillings)} ${shillings === '1' ? 'shilling' : 'shillings'}`,
        ...(pence === undefined ? [] : [`${cardinal(pence)} ${pence === '1' ? 'penny' : 'pence'}`]),
      ].join(' '),
  ),
  because(
    'money',
    new RegExp(
      String.raw`([-−])?(${signs}) ?([-−])?(${whole}|(?=\.\d))(?:\.(\d{1,6}))?(?:(?: |-)(${magnitudePattern})(?!\w)|(k|K|m|M|bn|BN|b|B|tn|t|T)(?!\w))?(?!\d|\.\d)`,
    ),
    ([all, minus, sign, inner, value, cents, words, letters], { rest, position }) => {
      const [, many] = currencies.get(sign)!;
      const said = money(sign, value || '0', cents, words ?? letters);
      // "a $5 bill" is of five dollar.
      const measures = cents === undefined && pricedThing.test(rest(position + all.length)) && said.endsWith(many);
      const singular = measures ? said.slice(0, -many.length) + currencies.get(sign)![0] : said;
      return `${(minus ?? inner) ? 'minus ' : ''}${singular}`;
    },
  ),
  because(
    'money',
    new RegExp(String.raw`(${codes}) ?(${whole})(?:\.(\d{2}))?(?: (${magnitudePattern}))?(?![\d\w])`),
    ([, code, value, cents, magnitude]) => money(code, value, cents, magnitude),
  ),
  because(
    'money',
    new RegExp(String.raw`(${whole})(?:[.,](\d{2}))?(?: (${magnitudePattern}))? ?(${codes}|€|₽|₹|₩)(?!\w)`),
    ([, value, cents, magnitude, code]) => money(code, value, cents, magnitude),
  ),
  because('money', /(\d{1,3}) ?(¢|p|c)(?![\w.'-])/, ([, n, sign], { text, position }) =>
    sign === 'c' || text[position - 1] === '.'
      ? undefined
      : `${cardinal(n)} ${sign === 'p' ? (n === '1' ? 'penny' : 'pence') : n === '1' ? 'cent' : 'cents'}`,
  ),
  because(
    'money',
    /(\d{1,2})s\. (\d{1,2})d\.?/,
    ([, s, d]) =>
      `${cardinal(s)} ${s === '1' ? 'shilling' : 'shillings'} ${cardinal(d)} ${d === '1' ? 'penny' : 'pence'}`,
  ),
  // Percent
  because(
    'percent',
    new RegExp(String.raw`(${number})(?:%? ?[-–] ?| to )(${number}) ?(%|‰)`),
    ([, a, b, sign]) => `${decimal(a)} to ${decimal(b)} ${sign === '%' ? 'percent' : 'per mille'}`,
  ),
  because(
    'percent',
    new RegExp(String.raw`([-−+±])?(${number}) ?(%|‰)`),
    ([, sign, n, of]) => `${signed(sign)}${decimal(n)} ${of === '%' ? 'percent' : 'per mille'}`,
  ),
  // Feet and inches, degrees
  because(
    'length',
    /(\d{1,2})['′] ?(\d{1,2})(?:"|″|'')/,
    ([, feet, inches]) => `${cardinal(feet)} foot ${cardinal(inches)}`,
  ),
  because(
    'angle',
    /(\d{1,3})° ?(\d{1,2})['′](?: ?(\d{1,2}(?:\.\d{1,4})?)["″])?(?: ?([NSEW])\b)?/,
    ([, d, m, s, side]) =>
      [
        `${cardinal(d)} ${d === '1' ? 'degree' : 'degrees'} ${cardinal(m)} ${m === '1' ? 'minute' : 'minutes'}`,
        ...(s === undefined ? [] : [`${decimal(s)} ${s === '1' ? 'second' : 'seconds'}`]),
        ...(side === undefined ? [] : [{ N: 'north', S: 'south', E: 'east', W: 'west' }[side]]),
      ].join(' '),
  ),
  because('length', /(\d{1,3})″/, ([, n]) => `${cardinal(n)} ${n === '1' ? 'inch' : 'inches'}`),
  because('length', /(\d{1,3})′/, ([, n]) => `${cardinal(n)} ${n === '1' ? 'foot' : 'feet'}`),
  because(
    'length',
    /(\d{1,3})["](?= ?(?:x|×|by)\b| (?:long|wide|tall|high|deep|thick|screen|display|monitor|pipe)\b)/,
    ([, n]) => `${cardinal(n)} ${n === '1' ? 'inch' : 'inches'}`,
  ),
  // Dimensions: 1920x1080, 4 × 4
  because(
    'dimensions',
    new RegExp(
      String.raw`(${number})(?: ?(${unitPattern}))?(?:x| ?× ?| x )(${number})(?: ?(?:x|×) ?(${number}))?(?: ?(${unitPattern}))?(?![\w]| ?=)`,
    ),
    ([, a, , b, c, unit]) => {
      const sizes = [a, b, ...(c === undefined ? [] : [c])];
      // Pixels: 1920 by 1080.
      const all = sizes.map(sizes.every((size) => /^\d{3,4}$/.test(size)) ? label : decimal).join(' by ');
      return unit === undefined ? all : `${all} ${units.get(unit)!.many}`;
    },
  ),
  // Fractions
  because(
    'mixed number',
    new RegExp(
      String.raw`(\d{1,6})[ -](\d{1,2})\/(\d{1,3})(?![\d/])(?:(?:st|nd|rd|th)s?\b)?(?:[ -]?(${unitPattern})(?![\w^/'-]))?`,
    ),
    ([, n, a, b, unit]) => {
      if (Number(a) >= Number(b) || Number(a) === 0) return undefined;
      const part =
        Number(a) === 1 && Number(b) % 2 === 0 && Number(b) <= 4
          ? fraction(1, Number(b)).replace('one', 'a')
          : fraction(Number(a), Number(b));
      return `${cardinal(n)} and ${part}${unit === undefined || unit === 'in' ? '' : ` ${units.get(unit)!.many}`}${unit === 'in' ? ' in' : ''}`;
    },
  ),
  because(
    'fraction',
    new RegExp(
      String.raw`(\d{1,2})\/(\d{1,3})(?![\d/]|\.\d|-\d)(?:(?:st|nd|rd|th)s?\b)?(?: (?:an? )?(km|m|cm|mm|mi|kg|g|lb|lbs|oz|hr|tsp|tbsp)(?![\w^/'-])|(["″])(?= [a-z]))?`,
    ),
    ([all, a, b, unit, inch], { previous, text, position }) => {
      // After an odd number of quotes it is one that closes.
      const inches = inch === '″' || (inch !== undefined && (text.slice(0, position).split('"').length - 1) % 2 === 0);
      if (/^on$/i.test(previous) && Number(a) <= 12 && Number(b) > 12 && Number(b) <= 31)
        return `${cardinal(a)} ${cardinal(b)}`;
      if (all === '24/7') return 'twenty-four seven';
      if (all === '9/11') return 'nine eleven';
      if (a === b) return `${cardinal(a)} ${cardinal(b)}`;
      if (Number(a) >= Number(b) || Number(a) === 0)
        return `${cardinal(a)} slash ${cardinal(b)}${unit === undefined ? '' : ` ${units.get(unit)!.many}`}`;
      const of = inches ? ' inch' : unit === undefined ? '' : ` ${units.get(unit)!.one}`;
      return `${fraction(Number(a), Number(b))}${of}`;
    },
  ),
  because('score', /(\d{1,3}\.\d{1,2})\/(\d{1,3})(?![\d/])/, ([, a, b]) => `${decimal(a)} out of ${cardinal(b)}`),
  because('years', /(1[1-9]\d\d|20\d\d)\/(\d\d)(?!\d)/, ([, a, b]) => `${year(a)} ${minutes(Number(b))}`),
  // Ordinals
  because('ordinal', new RegExp(String.raw`(${whole})(?:\^?(?:st|nd|rd|th|ST|ND|RD|TH))(?![a-z])`), ([, n]) =>
    ordinal(n),
  ),
  because('ordinal', /(\d{0,2}[23])d(?![\w.]\w|\w)/, ([, n], { previous }) =>
    /^(?:the|and)$/i.test(previous) || isMonth(previous) ? ordinal(n) : undefined,
  ),
  // Decades
  because('decade', /((?:1[1-9]|20)?\d0)['’]?s(?!\w)/, ([, n], { previous }) =>
    n.length === 4 || /^(?:the|early|late|mid|in|his|her|their|my|our)$/i.test(previous) ? decade(n) : undefined,
  ),
  because('decade', /'(\d0)s(?!\w)/, ([, n]) => decade(n)),
  because('year', /'(\d\d)(?![\d\w'])/, ([, n]) => minutes(Number(n))),
  because('plural', /(\d{1,6})'?s(?!\w)/, ([, n], { previous }) =>
    /s$/.test(cardinal(n)) || previous === ''
      ? undefined
      : n.length === 1
        ? undefined
        : `${label(n).replace(/y$/, 'ie')}s`,
  ),
  // Ranges, scores
  because('years', /(\d{4})(?:[-–—]| – )(\d{4}|\d\d)(?![\d-]|\.\d|,\d)/, ([, a, b], context) => {
    if (!isYear(a, context.position + 4, context)) return undefined;
    return `${year(a)} to ${b.length === 4 ? year(b) : cardinal(b)}`;
  }),
  because('digits', /\d{1,7}(?:-\d{1,7}){2,8}(?![\d\w-])/, ([all]) => all.split('-').map(digits).join(' ')),
  because(
    'range',
    new RegExp(String.raw`(${number})([-–]| – )(${number})(?: ?-?(${unitPattern})(?![\w'/]))?(?![-–]?\d|[A-Za-z])`),
    ([all, a, , b, unit], context) => {
      if (/^0\d/.test(b)) return undefined;
      const said = `${partOfRange(a, context.position + a.length, context)} to ${partOfRange(b, context.position + all.length, context)}`;
      return unit === undefined ? said : `${said} ${units.get(unit)!.many}`;
    },
  ),
  // Scientific: 6.02e23, 3×10^8
  because(
    'power of ten',
    new RegExp(String.raw`(${number})[eE]([-+−])?(\d{1,3})(?!\w)`),
    ([, n, sign, power]) =>
      `${decimal(n)} times ten to the ${signed(sign)}${sign === '-' || sign === '−' ? cardinal(power) : ordinal(power)}`,
  ),
  because(
    'power',
    new RegExp(String.raw`(${number})\^(?:\{)?([-−]?)(\d{1,3})(?:\})?(?!\w)`),
    ([, n, minus, power]) =>
      `${decimal(n)} ${minus !== '' ? `to the minus ${cardinal(power)}` : power === '2' ? 'squared' : power === '3' ? 'cubed' : `to the ${ordinal(power)}`}`,
  ),
  // Versions and addresses of machines
  because('dotted numbers', /\d{1,4}(?:\.\d{1,4}){2,5}(?![\d\w])/, ([all]) => {
    const parts = all.split('.');
    return parts
      .map((part) => (part.length > 1 && part.startsWith('0') ? digits(part) : cardinal(part)))
      .join(parts.length === 4 ? ' dot ' : ' point ');
  }),
  // Units
  rule(
    new RegExp(String.raw`([-−+±])?(${number})( |-)?(${unitPattern})(?![\w^/'&@]|\.\w|-\w*\d)(\.)?`),
    ([all, sign, n, space, name, stop], context) => {
      const unit = units.get(name)!;
      if (unit.attached && space !== undefined && !(space === '-' && name.length > 1)) return undefined;
      if (/^[A-Zgmlsd]$/.test(name) && space === '-') return undefined;
      // 300 K is a temperature, 4K a resolution.
      if (name === 'K' && space === undefined) return undefined;
      // A word, such as "5 in the morning", is none. A full stop after it makes an abbreviation of it.
      if (name === 'in' && stop === undefined) return undefined;
      if (name === 'min' && /^ ?(?:and|age)/.test(context.rest(context.position + all.length))) return undefined;
      const said = `${signed(sign)}${decimal(n)} ${n === '1' || space === '-' ? unit.one : unit.many}`;
      return { words: said, why: 'unit' };
    },
  ),
  because(
    'millions',
    /(\d{1,6}(?:\.\d{1,3})?)(M|bn)(?= [a-z]|$|[.,;)]|\+)/,
    ([, n, magnitude]) => `${decimal(n)} ${magnitudes[magnitude.toLowerCase()]}`,
  ),
  // Letters among digits: 133-A, 3D, 747s, 4x4
  because(
    'number and letters',
    /(\d{1,8})(-?)([A-Z]{1,3})(?![\w']|-\w)/,
    ([, n, hyphen, letters], { previous }) =>
      `${hyphen !== '' || labelled.test(previous) ? label(n) : cardinal(n)} ${[...letters].join(' ')}`,
  ),
  because('times', /(\d{1,6}(?:\.\d{1,3})?)x(?!\w)/, ([, n]) => `${decimal(n)} times`),
  because('thousands', /(\d{1,6}(?:\.\d{1,3})?)k(?!\w)/, ([, n]) => `${decimal(n)} K`),
  // A number and what it counts
  because('caliber', /\.(\d\d\d?)(?=[ -]?cal|(?: (?:Special|Magnum|pistol|revolver|rifle|gun|bullets?)))/, ([, n]) =>
    label(n),
  ),
  because('caliber', /\.(22|25|32|38|357|44|45|50)(?![\d.%])/, ([, n], { previous }) =>
    /^(?:an?|the|his|her|my)$/i.test(previous) ? label(n) : undefined,
  ),
  because(
    'number',
    /[-−](?=[\d.])(\d{1,60}(?:,\d{3}){0,12}(?:\.\d{1,40})?|\.\d{1,40})(?![\d])/,
    ([, n], { text, position }) => (/[\w)]/.test(text[position - 1] ?? ' ') ? undefined : `minus ${decimal(n)}`),
  ),
  because('number', /±(?=\d)/, () => 'plus or minus'),
  rule(new RegExp(`(?:${number})`), ([all], context) => {
    const end = context.position + all.length;
    const { previous, beforePrevious } = context;
    if (/^\d+$/.test(all)) {
      if (spelledOut.test(previous) && all.length > 2) return { words: digits(all), why: 'digits' };
      if (all.length === 3 && /^(?:call|calls|called|calling|dial|dialed|dialing)$/i.test(previous))
        return { words: digits(all), why: 'digits' };
      if (labelled.test(previous)) return { words: label(all), why: 'number that is a name' };
      if (isMonth(previous) && all.length < 3) return { words: cardinal(all), why: 'day' };
      if (isYear(all, end, context)) return { words: year(all), why: 'year' };
      if (all.length > 1 && all.startsWith('0')) return { words: digits(all), why: 'digits' };
      // House numbers: 1026 North Beckley
      if (
        all.length === 4 &&
        !all.endsWith('00') &&
        /^ (?:North|South|East|West|N\.|S\.|E\.|W\.) [A-Z]/.test(context.rest(end))
      )
        return { words: label(all), why: 'address' };
    } else if (labelled.test(previous) && all.includes(',')) return { words: digits(all), why: 'digits' };
    if (/^serial$/i.test(beforePrevious) && all.length > 4) return { words: digits(all), why: 'digits' };
    return { words: all.includes('.') ? decimal(all) : amount(all), why: 'number' };
  }),
];

const signed = (sign: string | undefined): string =>
  sign === undefined ? '' : sign === '+' ? 'plus ' : sign === '±' ? 'plus or minus ' : 'minus ';
