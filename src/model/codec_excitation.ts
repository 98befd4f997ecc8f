import { predictorFromMel, predictorOrder, type Predictor } from '../audio/lpc.js';
import type { MelSettings } from '../audio/mel.js';
import { mulawCode, mulawValue } from '../audio/mulaw.js';
import type { SymbolCodec } from './codec.js';

/** The µ-law code spans this many standard deviations of the excitation to each side: glottal pulses stand out that far. */
const span = 16;

/** Samples for which the encoder runs before the first symbol that counts, so that its reconstruction has settled. */
const settle = 64;

const values = Float64Array.from({ length: 1024 }, (_, code) => mulawValue(code));
const logWidths = values.map((_, code) => Math.log(mulawValue(code + 0.5) - mulawValue(code - 0.5)));

/**
 * Speech as the excitation of a linear predictor that comes from the features, so that the network models the voice's source and not the
 * resonances that the features already tell (the idea of LPCNet, Valin and Skoglund 2019, arXiv 1810.11846, section 2). The excitation is
 * divided by the gain that the predictor expects and coded in 10-bit µ-law. The encoder predicts from what the decoder will have
 * reconstructed, so that coding errors do not add up.
 */
export function excitationCodec(settings: MelSettings): SymbolCodec {
  const { hop, bins } = settings;
  const analyse = predictorFromMel(settings);
  const predictorsOf = (features: Float32Array) => Array.from({ length: features.length / bins }, (_, i) => analyse(features.subarray(i * bins, (i + 1) * bins)));

  return {
    silence: mulawCode(0),
    history: predictorOrder + settle,
    encode(pcm, phase, features, disturb) {
      const predictors = predictorsOf(features);
      const history = predictorOrder + settle;
      const samples = pcm.length - history;
      const codes = new Uint16Array(1 + samples);
      const heard = disturb && new Uint16Array(samples);
      const past = new Float64Array(pcm.length);
      for (let i = 0; i < predictorOrder; i++) past[i] = pcm[i] / 32768;
      let logWidth = 0;
      // Frame by frame; what lies before the first frame's predecessor is coded as that would be.
      for (let i = predictorOrder, frame = 0; i < pcm.length; frame++) {
        const { coefficients, gain } = predictors[frame];
        const scale = span * gain;
        const logScale = Math.log(scale * 32768);
        const end = Math.min(pcm.length, history - phase + frame * hop);
        for (; i < end; i++) {
          const prediction = predict(coefficients, past, i - 1);
          const code = mulawCode((pcm[i] / 32768 - prediction) / scale);
          const followed = disturb ? disturb(code) : code;
          past[i] = withinScale(prediction + scale * values[followed]);
          if (i >= history - 1) codes[i - history + 1] = code;
          if (heard && i >= history - 1 && i + 1 < pcm.length) heard[i - history + 1] = followed;
          if (i >= history) logWidth += logWidths[code] + logScale;
        }
      }
      return { codes, meanLogWidth: logWidth / samples, heard };
    },
    decoder() {
      const past = new Past();
      return (codes, features) => {
        const predictors: Predictor[] = predictorsOf(features);
        return Int16Array.from(codes, (code, i) => {
          const { coefficients, gain } = predictors[Math.floor(i / hop)];
          const sample = past.push(past.predict(coefficients) + span * gain * values[code]);
          return Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
        });
      };
    },
  };
}

/** Σ coefficients[k]·samples[last-k]. */
function predict(coefficients: Float64Array, samples: Float64Array, last: number): number {
  let sum = 0;
  for (let k = 0; k < predictorOrder; k++) sum += coefficients[k] * samples[last - k];
  return sum;
}

function withinScale(sample: number): number {
  return Math.max(-1, Math.min(1, sample));
}

/** The last samples of a stream's reconstruction, twice in a row so that a window never wraps. */
class Past {
  private readonly samples = new Float64Array(2 * predictorOrder);
  private next = 0;

  /** Appends a sample, kept within full scale, and returns it. */
  push(sample: number): number {
    const kept = withinScale(sample);
    this.samples[this.next] = this.samples[this.next + predictorOrder] = kept;
    this.next = (this.next + 1) % predictorOrder;
    return kept;
  }

  predict(coefficients: Float64Array): number {
    return predict(coefficients, this.samples, this.next + predictorOrder - 1);
  }
}
