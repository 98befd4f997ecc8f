import { consonants, vowels } from '../../text/arpabet.js';
import { boundaries, type Boundary } from '../../text/tokens.js';
import type { Transcript } from './transcript.js';

/** Vowels that sound otherwise without stress than with it. */
const reduced = ['AH', 'ER', 'IH', 'IY'];
/** What has a hidden Markov model of its own: silence, and the phones, most of them without regard to stress. */
export const units: readonly string[] = ['', ...vowels, ...consonants, ...reduced.map((vowel) => `${vowel}0`)];
/** States of each; a phone lasts as many frames at least. */
export const statesPerUnit = 3;

const unitOf = new Map(units.map((unit, i) => [unit, i]));
const bare = (phone: string) => phone.replace(/\d$/, '');
export const unitOfPhone = (phone: string): number => unitOf.get(phone) ?? unitOf.get(bare(phone))!;

/** Phones that sound alike. Few clips tell more of such a class than of each of its phones. */
const classes = [
  'IY IH EH AE EY IH0 IY0',
  'AA AO AW AY OW OY',
  'UW UH',
  'AH AH0 ER ER0',
  'P T K',
  'B D G',
  'S Z SH ZH CH JH',
  'F TH V DH HH',
  'M N NG',
  'L R W Y',
].map((phones) => phones.split(' ').map((phone) => unitOf.get(phone)!));
/** Of each unit that which stands for its class. */
export const classOfUnit = Int32Array.from(
  units,
  (_, unit) => classes.find((members) => members.includes(unit))?.[0] ?? unit,
);

/** A phone of a word, or the silence at a boundary. */
export interface Element {
  /** The boundary before this word. */
  readonly word: number;
  /** Of the pronunciations of the word; -1 for silence. */
  readonly variant: number;
  /** Of the phones of the pronunciation. */
  readonly position: number;
}

/** The ways through a transcript, as states that follow each other. */
export interface Graph {
  readonly elements: readonly Element[];
  /** Of each node: its state of the mixtures, and its element. */
  readonly states: Int32Array;
  readonly elementOf: Int32Array;
  /** Nodes that may follow node n: `next` from first[n] to before first[n + 1], with logarithms of their chances. */
  readonly first: Int32Array;
  readonly next: Int32Array;
  readonly chance: Float64Array;
  /** Where a clip may begin, and end, in the same way. */
  readonly begin: readonly { readonly node: number; readonly chance: number }[];
  readonly end: readonly { readonly node: number; readonly chance: number }[];
  /** Fewest frames that it takes. */
  readonly least: number;
}

/** Logarithms of the chances that there is silence at a boundary, and that there is none. */
export interface SilenceChances {
  readonly silent: Readonly<Record<Boundary, number>>;
  readonly none: Readonly<Record<Boundary, number>>;
}

/** Chances of silence from how often there was some, with two boundaries more of either kind. */
export function silenceChances(counts?: Readonly<Record<Boundary, { silent: number; all: number }>>): SilenceChances {
  const share = (boundary: Boundary) =>
    counts === undefined ? 0.5 : (counts[boundary].silent + 1) / (counts[boundary].all + 2);
  const of = (value: (share: number) => number) =>
    Object.fromEntries(boundaries.map((boundary) => [boundary, Math.log(value(share(boundary)))])) as Record<
      Boundary,
      number
    >;
  return { silent: of((value) => value), none: of((value) => 1 - value) };
}

/**
 * Lays out a transcript: at each boundary silence or none, of each word one of its pronunciations.
 *
 * @param simply phones stand for their classes, and words have only the first of their pronunciations
 */
export function layOut(
  { words, boundaries: between }: Transcript,
  chances: SilenceChances,
  { simply = false }: { simply?: boolean } = {},
): Graph {
  const elements: Element[] = [];
  const states: number[] = [];
  const elementOf: number[] = [];
  const links: [number, number, number][] = [];
  type Open = { node: number; chance: number }[];
  const chain = (unit: number, element: Element, from: Open, begin: Open | undefined): number => {
    for (let i = 0; i < statesPerUnit; i++) {
      const node = states.push(unit * statesPerUnit + i) - 1;
      elementOf.push(elements.length);
      if (i > 0) links.push([node - 1, node, 0]);
      else {
        for (const { node: before, chance } of from) links.push([before, node, chance]);
        begin?.push({ node, chance: 0 });
      }
    }
    elements.push(element);
    return states.length - 1;
  };
  const begin: Open = [];
  let open: Open = [];
  let least = 0;
  for (let word = 0; word <= words.length; word++) {
    const boundary = between[word];
    const atStart = word === 0;
    const silence: Open = [];
    const node = chain(
      0,
      { word, variant: -1, position: 0 },
      open.map((one) => ({ ...one, chance: one.chance + chances.silent[boundary] })),
      atStart ? silence : undefined,
    );
    if (atStart) begin.push({ node: silence[0].node, chance: chances.silent[boundary] });
    const ready: Open = [
      { node, chance: 0 },
      ...open.map((one) => ({ ...one, chance: one.chance + chances.none[boundary] })),
    ];
    if (word === words.length) {
      open = ready;
      break;
    }
    open = [];
    const { variants } = words[word];
    let fewest = Infinity;
    for (const [variant, phones] of variants.entries()) {
      if (simply && variant > 0) continue;
      fewest = Math.min(fewest, phones.length);
      let from = ready;
      for (const [position, phone] of phones.entries()) {
        const entry: Open = [];
        const unit = unitOfPhone(phone);
        const last = chain(simply ? classOfUnit[unit] : unit, { word, variant, position }, from, entry);
        if (position === 0 && atStart) begin.push({ node: entry[0].node, chance: chances.none[boundary] });
        from = [{ node: last, chance: 0 }];
      }
      open.push(...from);
    }
    least += fewest * statesPerUnit;
  }
  const first = new Int32Array(states.length + 1);
  for (const [from] of links) first[from + 1]++;
  for (let i = 0; i < states.length; i++) first[i + 1] += first[i];
  const place = first.slice();
  const next = new Int32Array(links.length);
  const chance = new Float64Array(links.length);
  for (const [from, to, weight] of links) {
    next[place[from]] = to;
    chance[place[from]++] = weight;
  }
  return {
    elements,
    states: Int32Array.from(states),
    elementOf: Int32Array.from(elementOf),
    first,
    next,
    chance,
    begin,
    end: open,
    least,
  };
}
