/** What stands around a word: classes of words, and tests on them that readings of homographs are chosen by. */
export const set = (words: string) => new Set(words.split(' '));

export const determiners = set(
  'the a an this that these those my your his her its our their some any no every each either neither another such ' +
    'whose one two three four five six seven eight nine ten first second third last next many few several ' +
    'more most other own same whole only much little',
);
export const subjects = set('i you we they he she it who which people');
export const objects = set(
  'the a an this these those my your his her its our their me you him them us it myself yourself himself herself itself themselves ourselves each all every some any everything something nothing what',
);
export const auxiliaries = set(
  "to will would can could may might must shall should do does did don't doesn't didn't won't wouldn't can't cannot " +
    "couldn't mustn't shouldn't let's please i'll you'll he'll she'll we'll they'll it'll i'd you'd he'd she'd we'd they'd " +
    'let lets help helps make makes gonna wanna',
);
export const prepositions = set(
  'of in on for with at by from without into under about through during after before between against per as like',
);
const adverbs = set(
  'not never always also just only really still even often ever simply fully properly carefully now then quickly better usually sometimes easily successfully already actually clearly directly',
);
export const haves = set(
  "has have had having i've you've we've they've he's she's it's haven't hasn't hadn't who've i'd he'd she'd we'd they'd",
);
export const bes = set(
  "is are was were be been being am i'm you're we're they're he's she's it's isn't aren't wasn't weren't get gets got",
);
const adjectives = set(
  'good bad great new old big small large long short high low best better worst early late criminal public personal common strong full poor special official recent first general clear main final daily constant steady sharp sudden slow rapid free heavy direct world legal work sound school research science home film student state',
);

/** A word and those around it, '' where there is none. */
export interface Surroundings {
  readonly previous: string;
  readonly beforePrevious: string;
  readonly next: string;
  readonly afterNext: string;
  readonly words: readonly string[];
  readonly at: number;
  readonly written: string;
}

/** The word before, without adverbs between. */
export function lastBefore({ words, at }: Surroundings): string {
  let i = at - 1;
  while (i >= 0 && adverbs.has(words[i])) i--;
  return words[i] ?? '';
}

const possessive = (word: string): boolean =>
  /(?:'s|s')$/.test(word) && !set("it's he's she's that's there's let's what's who's here's").has(word);
const pluralNouns = set('people men women children police folk');
const precedesNoun = (word: string): boolean => determiners.has(word) || possessive(word);

/** Whether a noun or an adjective may stand there. */
export const nounPlace = (s: Surroundings): boolean =>
  precedesNoun(s.previous) ||
  prepositions.has(s.previous) ||
  adjectives.has(s.previous) ||
  // "a serious record": between an article and a verb stands no singular.
  (precedesNoun(s.beforePrevious) &&
    !/[^s]s$/.test(s.previous) &&
    !pluralNouns.has(s.previous) &&
    s.previous !== 'and');

/** Whether the word stands where a verb does. */
export function isVerb(s: Surroundings): boolean {
  const before = lastBefore(s);
  if (before === 'to')
    return !/^(?:according|due|thanks|owing|related|access|prior|next|close|similar|opposed|barrier|committed|reference|references|addition|respect|devoted|return|returned|approach)$/.test(
      s.words[s.words.lastIndexOf('to', s.at) - 1] ?? '',
    );
  if (auxiliaries.has(before)) return true;
  if (subjects.has(before)) return true;
  if (nounPlace(s) || bes.has(before)) return false;
  if (objects.has(s.next)) return true;
  // "critics object to"
  return (
    /[^s']s$/.test(s.previous) &&
    !bes.has(s.previous) &&
    !haves.has(s.previous) &&
    !set('his its this was has does yes us as thus always perhaps').has(s.previous) &&
    s.next === 'to'
  );
}

/** Whether the -s form stands where a verb does. */
export function isVerbS(s: Surroundings): boolean {
  const before = lastBefore(s);
  if (/^(?:he|she|it|who|that|which|everyone|everybody|someone|nobody|one|this)$/.test(before))
    return objects.has(s.next) || !prepositions.has(s.next) || before !== 'this';
  if (nounPlace(s) || set('and or are were have').has(s.previous)) return false;
  return s.at > 0 && objects.has(s.next);
}

export type Test = (s: Surroundings) => boolean;

export const next =
  (words: string): Test =>
  (s) =>
    set(words).has(s.next);
export const previous =
  (words: string): Test =>
  (s) =>
    set(words).has(s.previous);
export const either =
  (...tests: Test[]): Test =>
  (s) =>
    tests.some((test) => test(s));
export const both =
  (...tests: Test[]): Test =>
  (s) =>
    tests.every((test) => test(s));
export const not =
  (test: Test): Test =>
  (s) =>
    !test(s);
export const objectNext: Test = (s) => objects.has(s.next);
export const afterDeterminer: Test = (s) => determiners.has(s.previous) || possessive(s.previous);
