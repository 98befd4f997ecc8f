import { z } from 'zod';
import { type Answer, headphoneCheck, type Kind, scale } from '../protocol.js';
import type { Trial } from '../study/plan.js';

/** The form of an answer; `faultOf` says whether it fits its trial. */
export const answerSchema = z.strictObject({
  ratings: z.array(z.number().min(-3).max(100).nullable()).max(16),
  heard: z.array(z.number().min(0).max(1)).max(17),
  seconds: z.number().min(0).max(1e6),
  done: z.boolean(),
});

export const headphoneSchema = z.strictObject({
  correct: z.int().min(0).max(headphoneCheck.tones),
  tones: z.literal(headphoneCheck.tones),
});
export const registrationSchema = z.strictObject({
  consent: z.literal(true),
  /** The listener's number with a panel provider, from the page's address. */
  participant: z
    .string()
    .regex(/^[\w.@-]{1,64}$/)
    .optional(),
});
export const finishSchema = z.strictObject({ comment: z.string().max(2000) });

/** The settings that decide what may be answered. */
export interface AnswerRules {
  readonly kind: Kind;
  readonly noPreference: boolean;
  readonly forcePlay: number;
  readonly forceRating: boolean;
}

/** Clips of a trial; the open reference of a MUSHRA test is heard but not rated. */
export const heardCount = (rules: { readonly kind: Kind }, trial: Trial): number =>
  trial.signals.length + (rules.kind === 'mushra' ? 1 : 0);
export const ratingCount = (rules: { readonly kind: Kind }, trial: Trial): number =>
  rules.kind === 'mushra' ? trial.signals.length : 1;

/** Why an answer is refused, or undefined. A preview accepts answers before everything was heard. */
export function faultOf(rules: AnswerRules, trial: Trial, answer: Answer, preview: boolean): string | undefined {
  const { kind, noPreference, forcePlay, forceRating } = rules;
  const ratings = ratingCount(rules, trial);
  if (answer.ratings.length !== ratings) return `${answer.ratings.length} ratings; expected ${ratings}`;
  if (answer.heard.length !== heardCount(rules, trial))
    return `${answer.heard.length} clips heard; expected ${heardCount(rules, trial)}`;
  const [lowest, highest] = scale[kind];
  const wrong = answer.ratings.find(
    (rating) => rating !== null && !(Number.isInteger(rating) && rating >= lowest && rating <= highest),
  );
  if (wrong !== undefined) return `a rating of ${wrong}; expected a whole number from ${lowest} to ${highest}`;
  if (answer.ratings[0] === 0 && (kind === 'abx' || (kind === 'ab' && !noPreference)))
    return 'no preference; expected A (-1) or B (1)';
  if (!answer.done || preview) return undefined;
  if (forceRating && answer.ratings.includes(null)) return 'done, but not everything is rated';
  // The reference, which comes last, may stay unheard: listeners may know it already.
  if (answer.heard.slice(0, trial.signals.length).some((share) => share < forcePlay))
    return 'done, but not everything was heard';
  return undefined;
}
