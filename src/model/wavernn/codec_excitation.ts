import { predictorFromMel, predictorOrder } from '../../audio/lpc.js';
import type { MelSettings } from '../../audio/mel_settings.js';
import { mulawCode, mulawValue } from '../../audio/mulaw.js';
import { pitchFromMel } from '../../audio/pitch_from_mel.js';
import { TtsError } from '../../base/errors.js';
import { codeExcitation, noiseAfter } from '../../kernels/interface/excitation.js';
import {
  type FramePredictors,
  type Hearing,
  Listener,
  longestPeriod,
  periodParts,
  shortestPeriod,
} from '../../kernels/interface/listener.js';
import { meansOf, type SymbolCodec } from './codec.js';
import { cueCount, vectorsPerFrame, type WaveRnnConfig } from './config.js';

/** What of a voice its codec depends on. */
export type ExcitationConfig = Pick<WaveRnnConfig, 'encoding' | 'hears' | 'conditioning'>;

/**
 * The µ-law code spans this many standard deviations of the excitation to each side: glottal pulses stand out that far.
 */
const span = 16;

/**
 * Samples for which the encoder runs before the first symbol that counts, so that its reconstruction has settled. With
 * the pitch, some periods.
 */
const settle = { lpc10: 64, ltp10: 800 } as const;

/**
 * Prediction from the pitch: voiced speech is periodic in its low frequencies, above them mostly noise. The gain grows
 * with the strength of the pitch. Edge of the filter in Hz, its length to each side in seconds, the strengths between
 * which the gain rises, and its most: those that left the least of the excitation of 24 clips of one voice.
 */
const pitchEdge = 2200;
const pitchReach = 12 / 22050;
const pitchStrength = [0.45, 0.8] as const;
const pitchGain = 0.75;

/**
 * A sampler and a decoder work at this share of the level, so that what is drawn may go beyond full scale and come back.
 * Were it cut off there, the predictors would no longer fit what was heard, and it would stay there for periods. A power
 * of two: no symbol changes by it where nothing is cut off.
 */
const headroom = 1 / 8;

const values = Float64Array.from({ length: 1024 }, (_, code) => mulawValue(code));
const edges = Float64Array.from({ length: values.length - 1 }, (_, code) => mulawValue(code + 0.5));
const logWidths = values.map((_, code) => Math.log(mulawValue(code + 0.5) - mulawValue(code - 0.5)));

/**
 * Speech as the excitation of a linear predictor that comes from the features, so that the network models the voice's
 * source and not the resonances, which the features already describe (the idea of LPCNet, Valin and Skoglund 2019,
 * arXiv 1810.11846, section 2). The encoding ltp10 also predicts from the excitation of one period ago, with the pitch
 * that the features have, so that harmonics come from the codec and not from the network (long-term prediction, as in
 * speech coders). The excitation is divided by the gain that the predictor expects and coded in 10-bit
 * µ-law. The encoder predicts from what the decoder will have reconstructed, so that coding errors do not add up.
 */
