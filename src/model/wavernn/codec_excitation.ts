import { predictorFromMel, predictorOrder } from '../../audio/lpc.js';
import type { MelSettings } from '../../audio/mel_settings.js';
import { mulawCode, mulawValue } from '../../audio/mulaw.js';
import { codeExcitation } from '../../kernels/interface/excitation.js';
import { type FramePredictors, type Hearing, Listener, longestPeriod } from '../../kernels/interface/listener.js';
import { meansOf, type SymbolCodec } from './codec.js';
import { cueCount, vectorsPerFrame, type WaveRnnConfig } from './config.js';

/** What of a voice its codec depends on. */
export type ExcitationConfig = Pick<WaveRnnConfig, 'hears' | 'conditioning'>;

/**
 * The µ-law code spans this many standard deviations of the excitation to each side: glottal pulses stand out that far.
 */
const span = 16;

/**
 * Samples for which the encoder runs before the first symbol that counts, so that its reconstruction has settled. One
 * that looks for the pitch also wants to have heard its longest window.
 */
const settle = 64;
const settleWithPitch = 800;

/** Range of the pitch, in Hz. */
const lowestPitch = 55;
const highestPitch = 500;

const values = Float64Array.from({ length: 1024 }, (_, code) => mulawValue(code));
const edges = Float64Array.from({ length: values.length - 1 }, (_, code) => mulawValue(code + 0.5));
const logWidths = values.map((_, code) => Math.log(mulawValue(code + 0.5) - mulawValue(code - 0.5)));

/**
 * Speech as the excitation of a linear predictor that comes from the features, so that the network models the voice's
 * source and not the resonances, which the features already describe (the idea of LPCNet, Valin and Skoglund 2019,
 * arXiv 1810.11846, section 2). The excitation is divided by the gain that the predictor expects and coded in 10-bit
 * µ-law. The encoder predicts from what the decoder will have reconstructed, so that coding errors do not add up.
 */
export function excitationCodec(settings: MelSettings, config: ExcitationConfig): SymbolCodec {
  const { bins, sampleRate } = settings;
  const vectors = vectorsPerFrame(config);
  // All below is done once for each gate conditioning.
  const hop = settings.hop / vectors;
  const analyse = predictorFromMel(settings);
  const predictors = (features: Float32Array): FramePredictors => {
    const frames = features.length / bins;
    const coefficients = new Float64Array(frames * vectors * predictorOrder);
    const scales = new Float64Array(frames * vectors);
    for (let i = 0; i < frames; i++) {
      const predictor = analyse(features.subarray(i * bins, (i + 1) * bins));
      for (let j = i * vectors; j < (i + 1) * vectors; j++) {
        coefficients.set(predictor.coefficients, j * predictorOrder);
        scales[j] = span * predictor.gain;
      }
    }
    return { coefficients, scales };
  };
  const cues = cueCount(config);
  const history = predictorOrder + (config.hears === 'pitch' ? settleWithPitch : settle);
  const lead = Math.ceil(history / settings.hop);
  const hearing: Hearing = {
    cues,
    order: predictorOrder,
    shortest: Math.floor(sampleRate / highestPitch),
    longest: Math.min(longestPeriod, Math.floor(sampleRate / lowestPitch)),
    values,
  };

  return {
    silence: mulawCode(0),
    history,
    lead,
    ...(cues > 0 && { hearing, predictors }),
    encode({ pcm, phase, features, lanes = 1 }, { noise, kernels = { codeExcitation } } = {}) {
      const { coefficients, scales } = predictors(features);
      const before = lead * vectors + Math.floor(phase / hop);
      const frames = scales.length / lanes;
      const symbols = kernels.codeExcitation({
        ...hearing,
        lanes,
        length: pcm.length / lanes,
        pcm,
        history,
        hop,
        phase: phase % hop,
        frames,
        lead: before,
        coefficients,
        scales,
        edges,
        noise,
      });
      const logScales = scales.map((scale) => Math.log(scale * 32768));
      const meanLogWidths = meansOf(
        (code, i, lane) => logWidths[code] + logScales[lane * frames + before + Math.floor((i + (phase % hop)) / hop)],
        symbols.codes,
        lanes,
      );
      return { ...symbols, meanLogWidths };
    },
    decoder() {
      const listener = new Listener({ ...hearing, cues: 0 });
      return (codes, features) => {
        const { coefficients, scales } = predictors(features);
        return Int16Array.from(codes, (code, i) => {
          const frame = Math.floor(i / hop);
          if (i % hop === 0)
            listener.frame(
              coefficients.subarray(frame * predictorOrder, (frame + 1) * predictorOrder),
              scales[frame],
            );
          listener.predict(i % hop);
          return Math.max(-32768, Math.min(32767, Math.round(listener.follow(code) * 32768)));
        });
      };
    },
  };
}
