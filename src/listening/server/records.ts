import type { Answer, HeadphoneResult } from '../protocol.js';
import type { Trial } from '../study/plan.js';

/** A listener as the server knows one. Times are milliseconds since 1970. */
export interface Listener {
  readonly id: number;
  /** Place in the plan. */
  readonly slot: number;
  readonly participant: string | null;
  readonly plan: readonly Trial[];
  readonly started: number;
  readonly headphones: HeadphoneResult | null;
  readonly comment: string | null;
  readonly finished: number | null;
}

/** An answer with where it belongs. */
export interface StoredAnswer extends Answer {
  readonly listener: number;
  readonly trial: number;
  readonly saved: number;
}

/** What a report is made from. */
export interface Answers {
  /** The settings that were kept with the answers; null if there are none. */
  settings(): unknown;
  listeners(): readonly Listener[];
  answers(): readonly StoredAnswer[];
  /** What of the file is damaged and left out, a line each. */
  readonly damage: readonly string[];
}
