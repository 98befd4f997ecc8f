/**
 * Text as the rules read it: compatibility forms of Unicode in their plain form, quotes and dashes as ASCII, nothing
 * invisible; and where each character comes from.
 */
export interface Folded {
  readonly text: string;
  /** Per UTF-16 unit of `text`, and for its end, the position in the source. */
  readonly at: readonly number[];
  readonly notes: readonly Note[];
}

/** Something in a text that is not spoken, or not as it stands. */
export interface Note {
  /** Where it is, in UTF-16 units of the text. */
  readonly start: number;
  readonly end: number;
  readonly note: string;
}

/** What Unicode's own compatibility forms do not bring. */
const replacements: Readonly<Record<string, string>> = {
  '‘': "'",
  '’': "'",
  '‚': ',',
  '‛': "'",
  '`': "'",
  '´': "'",
  ʼ: "'",
  '“': '"',
  '”': '"',
  '„': '"',
  '«': '"',
  '»': '"',
  '‹': '"',
  '›': '"',
  '‐': '-',
  '‑': '-',
  '‒': '–',
  '―': '—',
  '″': '″',
  '⁄': '/',
  '∕': '/',
  '，': ',',
  '、': ',',
  '。': '. ',
  '！': '! ',
  '？': '? ',
  '；': ';',
  '…': '...',
  '™': '',
  '®': '',
  '№': 'No. ',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  ß: 'ss',
  ø: 'o',
  Ø: 'O',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'Th',
  ł: 'l',
  Ł: 'L',
  ı: 'i',
};
const superscripts: Readonly<Record<string, string>> = Object.fromEntries(
  [...'⁰¹²³⁴⁵⁶⁷⁸⁹'].map((c, i) => [c, String(i)]),
);

const plain = /^[\n -~]$/;
/** Soft hyphens, joiners, marks of direction, variation selectors, byte order marks, tags. */
const invisible = /^[\p{Cf}\p{Mn}\p{Me}]+$/u;

export function fold(source: string): Folded {
  let text = '';
  const at: number[] = [];
  const notes: Note[] = [];
  const put = (piece: string, position: number) => {
    for (let i = 0; i < piece.length; i++) at.push(position);
    text += piece;
  };
  let inPower = false;
  // At most eight marks on a letter are looked at together: more of them are decoration.
  for (const { 0: cluster, index } of source.matchAll(/\P{M}\p{M}{0,8}|\p{M}/gsu)) {
    const power = superscripts[cluster];
    if (power !== undefined) put(inPower ? power : `^${power}`, index);
    else if (plain.test(cluster)) put(cluster === '`' ? "'" : cluster, index);
    else if (/^[\uD800-\uDFFF]$/.test(cluster)) {
      notes.push({ start: index, end: index + 1, note: 'half of a character (a lone surrogate) is left out' });
      put(' ', index);
    } else put(unfolded(cluster, text), index);
    inPower = power !== undefined;
  }
  at.push(source.length);
  return { text, at, notes };
}

function unfolded(cluster: string, before: string): string {
  const known = replacements[cluster];
  if (known !== undefined) return known;
  if (/^\p{Zs}$|^[\p{Cc}\p{Zl}\p{Zp}]$/u.test(cluster)) return cluster === '\u2029' ? '\n\n' : ' ';
  if (invisible.test(cluster)) return '';
  const form = cluster.normalize('NFKC');
  if (form.includes('⁄')) return `${/\d$/.test(before) ? ' ' : ''}${form.replace('⁄', '/')}`;
  // Letters keep one mark at most, as é does; marks that do not combine go.
  return [...form]
    .filter((c) => !/^[\p{M}\p{Cf}]$/u.test(c))
    .map((c) => replacements[c] ?? (/^\p{Nd}$/u.test(c) ? digitOf(c) : c))
    .join('');
}

/** The digit of any script as one of ours: of each script, ten of them follow one another from 0 on. */
function digitOf(digit: string): string {
  const code = digit.codePointAt(0)!;
  let zero = code;
  while (code - zero < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero--;
  return String(code - zero);
}
