import {
  afterDeterminer,
  auxiliaries,
  bes,
  both,
  determiners,
  either,
  haves,
  isVerb,
  isVerbS,
  lastBefore,
  next,
  not,
  nounPlace,
  objectNext,
  objects,
  prepositions,
  previous,
  set,
  subjects,
  type Surroundings,
  type Test,
} from './neighbours.js';
import { withS } from './suffixes.js';

/** A word's neighbours, in small letters. */
export interface Neighbours {
  /** The words of the sentence as spoken, small letters, '' for a pause; `at` is the one that is asked about. */
  readonly words: readonly string[];
  readonly at: number;
  /** As it is written, with its capitals. */
  readonly written: string;
}

export interface Choice {
  readonly phones: string[];
  readonly why: string;
}

interface Reading {
  readonly phones: string;
  readonly name: string;
  readonly when?: Test;
}

/** Readings in the order in which they are tried; the last holds where no other does. */
const readings = new Map<string, readonly Reading[]>();

const pairs = `
abuse AH0 B Y UW1 S|AH0 B Y UW1 Z
advocate AE1 D V AH0 K AH0 T|AE1 D V AH0 K EY2 T
alternate AO1 L T ER0 N AH0 T|AO1 L T ER0 N EY2 T
attribute AE1 T R AH0 B Y UW2 T|AH0 T R IH1 B Y UW2 T
combine K AA1 M B AY0 N|K AH0 M B AY1 N
compact K AA1 M P AE0 K T|K AH0 M P AE1 K T
compound K AA1 M P AW0 N D|K AH0 M P AW1 N D
conduct K AA1 N D AH0 K T|K AH0 N D AH1 K T
conflict K AA1 N F L IH0 K T|K AH0 N F L IH1 K T
console K AA1 N S OW0 L|K AH0 N S OW1 L
construct K AA1 N S T R AH0 K T|K AH0 N S T R AH1 K T
contest K AA1 N T EH0 S T|K AH0 N T EH1 S T
contract K AA1 N T R AE2 K T|K AH0 N T R AE1 K T
contrast K AA1 N T R AE0 S T|K AH0 N T R AE1 S T
convert K AA1 N V ER0 T|K AH0 N V ER1 T
convict K AA1 N V IH0 K T|K AH0 N V IH1 K T
decrease D IY1 K R IY2 S|D IH0 K R IY1 S
defect D IY1 F EH0 K T|D IH0 F EH1 K T
deliberate D IH0 L IH1 B ER0 AH0 T|D IH0 L IH1 B ER0 EY2 T
desert D EH1 Z ER0 T|D IH0 Z ER1 T
digest D AY1 JH EH0 S T|D AY0 JH EH1 S T
discount D IH1 S K AW0 N T|D IH0 S K AW1 N T
duplicate D UW1 P L AH0 K AH0 T|D UW1 P L AH0 K EY2 T
elaborate IH0 L AE1 B ER0 AH0 T|IH0 L AE1 B ER0 EY2 T
escort EH1 S K AO0 R T|EH0 S K AO1 R T
estimate EH1 S T AH0 M AH0 T|EH1 S T AH0 M EY2 T
excuse IH0 K S K Y UW1 S|IH0 K S K Y UW1 Z
export EH1 K S P AO0 R T|IH0 K S P AO1 R T
extract EH1 K S T R AE2 K T|IH0 K S T R AE1 K T
graduate G R AE1 JH AH0 W AH0 T|G R AE1 JH AH0 W EY2 T
house HH AW1 S|HH AW1 Z
import IH1 M P AO2 R T|IH2 M P AO1 R T
incline IH1 N K L AY0 N|IH2 N K L AY1 N
increase IH1 N K R IY2 S|IH2 N K R IY1 S
insert IH1 N S ER2 T|IH2 N S ER1 T
insult IH1 N S AH2 L T|IH2 N S AH1 L T
intimate IH1 N T AH0 M AH0 T|IH1 N T AH0 M EY2 T
misuse M IH0 S Y UW1 S|M IH0 S Y UW1 Z
moderate M AA1 D ER0 AH0 T|M AA1 D ER0 EY2 T
object AA1 B JH EH0 K T|AH0 B JH EH1 K T
perfect P ER1 F IH2 K T|P ER0 F EH1 K T
permit P ER1 M IH2 T|P ER0 M IH1 T
present P R EH1 Z AH0 N T|P R IY0 Z EH1 N T
progress P R AA1 G R EH2 S|P R AH0 G R EH1 S
project P R AA1 JH EH0 K T|P R AH0 JH EH1 K T
protest P R OW1 T EH2 S T|P R AH0 T EH1 S T
rebel R EH1 B AH0 L|R IH0 B EH1 L
record R EH1 K ER0 D|R IH0 K AO1 R D
refuse R EH1 F Y UW2 Z|R IH0 F Y UW1 Z
segment S EH1 G M AH0 N T|S EH0 G M EH1 N T
separate S EH1 P ER0 IH0 T|S EH1 P ER0 EY2 T
subject S AH1 B JH IH0 K T|S AH0 B JH EH1 K T
survey S ER1 V EY2|S ER0 V EY1
suspect S AH1 S P EH2 K T|S AH0 S P EH1 K T
transfer T R AE1 N S F ER0|T R AE0 N S F ER1
transport T R AE1 N S P AO0 R T|T R AE0 N S P AO1 R T
upset AH1 P S EH2 T|AH0 P S EH1 T
use Y UW1 S|Y UW1 Z
produce P R OW1 D UW0 S|P R AH0 D UW1 S
`;
/** Of these the verb is the rule and the noun has to show itself; `of refuse`, `fresh produce`. */
const mostlyVerbs = set('produce refuse upset');
const adjectival = set('alternate deliberate duplicate elaborate intimate moderate perfect present separate compact');

