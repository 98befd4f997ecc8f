/** Numbers as American English says them: no "and" after hundreds, "oh" in years and times. */
const ones = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
  'eighteen nineteen'
).split(' ');
const tens = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const scales =
  ' thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion'.split(
    ' ',
  );
/** Longer numbers are said digit by digit. */
const longestCardinal = 3 * scales.length;

const irregularOrdinals: Readonly<Record<string, string>> = {
  one: 'first',
  two: 'second',
  three: 'third',
  five: 'fifth',
  eight: 'eighth',
  nine: 'ninth',
  twelve: 'twelfth',
};

function belowThousand(n: number): string[] {
  if (n >= 100) return [ones[Math.floor(n / 100)], 'hundred', ...(n % 100 ? belowThousand(n % 100) : [])];
  if (n < 20) return [ones[n]];
  return [n % 10 ? `${tens[Math.floor(n / 10)]}-${ones[n % 10]}` : tens[n / 10]];
}

/** `12,345` → twelve thousand three hundred forty-five. Takes digits with or without commas, and numbers. */
export function cardinal(value: string | number): string {
  const written = String(value)
    .replaceAll(/\D/g, '')
    .replace(/^0+(?=\d)/, '');
  if (written.length > longestCardinal) return digits(written);
  const groups = written.padStart(Math.ceil(written.length / 3) * 3, '0').match(/\d{3}/g) ?? ['000'];
  const words = groups.flatMap((group, i) => {
    const scale = scales[groups.length - 1 - i];
    return Number(group) === 0 ? [] : [...belowThousand(Number(group)), scale];
  });
  return words.filter((word) => word !== '').join(' ') || 'zero';
}

/** `21` → twenty-first. */
export function ordinal(value: string | number): string {
  const words = cardinal(value);
  const last = /[a-z]+$/.exec(words)![0];
  const made = irregularOrdinals[last] ?? (last.endsWith('y') ? `${last.slice(0, -1)}ieth` : `${last}th`);
  return words.slice(0, words.length - last.length) + made;
}

/** `207` → two zero seven. */
export const digits = (written: string): string =>
  [...written]
    .filter((c) => c >= '0' && c <= '9')
    .map((c) => ones[Number(c)])
    .join(' ');

/** Two digits after others: 05 → oh five. */
const pair = (n: number): string => (n < 10 ? `oh ${ones[n]}` : cardinal(n));

/** `1905` → nineteen oh five, `1800` → eighteen hundred, `2009` → two thousand nine, `626` → six twenty-six. */
export function year(value: string | number): string {
  const n = Number(value);
  const [high, low] = [Math.floor(n / 100), n % 100];
  if (n < 100 || n > 9999 || n % 1000 === 0 || (n > 2000 && n < 2010)) return cardinal(n);
  return low === 0 ? `${cardinal(high)} hundred` : `${cardinal(high)} ${pair(low)}`;
}

/**
 * Numbers that name things, such as rooms and exhibits: 150 → one fifty, 1303 → thirteen oh three, 77 → seventy-seven.
 */
export function label(written: string): string {
  if (written.startsWith('0') || written.length > 4) return digits(written);
  if (written.length < 3 || written.endsWith('00')) return cardinal(written);
  return `${cardinal(written.slice(0, -2))} ${pair(Number(written.slice(-2)))}`;
}

/** `1.05` → one point zero five; `12` → twelve; `.5` → point five. */
export function decimal(written: string): string {
  const [whole, part] = written.replaceAll(',', '').split('.');
  if (part === undefined) return cardinal(whole);
  return `${whole === '' ? '' : `${cardinal(whole)} `}point ${digits(part)}`;
}

/** `1990s` → nineteen nineties, `60s` → sixties, `1900s` → nineteen hundreds. */
export function decade(value: string): string {
  const said = value.length === 4 ? year(value) : cardinal(value);
  return said.endsWith('y') ? `${said.slice(0, -1)}ies` : said === 'two thousand' ? 'two thousands' : `${said}s`;
}

/** `2:05` → two oh five. */
export const minutes = pair;

/** `3/4` → three quarters, `1/2` → one half. */
export function fraction(numerator: number, denominator: number): string {
  const part = denominator === 2 ? 'half' : denominator === 4 ? 'quarter' : ordinal(denominator);
  const many = denominator === 2 ? 'halves' : `${part}s`;
  return `${cardinal(numerator)} ${numerator === 1 ? part : many}`;
}

const romanValues: Readonly<Record<string, number>> = { I: 1, V: 5, X: 10, L: 50, C: 100, D: 500, M: 1000 };
const roman = /^M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})$/;

/** The value of a Roman numeral in capitals, undefined for other words. */
export function romanValue(word: string): number | undefined {
  if (word === '' || !roman.test(word)) return undefined;
  return [...word].reduce(
    (sum, c, i) => sum + (romanValues[c] < (romanValues[word[i + 1]] ?? 0) ? -romanValues[c] : romanValues[c]),
    0,
  );
}
