import { type Predictor, predictorFromMel, predictorOrder } from '../../audio/lpc.js';
import type { MelSettings } from '../../audio/mel_settings.js';
import { mulawCode, mulawValue } from '../../audio/mulaw.js';
import { codeExcitation } from '../../kernels/interface/excitation.js';
import { meansOf, type SymbolCodec } from './codec.js';

/**
 * The µ-law code spans this many standard deviations of the excitation to each side: glottal pulses stand out that far.
 */
const span = 16;

/** Samples for which the encoder runs before the first symbol that counts, so that its reconstruction has settled. */
const settle = 64;

const history = predictorOrder + settle;

const values = Float64Array.from({ length: 1024 }, (_, code) => mulawValue(code));
const edges = Float64Array.from({ length: values.length - 1 }, (_, code) => mulawValue(code + 0.5));
const logWidths = values.map((_, code) => Math.log(mulawValue(code + 0.5) - mulawValue(code - 0.5)));

/**
 * Speech as the excitation of a linear predictor that comes from the features, so that the network models the voice's
 * source and not the resonances, which the features already describe (the idea of LPCNet, Valin and Skoglund 2019,
 * arXiv 1810.11846, section 2). The excitation is divided by the gain that the predictor expects and coded in 10-bit
 * µ-law. The encoder predicts from what the decoder will have reconstructed, so that coding errors do not add up.
 */
export function excitationCodec(settings: MelSettings): SymbolCodec {
  const { hop, bins } = settings;
  const analyse = predictorFromMel(settings);
  const predictorsOf = (features: Float32Array) =>
    Array.from({ length: features.length / bins }, (_, i) => analyse(features.subarray(i * bins, (i + 1) * bins)));

  return {
    silence: mulawCode(0),
    history,
    encode({ pcm, phase, features, lanes = 1 }, { noise, kernels = { codeExcitation } } = {}) {
      const predictors = predictorsOf(features);
      const scales = Float64Array.from(predictors, ({ gain }) => span * gain);
      const coefficients = new Float64Array(predictors.length * predictorOrder);
      predictors.forEach((predictor, i) => coefficients.set(predictor.coefficients, i * predictorOrder));
      const frames = predictors.length / lanes;
      const { codes, heard } = kernels.codeExcitation({
        lanes,
        length: pcm.length / lanes,
        pcm,
        history,
        hop,
        phase,
        frames,
        order: predictorOrder,
        coefficients,
        scales,
        values,
        edges,
        noise,
      });
      const logScales = scales.map((scale) => Math.log(scale * 32768));
      const meanLogWidths = meansOf(
        (code, i, lane) => logWidths[code] + logScales[lane * frames + 1 + Math.floor((i + phase) / hop)],
        codes,
        lanes,
      );
      return { codes, meanLogWidths, heard };
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

/** The last samples of a stream's reconstruction, twice in a row so that a window never wraps. */
class Past {
  private readonly samples = new Float64Array(2 * predictorOrder);
  private next = 0;

  /** Appends a sample, kept within full scale, and returns it. */
  push(sample: number): number {
    const kept = Math.max(-1, Math.min(1, sample));
    this.samples[this.next] = this.samples[this.next + predictorOrder] = kept;
    this.next = (this.next + 1) % predictorOrder;
    return kept;
  }

  /** In the order in which the encoder adds up. */
  predict(coefficients: Float64Array): number {
    const last = this.next + predictorOrder - 1;
    let sum = 0;
    for (let k = predictorOrder - 1; k >= 0; k--) sum += coefficients[k] * this.samples[last - k];
    return sum;
  }
}
