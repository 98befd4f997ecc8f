import { RandomStream, streams } from '../../base/random.js';
import { anchorsOf, originalOf, trapSignal } from './signals.js';
import type { Study } from './study_folder.js';

/** One question to one listener. */
export interface Trial {
  readonly clip: string;
  /**
   * What is heard, in the order of the buttons: one signal (mos), A and B (cmos, ab), A, B and X (abx), or all signals
   * with the hidden reference and the anchors (mushra).
   */
  readonly signals: readonly string[];
  /** Practice and traps do not count; traps show who is listening. */
  readonly role: 'practice' | 'test' | 'trap';
}

/** A question that no listener has yet: a clip and the signals to compare, in no order. */
interface Item {
  readonly clip: string;
  readonly signals: readonly string[];
}

/** Independent sequences of random numbers: blocks of a million for each purpose, of 4,096 within it. */
const draws = { items: 0, order: 1, positions: 2, sides: 3, traps: 4, practice: 5 };
const drawing = (study: Study, purpose: keyof typeof draws, index: number) =>
  new RandomStream(study.seed, streams.listeningTests, 1 + (draws[purpose] * 2 ** 20 + index) * 4096);

/**
 * The trials of the listener in place `slot` (0, 1, …), practice first: a pure function of the test and the slot.
 *
 * Balance: the questions of a study stand in a row in which clips and systems alternate. Each listener takes the next
 * `trials` of them, and after the last question comes the first again. So after any number of listeners each question
 * has been asked equally often, give or take one, and each listener hears the systems equally often, give or take one.
 * Each time that a question is asked its signals move on by one place, so that each signal is equally often in each
 * place (A or B, first or last). The order of a listener's trials is random, but the same clip does not come twice in a
 * row if that can be avoided.
 */
export function planFor(study: Study, slot: number): Trial[] {
  const items = itemsOf(study);
  const count = Math.min(study.trials ?? items.length, items.length);
  const own = Array.from({ length: count }, (_, i) => {
    const turn = slot * count + i;
    return arrange(study, items, turn);
  });
  const order = drawing(study, 'order', slot);
  const trials = withTraps(study, apart(order.shuffle(own)), slot);
  return [...practiceTrials(study, slot), ...trials];
}

/** All questions of a study, in the row from which listeners take theirs. */
export function itemsOf(study: Study): Item[] {
  const random = drawing(study, 'items', 0);
  const clips = random.shuffle([...study.clips]);
  const repeated = (items: Item[]) => Array.from({ length: study.repetitions }, () => items).flat();
  if (study.kind === 'mushra')
    return repeated(clips.map((clip) => ({ clip, signals: [...study.systems, ...anchorsOf(study)] })));
  const compared = random.shuffle(
    study.kind === 'mos' ? study.systems.map((system) => [system]) : study.pairs.map((pair) => [...pair]),
  );
  // Round r gives clip i the comparison i + r: any few questions in a row have different clips and different systems.
  return repeated(
    compared.flatMap((_, round) =>
      clips.map((clip, i) => ({ clip, signals: compared[(i + round) % compared.length] })),
    ),
  );
}

/** Puts the signals of a question in order. `turn` counts the questions of all listeners. */
function arrange(study: Study, items: readonly Item[], turn: number): Trial {
  const item = turn % items.length;
  const time = Math.floor(turn / items.length);
  const { clip, signals } = items[item];
  // A group of as many repetitions, and as many neighbours in the row, as there are signals shares one random order.
  // Each of the group starts it at another signal, so that together they are balanced.
  const groups = Math.ceil(items.length / signals.length);
  const group = Math.floor(time / signals.length) * groups + Math.floor(item / signals.length);
  const base = drawing(study, 'positions', group).shuffle([...signals]);
  const shift = (time + item) % signals.length;
  const swapped = [...base.slice(shift), ...base.slice(0, shift)];
  if (study.kind !== 'abx') return { clip, signals: swapped, role: 'test' };
  // X is A or B by the toss of a coin. If it were balanced, a listener who counts could guess it.
  return { clip, signals: [...swapped, swapped[drawing(study, 'sides', turn).below(2)]], role: 'test' };
}

/** Adds questions with an obvious answer at random places, but not at the beginning. */
function withTraps(study: Study, trials: readonly Trial[], slot: number): Trial[] {
  const result = [...trials];
  const random = drawing(study, 'traps', slot);
  for (let t = 0; t < study.traps; t++) {
    const pair = random.shuffle([originalOf(study), trapSignal]);
    const signals = { mos: [trapSignal], cmos: pair, ab: pair, abx: [...pair, pair[random.below(2)]], mushra: [] }[
      study.kind
    ];
    result.splice(1 + random.below(result.length), 0, {
      clip: study.clips[random.below(study.clips.length)],
      signals,
      role: 'trap',
    });
  }
  return result;
}

/**
 * Each practice clip once. Where single clips are rated it comes from every system, so that listeners know the whole
 * range before their answers count.
 */
function practiceTrials(study: Study, slot: number): Trial[] {
  const random = drawing(study, 'practice', slot);
  const trial = (clip: string, signals: readonly string[]): Trial => ({ clip, signals, role: 'practice' });
  if (study.kind === 'mos')
    return study.practice.flatMap((clip) => random.shuffle([...study.systems]).map((system) => trial(clip, [system])));
  return study.practice.map((clip, i) => {
    if (study.kind === 'mushra') return trial(clip, random.shuffle([...study.systems, ...anchorsOf(study)]));
    const pair = random.shuffle([...study.pairs[(slot + i) % study.pairs.length]]);
    return trial(clip, study.kind === 'abx' ? [...pair, pair[random.below(2)]] : pair);
  });
}

/** Swaps trials so that the same clip does not come twice in a row, as far as that is possible. */
function apart(trials: Trial[]): Trial[] {
  const clash = (i: number) => i > 0 && i < trials.length && trials[i].clip === trials[i - 1].clip;
  const clashes = (i: number) => Number(clash(i)) + Number(clash(i + 1));
  for (let i = 1; i < trials.length; i++) {
    if (!clash(i)) continue;
    for (let j = 0; j < trials.length; j++) {
      const before = clashes(i) + clashes(j);
      [trials[i], trials[j]] = [trials[j], trials[i]];
      if (clashes(i) + clashes(j) < before) break;
      [trials[i], trials[j]] = [trials[j], trials[i]];
    }
  }
  return trials;
}
