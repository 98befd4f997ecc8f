// What the server and the page send each other, and the ends of the scales. Types and plain values only: the page
// imports this file too.
export type Kind = 'mos' | 'cmos' | 'ab' | 'abx' | 'mushra';

/** What a listener may know of a trial. */
export interface PublicTrial {
  readonly practice: boolean;
  /** Number of clips behind buttons, the reference not counted. */
  readonly clips: number;
  /** Whether there is an open reference. */
  readonly reference: boolean;
  /** Whether all clips are of one length: switching then keeps the position. */
  readonly aligned: boolean;
  /** The signals behind the buttons; in a preview only. */
  readonly signals?: readonly string[];
}

/** A listener's answer to a trial, as far as it has been given. */
export interface Answer {
  /**
   * One number for each clip (mushra: 0 to 100), else one: mos 1 to 5; cmos -3 to 3, above 0 where B is better; ab -1
   * for A, 1 for B, 0 for no preference; abx -1 for A, 1 for B. Null: not yet.
   */
  readonly ratings: readonly (number | null)[];
  /** Share of each clip that was heard, 0 to 1; the open reference, if there is one, comes last. */
  readonly heard: readonly number[];
  /** Time spent on the trial so far. */
  readonly seconds: number;
  /** Whether the listener has gone on to the next trial. */
  readonly done: boolean;
}

/** What the page needs to know before anybody takes part. */
export interface PublicStudy {
  /** Changes when the study does; the page keeps its token under this name. */
  readonly id: string;
  readonly title: string;
  readonly kind: Kind;
  readonly language: string;
  readonly question: string;
  readonly instructions: string;
  readonly consent: string;
  readonly contact: string | null;
  readonly headphones: 'off' | 'record' | 'require';
  readonly noPreference: boolean;
  readonly forcePlay: number;
  readonly forceRating: boolean;
  readonly preview: boolean;
}

/** Result of the headphone check: how many of the tones were named correctly. */
export interface HeadphoneResult {
  readonly correct: number;
  readonly tones: number;
}

/** Everything a listener needs to begin or to continue. */
export interface Session {
  readonly trials: readonly PublicTrial[];
  /** By the number of the trial. */
  readonly answers: Readonly<Record<number, Answer>>;
  readonly headphones: HeadphoneResult | null;
  readonly finished: boolean;
  readonly finish: { readonly message: string; readonly url: string | null };
}

/** Lowest and highest rating of each kind. */
export const scale: Readonly<Record<Kind, readonly [lowest: number, highest: number]>> = {
  mos: [1, 5],
  cmos: [-3, 3],
  ab: [-1, 1],
  abx: [-1, 1],
  mushra: [0, 100],
};

/** Headphone check: tones asked for, and right answers that pass (Woods et al. 2017, doi:10.3758/s13414-017-1361-2). */
export const headphoneCheck = { tones: 6, pass: 5 } as const;
