import { headphoneCheck } from '../protocol.js';
import type { Listener } from '../server/records.js';
import { anchorSignal, trapSignal } from '../study/signals.js';
import { groupBy } from './groups.js';
import type { AnalysedStudy, Score } from './scores.js';
import { quartiles } from './significance.js';

/** ITU-R BS.1534-3, 4.1.2. */
const threshold = 90;
const tolerated = 0.15;
const easyItem = 0.25;

/** A listener, and whether the answers count. */
export interface ScreenedListener {
  readonly listener: number;
  readonly participant: string | null;
  readonly finished: boolean;
  /** Trials answered, without practice. */
  readonly trials: number;
  readonly secondsPerTrial: number | null;
  readonly headphones: 'passed' | 'failed' | null;
  readonly traps: { readonly failed: number; readonly of: number };
  /** Why the answers do not count; empty if they do. */
  readonly excluded: readonly string[];
  readonly comment: string | null;
}

/**
 * Says whose answers count: those of listeners who meet the standard's rules (mushra), or who answer the traps
 * correctly (all other kinds).
 */
export function screen(
  study: AnalysedStudy,
  listeners: readonly Listener[],
  scores: readonly Score[],
): ScreenedListener[] {
  const easy = easyItems(study, scores);
  const groups = groupBy(scores, ({ listener }) => listener);
  return listeners.map(({ id, participant, finished, headphones, comment }) => {
    const own = (groups.get(id) ?? []).filter(({ role }) => role !== 'practice');
    const traps = own.filter(({ role }) => role === 'trap');
    const failed = traps.filter((score) => !passes(study, score)).length;
    const times = new Map(own.map(({ trial, seconds }) => [trial, seconds]));
    return {
      listener: id,
      participant,
      finished: finished !== null,
      trials: times.size,
      secondsPerTrial:
        times.size === 0 ? null : [...times.values()].reduce((sum, seconds) => sum + seconds, 0) / times.size,
      headphones: headphones === null ? null : headphones.correct >= headphoneCheck.pass ? 'passed' : 'failed',
      traps: { failed, of: traps.length },
      excluded: [
        ...(failed > 0 ? [`${failed} of ${traps.length} traps answered wrongly`] : []),
        ...(study.kind === 'mushra' ? standardRules(study, own, easy) : []),
      ],
      comment,
    };
  });
}

/** Whether a trap was answered correctly: it is speech full of noise, alone or beside the clean original. */
function passes({ kind }: AnalysedStudy, { signals, value }: Score): boolean {
  if (kind === 'mos') return value <= 2;
  if (kind === 'abx') return value === 1;
  // Traps are not among the pairs of the study, so the second is still what the listener saw as B.
  return signals[1] === trapSignal ? value < 0 : value > 0;
}

/** The anchor of middle quality, which keeps most of the band. */
const middleAnchor = ({ anchors }: AnalysedStudy): string | undefined =>
  anchors.length === 0 ? undefined : anchorSignal(Math.max(...anchors));

/** Clips whose middle anchor more than a quarter of the listeners rate above 90: these exclude nobody. */
function easyItems(study: AnalysedStudy, scores: readonly Score[]): Set<string> {
  const anchor = middleAnchor(study);
  const rated = scores.filter(({ signals, role }) => role === 'test' && signals[0] === anchor);
  return new Set(
    study.clips.filter((clip) => {
      const values = rated.filter((score) => score.clip === clip).map(({ value }) => value);
      return values.filter((value) => value > threshold).length > easyItem * values.length;
    }),
  );
}

function standardRules(study: AnalysedStudy, scores: readonly Score[], easy: ReadonlySet<string>): string[] {
  const of = (signal: string | null | undefined) =>
    scores.filter(({ signals, role }) => role === 'test' && signals[0] === signal);
  const reasons: string[] = [];
  const references = of(study.reference);
  const low = references.filter(({ value }) => value < threshold).length;
  if (low > tolerated * references.length)
    reasons.push(`hidden reference below ${threshold} in ${low} of ${references.length} clips`);
  const anchors = of(middleAnchor(study));
  const high = anchors.filter(({ value, clip }) => value > threshold && !easy.has(clip)).length;
  if (high > tolerated * anchors.length)
    reasons.push(`${middleAnchor(study)} above ${threshold} in ${high} of ${anchors.length} clips`);
  return reasons;
}

/**
 * Ratings of a signal of a clip that lie more than 1.5 interquartile ranges outside the quartiles (BS.1534-3, 4.1.2).
 * They should be looked into, but are not left out.
 */
export function outliers(scores: readonly Score[]): Score[] {
  const groups = groupBy(scores, ({ clip, signals }) => JSON.stringify([clip, ...signals]));
  return [...groups.values()].flatMap((group) => {
    const [lower, , upper] = quartiles(group.map(({ value }) => value));
    const reach = 1.5 * (upper - lower);
    return group.filter(({ value }) => value < lower - reach || value > upper + reach);
  });
}
