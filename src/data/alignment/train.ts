import { boundaries, type Boundary } from '../../text/tokens.js';
import { type ClipFeatures, dimensions } from './features.js';
import { Mixtures, Statistics } from './gaussians.js';
import {
  classOfUnit,
  type Graph,
  layOut,
  type SilenceChances,
  silenceChances,
  statesPerUnit,
  unitOfPhone,
  units,
} from './graph.js';
import type { Transcript } from './transcript.js';
import { bestPath, type Path } from './viterbi.js';

/** A clip as the aligner learns from it. */
export interface AlignerClip {
  readonly features: ClipFeatures;
  readonly transcript: Transcript;
}

/** What the aligner has learned. */
export interface AlignerModel {
  readonly mixtures: Mixtures;
  readonly chances: SilenceChances;
}

/** Where an element of a graph lies, in frames: from start to before end. */
export interface Stretch {
  readonly word: number;
  readonly variant: number;
  readonly position: number;
  readonly start: number;
  readonly end: number;
}

/** The schedule: how many Gaussians a state may have, and for how many rounds; at first the states of classes of phones. */
const rounds: readonly { readonly gaussians: number; readonly times: number; readonly simply?: boolean }[] = [
  { gaussians: 1, times: 4, simply: true },
  { gaussians: 2, times: 4, simply: true },
  { gaussians: 1, times: 5 },
  { gaussians: 2, times: 3 },
  { gaussians: 4, times: 3 },
  { gaussians: 8, times: 4 },
];
/** Silence is many things: noise of the room, breath, clicks. */
const moreForSilence = 2;

/** Of each state that of the class of its phone. */
const statesOfClasses = Int32Array.from(
  { length: units.length * statesPerUnit },
  (_, state) => classOfUnit[Math.floor(state / statesPerUnit)] * statesPerUnit + (state % statesPerUnit),
);

/** Rounds in which models are adapted to each of several readers, and the frames that the common model counts for. */
const adaptationRounds = 2;
const adaptationWeight = 10;

/** Ways that fall behind the best by more are given up, if another comes to the end. */
const beams = [120, 600, Infinity];

/**
 * Learns monophone hidden Markov models from clips alone, from a flat start: phones share the loud parts of a clip
 * evenly at first; then by turns models are estimated from the best paths, and the best paths found by the models
 * (Viterbi training; Young et al., The HTK Book, 2006; Povey et al., The Kaldi Speech Recognition Toolkit, 2011). At the
 * end the models are adapted to each reader. The same clips in the same order give the same models.
 *
 * @param readers the clips of each
 * @returns a model for each
 */
export function trainAligner(
  readers: readonly (readonly AlignerClip[])[],
  onProgress?: (done: number, total: number) => void,
): AlignerModel[] {
  const clips = readers.flat();
  let mixtures = new Mixtures(units.length * statesPerUnit);
  let chances = silenceChances();
  const adaptations = readers.length > 1 ? adaptationRounds : 0;
  const total = rounds.reduce((sum, { times }) => sum + times, adaptations);
  const flat = new Statistics(mixtures);
  for (const clip of clips) addStates(flat, flatStates(clip), clip.features);
  mixtures = flat.estimate(() => 1);
  let round = 0;
  let wereSimple = true;
  for (const { gaussians, times, simply = false } of rounds) {
    if (wereSimple && !simply) {
      mixtures = mixtures.copied(statesOfClasses);
      wereSimple = false;
    }
    for (let time = 0; time < times; time++) {
      const found = align(clips, { mixtures, chances }, { simply });
      mixtures = found.statistics.estimate(
        (_, state) => gaussians * (gaussians > 1 && state < statesPerUnit ? moreForSilence : 1),
      );
      ({ chances } = found);
      onProgress?.(++round, total);
    }
  }
  let models = readers.map((): AlignerModel => ({ mixtures, chances }));
  for (let time = 0; time < adaptations; time++) {
    models = readers.map((own, i) => {
      const found = align(own, models[i]);
      return { mixtures: found.statistics.adapted(adaptationWeight), chances: found.chances };
    });
    onProgress?.(++round, total);
  }
  return models;
}

