import { compressor } from './compression.js';
import { filterBank } from './filter_bank.js';
import type { MelSettings } from './mel_settings.js';
import { forEachFrame, framesOf } from './stft.js';

export { framesOf, samplesOf } from './stft.js';

/** Features, row-major [frames, bins]. */
export interface MelSpectrogram {
  readonly data: Float32Array;
  readonly frames: number;
  readonly bins: number;
}

/**
 * The mel spectrogram of samples in [-1, 1), row-major [frames, bins]. With the default preset (`hifigan`) there are
 * floor(samples / hop) frames and frame f describes samples f·hop … (f+1)·hop - 1.
 *
 * @throws TtsError ERR_AUDIO_EMPTY if the signal is too short for one frame.
 */
export function melSpectrogram(samples: Float32Array, settings: MelSettings): MelSpectrogram {
  const { bins, power, powerOffset } = settings;
  const filters = filterBank(settings);
  const compress = compressor(settings);
  const signal = settings.preEmphasis === 0 ? samples : emphasise(samples, settings.preEmphasis);
  const data = new Float32Array(framesOf(samples.length, settings) * bins);
  const frames = forEachFrame(signal, settings, (spectrum, frame) => {
    if (power === 1) for (let k = 0; k < spectrum.length; k++) spectrum[k] = Math.sqrt(spectrum[k] + powerOffset);
    else if (powerOffset > 0) for (let k = 0; k < spectrum.length; k++) spectrum[k] += powerOffset;
    for (let bin = 0; bin < bins; bin++) {
      const { first, weights } = filters[bin];
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * spectrum[first + k];
      data[frame * bins + bin] = compress(sum);
    }
  });
  return { data, frames, bins };
}

function emphasise(samples: Float32Array, coefficient: number): Float64Array {
  return new Float64Array(samples).map((sample, i) => (i === 0 ? sample : sample - coefficient * samples[i - 1]));
}
