import { expander } from './compression.js';
import { filterBank, gravity } from './filter_bank.js';
import type { MelSettings } from './mel_settings.js';

/** Range of the pitch, in Hz. */
const lowestPitch = 55;
const highestPitch = 500;

/** Harmonics are told apart by mel bands below this, in Hz, and less and less above this share of it. */
const highestBand = 900;
const taperFrom = 0.8;
const taperWidth = 80;

/** The spectral envelope is the mean of the bands around, by a Gaussian of this deviation in Hz. */
const envelopeWidth = 150;

/** How far a band may stand out from the envelope, in nats of amplitude. */
const mostRipple = 3;

/** The pitch of one frame. */
export interface FramePitch {
  /** Samples of a period, with a fraction. */
  readonly period: number;
  /** How well the bands fit it: the correlation of their ripple with a cosine, at most 1. */
  readonly strength: number;
}

/**
 * The pitch from mel spectra: low bands are narrow enough to show harmonics as ripple over the envelope, and the period
 * is that whose cosine over frequency fits the ripple best. It is what a cepstrum finds (Noll 1967, J. Acoust. Soc. Am.
 * 41(2)), by bands that lie unevenly. A sender and a receiver that hold the same features hold the same pitch.
 * @returns a function from one frame of features [bins], not normalised by the voice's statistics, to its pitch; the
 * strength is 0 where there are too few bands to tell
 */
export function pitchFromMel(settings: MelSettings): (features: Float32Array) => FramePitch {
  const { sampleRate, fftSize } = settings;
  const expand = expander(settings);
  const bands = filterBank(settings).flatMap((filter, band) => {
    const known = gravity(filter);
    return known ? [{ band, sum: known.sum, frequency: (known.centre * sampleRate) / fftSize }] : [];
  });
  const count = bands.filter(({ frequency }) => frequency < highestBand).length;
  const around = bands.filter(({ frequency }) => frequency < highestBand + 4 * envelopeWidth);
  const low = bands.slice(0, count);
  const [shortest, longest] = [Math.ceil(sampleRate / highestPitch), Math.floor(sampleRate / lowestPitch)];
  if (count < 6) return () => ({ period: shortest, strength: 0 });

  /** [count][around]: what makes the envelope of the bands around each. */
  const envelopes = low.map(({ frequency }) => {
    const weights = around.map((other) => Math.exp(-0.5 * ((other.frequency - frequency) / envelopeWidth) ** 2));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  });
  const shares = low.map(({ frequency }) => 1 / (1 + Math.exp((frequency - taperFrom * highestBand) / taperWidth)));
  const allShares = shares.reduce((sum, share) => sum + share, 0);
  /** [periods][count]: cosines without their mean, by the share of the band, over their norm. */
  const templates = Array.from({ length: longest - shortest + 1 }, (_, i) => {
    const cosines = low.map(({ frequency }) => Math.cos((2 * Math.PI * frequency * (shortest + i)) / sampleRate));
    const mean = cosines.reduce((sum, cosine, band) => sum + cosine * shares[band], 0) / allShares;
    const norm = Math.sqrt(cosines.reduce((sum, cosine, band) => sum + shares[band] * (cosine - mean) ** 2, 0));
    return Float64Array.from(cosines, (cosine, band) => (shares[band] * (cosine - mean)) / norm);
  });

  // [⌈periods / 4⌉][count][4]: the sums of four periods side by side do not wait for each other.
  const fours = new Float64Array(4 * Math.ceil(templates.length / 4) * count);
  for (const [p, template] of templates.entries())
    for (const [i, value] of template.entries()) fours[((p >> 2) * count + i) * 4 + (p & 3)] = value;

  const levels = new Float64Array(around.length);
  const ripple = new Float64Array(count);
  const scores = new Float64Array(fours.length / count);
  return (features) => {
    around.forEach(
      ({ band, sum }, i) => (levels[i] = Math.log(Math.max(1e-9, expand(features[band]) / sum)) / settings.power),
    );
    let power = 1e-3;
    for (let i = 0; i < count; i++) {
      let envelope = 0;
      for (let j = 0; j < around.length; j++) envelope += envelopes[i][j] * levels[j];
      ripple[i] = Math.max(-mostRipple, Math.min(mostRipple, levels[i] - envelope));
      power += shares[i] * ripple[i] ** 2;
    }
    for (let p = 0, at = 0; p < scores.length; p += 4) {
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let i = 0; i < count; i++, at += 4) {
        a += fours[at] * ripple[i];
        b += fours[at + 1] * ripple[i];
        c += fours[at + 2] * ripple[i];
        d += fours[at + 3] * ripple[i];
      }
      scores[p] = a;
      scores[p + 1] = b;
      scores[p + 2] = c;
      scores[p + 3] = d;
    }
    let best = 0;
    for (let p = 1; p < templates.length; p++) if (scores[p] > scores[best]) best = p;
    const after = best + 1 < templates.length ? scores[best + 1] : undefined;
    return {
      period: shortest + best + vertex(scores[best - 1], scores[best], after),
      strength: Math.max(0, scores[best] / Math.sqrt(power)),
    };
  };
}

/** Where a parabola through values at -1, 0 and 1, the middle one the largest, has its top; 0 at an edge. */
function vertex(before: number | undefined, at: number, after: number | undefined): number {
  if (before === undefined || after === undefined) return 0;
  const bend = before - 2 * at + after;
  return bend < 0 ? (0.5 * (before - after)) / bend : 0;
}