/** Aligns clips, and sums up what a new model is made of. */
function align(
  clips: readonly AlignerClip[],
  { mixtures, chances }: AlignerModel,
  { simply = false }: { simply?: boolean } = {},
): { statistics: Statistics; chances: SilenceChances } {
  const statistics = new Statistics(mixtures);
  const counts = Object.fromEntries(boundaries.map((boundary) => [boundary, { silent: 0, all: 0 }])) as Record<
    Boundary,
    { silent: number; all: number }
  >;
  for (const { transcript, features } of clips) {
    const graph = layOut(transcript, chances, { simply });
    const path = search(graph, mixtures, features);
    if (path === undefined) continue;
    const { nodes } = path;
    addStates(
      statistics,
      nodes.map((node) => graph.states[node]),
      features,
    );
    for (const boundary of transcript.boundaries) counts[boundary].all++;
    for (const { word, variant } of stretchesOf(graph, nodes))
      if (variant < 0) counts[transcript.boundaries[word]].silent++;
  }
  return { statistics, chances: silenceChances(counts) };
}

/** The best path, with wider beams where a narrow one loses it; undefined for a clip that is too short. */
export function search(graph: Graph, mixtures: Mixtures, features: ClipFeatures): Path | undefined {
  if (features.frames < graph.least) return undefined;
  for (const beam of beams) {
    const path = bestPath(graph, mixtures, features, beam);
    if (path) return path;
  }
  return undefined;
}

/** The elements of a path, in order. */
export function stretchesOf({ elements, elementOf }: Graph, nodes: Int32Array): Stretch[] {
  const found: Stretch[] = [];
  for (let frame = 0, start = 0; frame < nodes.length; frame++) {
    if (frame + 1 < nodes.length && elementOf[nodes[frame + 1]] === elementOf[nodes[frame]]) continue;
    found.push({ ...elements[elementOf[nodes[frame]]], start, end: frame + 1 });
    start = frame + 1;
  }
  return found;
}

function addStates(statistics: Statistics, states: Int32Array, { data, frames }: ClipFeatures): void {
  for (let frame = 0; frame < frames; frame++)
    statistics.add(states[frame], data, frame, frame === 0 || states[frame - 1] !== states[frame]);
}

/** Quieter stretches that last so long are pauses to begin with. */
const shortestPause = 0.08;

/** States of the flat start: quiet stretches are silence, phones share the rest evenly. */
function flatStates({ features, transcript }: AlignerClip): Int32Array {
  const { data, frames, hopSeconds } = features;
  const levels = Float64Array.from({ length: frames }, (_, frame) => data[frame * dimensions]);
  const sorted = levels.slice().sort();
  const [low, high] = [0.05, 0.95].map((share) => sorted[Math.floor(share * (frames - 1))]);
  const threshold = low + 0.3 * (high - low);
  const quiet = levels.map((level) => (level < threshold ? 1 : 0));
  for (let start = 0, frame = 1; frame <= frames; frame++) {
    if (frame < frames && quiet[frame] === quiet[start]) continue;
    const inside = start > 0 && frame < frames;
    if (quiet[start] === 1 && inside && (frame - start) * hopSeconds < shortestPause) quiet.fill(0, start, frame);
    start = frame;
  }
  const phones = transcript.words
    .flatMap(({ variants }) => variants[0])
    .map((phone) => classOfUnit[unitOfPhone(phone)]);
  const loud = quiet.reduce((sum, value) => sum + 1 - value, 0);
  const states = new Int32Array(frames);
  let silent = 0;
  let heard = 0;
  for (let frame = 0; frame < frames; frame++) {
    if (quiet[frame] === 1) states[frame] = silent++ % statesPerUnit;
    else {
      const place = (heard++ / loud) * phones.length * statesPerUnit;
      states[frame] = phones[Math.floor(place / statesPerUnit)] * statesPerUnit + (Math.floor(place) % statesPerUnit);
    }
  }
  return states;
}
