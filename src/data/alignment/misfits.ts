import { medianOf } from '../check/outliers.js';
import type { ClipFeatures } from './features.js';
import type { Mixtures } from './gaussians.js';
import { statesPerUnit, units } from './graph.js';

/** Transcripts are strange from so many deviations above the median of their reader on, */
const mostDeviations = 6;
/** and deviations are not taken for smaller than this, however alike the clips of a reader are. */
const leastDeviation = 0.16;

/** Ways that fall behind the best by more are given up. */
const beam = 100;

/** The logarithm of the likelihood of a clip by its likeliest sequence of phones, all of which are equally likely. */
export function anyPhones(mixtures: Mixtures, { data, frames }: ClipFeatures): number {
  const states = mixtures.states;
  const enter = -Math.log(units.length);
  let scores = new Float64Array(states).fill(-Infinity);
  let next = new Float64Array(states);
  let ended = 0;
  let best = 0;
  for (let frame = 0; frame < frames; frame++) {
    const start = ended + enter;
    const least = best - beam;
    best = -Infinity;
    ended = -Infinity;
    for (let state = 0; state < states; state++) {
      const position = state % statesPerUnit;
      const stayed = frame === 0 ? -Infinity : scores[state] + mixtures.stay[state];
      const came = position > 0 ? scores[state - 1] + mixtures.leave[state - 1] : start;
      let score = stayed > came ? stayed : came;
      if (score < least) score = -Infinity;
      else {
        score += mixtures.logDensity(state, data, frame);
        if (score > best) best = score;
        if (position === statesPerUnit - 1 && score + mixtures.leave[state] > ended)
          ended = score + mixtures.leave[state];
      }
      next[state] = score;
    }
    [scores, next] = [next, scores];
  }
  return ended;
}

/**
 * Which clips of a reader have a transcript that is not what is said: those that it explains far worse than others.
 *
 * @param excess for each clip by how much any phones explain it better than those of its transcript: the difference of
 * the logarithms of likelihoods, over the frames in which the transcript has a phone
 */
export function misfits(excess: readonly number[]): boolean[] {
  const median = medianOf(excess);
  const deviation = Math.max(leastDeviation, 1.4826 * medianOf(excess.map((value) => Math.abs(value - median))));
  return excess.map((value) => value > median + mostDeviations * deviation);
}