for (const line of pairs.trim().split('\n')) {
  const [, word, first, second] = /^(\w+) ([^|]+)\|(.+)$/.exec(line)!;
  // "cases subject to review" has no verb.
  const when = word === 'subject' ? both(isVerb, not(next('to'))) : isVerb;
  const verbFirst = { phones: second, name: 'verb', when };
  const named = adjectival.has(word) ? 'adjective or noun' : 'noun';
  readings.set(
    word,
    mostlyVerbs.has(word)
      ? [
          { phones: first, name: named, when: both(nounPlace, not(isVerb)) },
          { phones: second, name: 'verb' },
        ]
      : [verbFirst, { phones: first, name: named }],
  );
  if (!adjectival.has(word) || word === 'present') {
    const s = (phones: string) => withS(phones.split(' ')).join(' ');
    readings.set(`${word}${word.endsWith('s') ? 'es' : 's'}`, [
      { phones: s(second), name: 'verb', when: isVerbS },
      // Houses are voiced, whatever they are.
      { phones: s(word === 'house' ? second : first), name: 'noun' },
    ]);
  }
}

const pastSigns: Test = ({ words }) =>
  words.some(
    (word, i) =>
      /^(?:yesterday|ago|was|were|had|did|said|went|took|came|saw|then|once|earlier|previously)$/.test(word) ||
      (word === 'last' &&
        /^(?:night|week|year|month|summer|winter|time|monday|tuesday|wednesday|thursday|friday|saturday|sunday)$/.test(
          words[i + 1] ?? '',
        )),
  );