export function excitationCodec(settings: MelSettings, config: ExcitationConfig): SymbolCodec {
  const { bins, sampleRate } = settings;
  const encoding = config.encoding === 'ltp10' ? 'ltp10' : 'lpc10';
  const vectors = vectorsPerFrame(config);
  // All below is done once for each gate conditioning.
  const hop = settings.hop / vectors;
  const analyse = predictorFromMel(settings);
  const findPitch = encoding === 'ltp10' ? pitchFromMel(settings) : () => ({ period: shortestPeriod, strength: 0 });
  const predictors = (features: Float32Array): FramePredictors => {
    const frames = features.length / bins;
    const coefficients = new Float64Array(frames * vectors * predictorOrder);
    const scales = new Float64Array(frames * vectors);
    const periods = new Int32Array(frames * vectors);
    const gains = new Float64Array(frames * vectors);
    for (let i = 0; i < frames; i++) {
      const frame = features.subarray(i * bins, (i + 1) * bins);
      const predictor = analyse(frame);
      // Sums of the coefficients: one that is not finite makes them so.
      if (!Number.isFinite(predictor.gain + predictor.coefficients.reduce((sum, value) => sum + value, 0)))
        throw new TtsError(
          'ERR_FEATURE_RANGE',
          `frame ${i} of these has levels that no recording has (${Math.max(...frame)} at most); expected features ` +
            'like those of the training',
        );
      const { period, strength } = findPitch(frame);
      const [weak, strong] = pitchStrength;
      for (let j = i * vectors; j < (i + 1) * vectors; j++) {
        coefficients.set(predictor.coefficients, j * predictorOrder);
        scales[j] = span * predictor.gain;
        // At low sample rates the highest pitches have periods that are too short for the kernels.
        const known = period >= shortestPeriod && period <= longestPeriod;
        periods[j] = Math.round((known ? period : shortestPeriod) * periodParts);
        gains[j] = known ? pitchGain * Math.max(0, Math.min(1, (strength - weak) / (strong - weak))) : 0;
      }
    }
    return { coefficients, scales, periods, gains };
  };
  const lowered = (features: Float32Array): FramePredictors => {
    const frames = predictors(features);
    return { ...frames, scales: frames.scales.map((scale) => headroom * scale) };
  };
  const cues = cueCount(config);
  const history = predictorOrder + settle[encoding];
  const lead = Math.ceil(history / settings.hop);
  const pitchFilter = encoding === 'ltp10' ? pitchLowPass(sampleRate) : new Float64Array(0);
  const hearing: Hearing = { cues, order: predictorOrder, values, pitchFilter };

  return {
    silence: mulawCode(0),
    history,
    lead,
    ...(cues > 0 && { hearing, predictors: lowered }),
    encode({ pcm, phase, features, lanes = 1 }, { noise, before = 0, kernels = { codeExcitation } } = {}) {
      const frame = predictors(features);
      const framesBefore = lead * vectors + Math.floor(phase / hop);
      const length = pcm.length / lanes;
      const frames = frame.scales.length / lanes;
      const symbols = kernels.codeExcitation({
        ...hearing,
        ...frame,
        lanes,
        length,
        pcm,
        history,
        hop,
        phase: phase % hop,
        frames,
        lead: framesBefore,
        edges,
        noise: noise && noiseAfter(noise, before, length - predictorOrder),
      });
      const meanLogWidths = meansOf(logWidths, symbols.codes, lanes, {
        logScales: frame.scales.map((scale) => Math.log(scale * 32768)),
        hop,
        phase: phase % hop,
        lead: framesBefore,
      });
      return { ...symbols, meanLogWidths };
    },
    decoder() {
      const listener = new Listener({ ...hearing, cues: 0 });
      return (codes, features) => {
        const frames = lowered(features);
        const samples = new Float64Array(codes.length);
        for (let i = 0; i < codes.length; i++) {
          if (i % hop === 0) listener.frame(frames, i / hop);
          listener.predict();
          samples[i] = listener.follow(codes[i]) / headroom;
        }
        return samples;
      };
    },
  };
}

/** A low-pass filter delayed by each part of a sample, [parts, taps]: a sinc under a Hamming window. */
function pitchLowPass(sampleRate: number): Float64Array {
  const reach = Math.min(shortestPeriod / 2 - 1, Math.round(pitchReach * sampleRate));
  const taps = 2 * reach + 1;
  const filter = new Float64Array(periodParts * taps);
  for (let part = 0; part < periodParts; part++) {
    const row = filter.subarray(part * taps, (part + 1) * taps);
    for (let k = 0; k < taps; k++) {
      const t = k - reach - part / periodParts;
      const x = (2 * Math.PI * pitchEdge * t) / sampleRate;
      row[k] = (x === 0 ? 1 : Math.sin(x) / x) * (0.54 + 0.46 * Math.cos((Math.PI * t) / (reach + 1)));
    }
    const sum = row.reduce((total, value) => total + value, 0);
    row.forEach((value, k) => (row[k] = value / sum));
  }
  return filter;
}