const special: Readonly<Record<string, readonly Reading[]>> = {
  read: [
    {
      phones: 'R EH1 D',
      name: 'past participle',
      when: (s) =>
        haves.has(lastBefore(s)) ||
        bes.has(lastBefore(s)) ||
        /^(?:well|widely|having|never)$/.test(s.previous) ||
        s.next === 'by',
    },
    {
      phones: 'R IY1 D',
      name: 'noun',
      when: both(previous('a good great quick long easy interesting must best'), not(objectNext)),
    },
    { phones: 'R IY1 D', name: 'infinitive', when: (s) => auxiliaries.has(lastBefore(s)) || lastBefore(s) === '' },
    {
      phones: 'R EH1 D',
      name: 'past',
      when: (s) => /^(?:he|she|it|who|which|that)$/.test(lastBefore(s)) || pastSigns(s),
    },
    {
      phones: 'R IY1 D',
      name: 'present',
      when: (s) =>
        subjects.has(lastBefore(s)) ||
        /[^s]s$/.test(lastBefore(s)) ||
        /^(?:and|or|children|men|women|students)$/.test(lastBefore(s)),
    },
    { phones: 'R EH1 D', name: 'past', when: (s) => s.at > 0 },
    { phones: 'R IY1 D', name: 'present' },
  ],
  lead: [
    {
      phones: 'L EH1 D',
      name: 'the metal',
      when: either(
        next(
          'pipe pipes paint paints poisoning pencil pencils bullet bullets ball balls mine mines glass acetate shot weight weights roof acid battery batteries ore crystal levels content exposure contamination',
        ),
        both(previous('of'), (s) =>
          /^(?:made|pound|pounds|ton|tons|tonnes|ounce|ounces|piece|pieces|sheet|sheets|lump|grams|traces|sulphate|sulfate|content|core|levels|amount|amounts|alloy|consisting)$/.test(
            s.beforePrevious,
          ),
        ),
        previous('molten liquid melted white red'),
        both(previous('and or'), (s) =>
          /^(?:zinc|copper|tin|iron|silver|gold|mercury|steel|arsenic)$/.test(s.beforePrevious),
        ),
        both(next('and or'), (s) =>
          /^(?:zinc|copper|tin|iron|silver|gold|mercury|steel|arsenic|asbestos)$/.test(s.afterNext),
        ),
        both(previous('contain contains contained containing'), not(objectNext)),
        both(
          next('is'),
          (s) => /^(?:a|heavy|toxic|soft|poisonous|denser|heavier|the)$/.test(s.afterNext) && s.at === 0,
        ),
      ),
    },
    { phones: 'L IY1 D', name: 'to guide, or what is first' },
  ],
  live: [
    { phones: 'L IH1 V', name: 'verb', when: (s) => auxiliaries.has(lastBefore(s)) || subjects.has(lastBefore(s)) },
    {
      phones: 'L AY1 V',
      name: 'adjective or adverb',
      when: either(
        next(
          'music broadcast broadcasts show shows concert concerts audience audiences performance performances wire wires ammunition tv television radio coverage stream streams streaming chat recording recordings album bait birth births animal animals cattle oak rounds stock feed event events version action band bands demo demonstration fish chickens sports video updates debate theater entertainment',
        ),
        (s) => bes.has(lastBefore(s)),
        (s) => determiners.has(s.previous) && !prepositions.has(s.next),
        previous(
          'broadcast streamed reporting reported televised recorded perform performed performing performs go going goes went sing sang play played shown airing aired watch watched coming played',
        ),
      ),
    },
    { phones: 'L IH1 V', name: 'verb' },
  ],
  lives: [
    {
      phones: 'L AY1 V Z',
      name: 'noun',
      when: either(
        nounPlace,
        previous(
          'and human innocent saved save saving saves cost lost lose risk risked risking taking took married daily inner whole private',
        ),
        (s) => /^(?:hundred|thousand|million|dozen|many|both|all)$/.test(s.previous),
      ),
    },
    { phones: 'L IH1 V Z', name: 'verb' },
  ],
  close: [
    {
      phones: 'K L OW1 S',
      name: 'adverb or adjective',
      when: either(
        next(
          'to by friend friends together enough range up relative relatives attention proximity look call ties contact quarters relationship relation inspection examination second race game combat cooperation',
        ),
        both((s) => bes.has(lastBefore(s)), not(previous('to'))),
        previous(
          'so very too as how pretty real stay stayed stand stood come came drew draw get got follow followed keep kept fairly extremely quite this that uncomfortably dangerously',
        ),
      ),
    },
    {
      phones: 'K L OW1 Z',
      name: 'verb, or the end',
      when: either(isVerb, both(previous('a the'), next('of')), next('down off'), objectNext),
    },
    { phones: 'K L OW1 Z', name: 'the end', when: (s) => s.previous === 'the' && (s.next === '' || s.next === 'of') },
    { phones: 'K L OW1 S', name: 'adjective' },
  ],
  minute: [
    {
      phones: 'M AY0 N UW1 T',
      name: 'tiny',
      when: either(
        previous('very so most more extremely such too incredibly'),
        both(
          not(previous('one two three four five ten fifteen twenty thirty last every each first per')),
          next(
            'detail details particle particles quantity quantities amount amounts animal animals portion portions description descriptions inspection examination search dose doses study account accounts trace traces difference differences fragments organisms instructions',
          ),
        ),
      ),
    },
    { phones: 'M IH1 N AH0 T', name: 'sixty seconds' },
  ],
  wind: [
    {
      phones: 'W AY1 N D',
      name: 'to turn',
      when: either(
        (s) =>
          /^(?:to|will|would|can|could|must|shall|should|may|might|do|does|did|please|let's|i|you|we|they|don't|didn't)$/.test(
            lastBefore(s),
          ),
        both(not(nounPlace), next('up down back around the your his her it')),
        both(next('its'), not(nounPlace)),
        both((s) => /[^s]s$/.test(s.previous) && !bes.has(s.previous), next('through along around down up')),
      ),
    },
    { phones: 'W IH1 N D', name: 'moving air' },
  ],
  winds: [
    {
      phones: 'W AY1 N D Z',
      name: 'to turn',
      when: both(
        next('up down through around its along between past round'),
        not(both(nounPlace, not(next('up its')))),
      ),
    },
    { phones: 'W IH1 N D Z', name: 'moving air' },
  ],
  tear: [
    {
      phones: 'T EH1 R',
      name: 'to rip, or a rip',
      when: either(
        (s) => auxiliaries.has(lastBefore(s)) || /^(?:i|you|we|they)$/.test(lastBefore(s)),
        next('down up apart off out open away'),
        both(not(nounPlace), objectNext),
        both(previous('a the this that muscle small large big'), next('in')),
        previous('wear'),
      ),
    },
    { phones: 'T IH1 R', name: 'of an eye' },
  ],
  tears: [
    {
      phones: 'T EH1 R Z',
      name: 'to rip',
      when: either(
        (s) => /^(?:he|she|it|who|that|which)$/.test(lastBefore(s)),
        next('apart up off down'),
        previous('muscle ligament'),
      ),
    },
    { phones: 'T IH1 R Z', name: 'of eyes' },
  ],
  bow: [
    {
      phones: 'B OW1',
      name: 'a weapon, a knot, of a violin',
      when: either(
        both(next('and'), (s) => /^arrows?$/.test(s.afterNext)),
        next('tie ties string strings legged window street road bells church'),
        previous('violin long cross hair red pink blue ribbon silk hunting compound recurve cello'),
        both(
          (s) => /^(?:his|her|the|a)$/.test(s.previous),
          (s) => s.words.some((w) => /^(?:arrows?|quiver|violin|cello|ribbon|string|strings|archer|archers)$/.test(w)),
        ),
      ),
    },
    { phones: 'B AW1', name: 'to bend, or of a ship' },
  ],
  content: [
    {
      phones: 'K AH0 N T EH1 N T',
      name: 'satisfied',
      when: either(
        (s) => bes.has(lastBefore(s)) && !/^(?:of|is|are)$/.test(s.next),
        previous('very quite perfectly feel felt feels remain remained rest rested seem seemed more less fairly be'),
        both(next('with to himself herself themselves myself ourselves yourself'), not(afterDeterminer)),
      ),
    },
    { phones: 'K AA1 N T EH0 N T', name: 'what is in it' },
  ],
  does: [
    {
      phones: 'D OW1 Z',
      name: 'deer',
      when: (s) =>
        /^(?:the|two|three|several|many|some|of)$/.test(s.previous) &&
        (/^(?:and|were|are|with|in|grazed|ran)$/.test(s.next) || s.next === ''),
    },
    { phones: 'D AH1 Z', name: 'of do' },
  ],
  dove: [
    {
      phones: 'D OW1 V',
      name: 'past of dive',
      when: both(
        next(
          'into in under down for off behind from to deep headfirst straight right through overboard beneath toward towards below over',
        ),
        not(afterDeterminer),
        (s) => s.at > 0,
      ),
    },
    { phones: 'D AH1 V', name: 'the bird' },
  ],
  polish: [
    {
      phones: 'P OW1 L IH0 SH',
      name: 'of Poland',
      when: (s) => /^P/.test(s.written) && (s.at > 0 || (s.next !== '' && !objects.has(s.next))),
    },
    { phones: 'P AA1 L IH0 SH', name: 'to make shine' },
  ],
  wound: [
    {
      phones: 'W AW1 N D',
      name: 'past of wind',
      when: either(
        next('up around round down through its along back tightly'),
        both((s) => /^(?:he|she|they|i|we|it|who)$/.test(lastBefore(s)), objectNext),
        both((s) => bes.has(lastBefore(s)), next('into on onto about in with')),
      ),
    },
    { phones: 'W UW1 N D', name: 'an injury' },
  ],
  sow: [
    { phones: 'S AW1', name: 'the pig', when: both(previous('the a an old this that his her'), not(objectNext)) },
    { phones: 'S OW1', name: 'to plant' },
  ],
  bass: [
    {
      phones: 'B AE1 S',
      name: 'the fish',
      when: either(
        next('fishing fish'),
        previous('sea striped largemouth smallmouth caught black white fresh fried grilled'),
      ),
    },
    { phones: 'B EY1 S', name: 'low tones' },
  ],
  resume: [
    { phones: 'R EH1 Z AH0 M EY2', name: 'of a life', when: both(nounPlace, not(isVerb)) },
    { phones: 'R IH0 Z UW1 M', name: 'to go on' },
  ],
  invalid: [
    {
      phones: 'IH1 N V AH0 L AH0 D',
      name: 'a sick person',
      when: both(afterDeterminer, (s) => /^(?:|who|was|is|had|has|and|in|for|could|would|lay|sat)$/.test(s.next)),
    },
    { phones: 'IH2 N V AE1 L IH0 D', name: 'not valid' },
  ],
  used: [
    {
      phones: 'Y UW1 S T',
      name: 'accustomed',
      when: both(
        next('to'),
        either(
          (s) => subjects.has(lastBefore(s)) || /^(?:there|people|never|get|gets|got|getting)$/.test(s.previous),
          (s) => bes.has(lastBefore(s)) && (determiners.has(s.afterNext) || /ing$|^it$/.test(s.afterNext)),
          (s) => !bes.has(lastBefore(s)) && /^(?:be|have)$/.test(s.afterNext),
        ),
      ),
    },
    { phones: 'Y UW1 Z D', name: 'of use' },
  ],
  row: [{ phones: 'R OW1', name: 'a line, to paddle' }],
  sewer: [{ phones: 'S UW1 ER0', name: 'a drain' }],
  frequent: [
    { phones: 'F R IY0 K W EH1 N T', name: 'verb', when: both(isVerb, objectNext) },
    { phones: 'F R IY1 K W AH0 N T', name: 'adjective' },
  ],
  appropriate: [
    {
      phones: 'AH0 P R OW1 P R IY0 EY2 T',
      name: 'verb',
      when: both((s) => auxiliaries.has(lastBefore(s)), objectNext),
    },
    { phones: 'AH0 P R OW1 P R IY0 AH0 T', name: 'adjective' },
  ],
};
for (const [word, list] of Object.entries(special)) readings.set(word, list);

/** Words that have readings, for tests and documents. */
export const homographs = (): readonly string[] => [...readings.keys()];

/** The phones of all readings of a homograph, none for words that are none. */
export const readingsOf = (word: string): readonly string[] => (readings.get(word) ?? []).map(({ phones }) => phones);

/** The reading of a homograph by the words around it; undefined for words that are none. */
export function chooseReading({ words, at, written }: Neighbours): Choice | undefined {
  const list = readings.get(words[at]);
  if (list === undefined) return undefined;
  const surroundings: Surroundings = {
    previous: words[at - 1] ?? '',
    beforePrevious: words[at - 2] ?? '',
    next: words[at + 1] ?? '',
    afterNext: words[at + 2] ?? '',
    words,
    at,
    written,
  };
  const chosen = list.find(({ when }) => when === undefined || when(surroundings))!;
  return { phones: chosen.phones.split(' '), why: chosen.name };
}
