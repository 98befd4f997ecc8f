import { melSpectrogram } from '../audio/mel.js';
import { type MelSettings } from '../audio/mel_settings.js';
import { melPresets } from '../audio/presets.js';

/** What is more than this below the original's loudest mel bin counts as this level, in dB. */
const range = 60;

/**
 * The log-spectral distance of two signals in dB (Gray and Markel 1976, "Distance measures for speech processing", IEEE
 * TASSP 24(5), 380-391, here on the mel scale): the root mean square of the differences of 20 log10 of the magnitudes
 * over 80 mel bins (up to 8 kHz, windows of 1,024 samples every 256), averaged over the frames. 0 for a copy. Whatever
 * is 60 dB below the original's loudest bin counts as silence.
 * @param target Samples of the original.
 * @param output Samples of the copy, starting at the same moment; the longer one is cut.
 * @param sampleRate Of both, in Hz.
 * @throws {TtsError} ERR_AUDIO_EMPTY when there is less than one frame.
 */
export function logSpectralDistance(target: Float32Array, output: Float32Array, sampleRate: number): number {
  const settings: MelSettings = {
    ...melPresets.hifigan,
    sampleRate,
    fMax: Math.min(melPresets.hifigan.fMax, sampleRate / 2),
    log: 'db',
  };
  const length = Math.min(target.length, output.length);
  const [original, copy] = [target, output].map((samples) => melSpectrogram(samples.subarray(0, length), settings));
  const floor = original.data.reduce((a, b) => Math.max(a, b), -Infinity) - range;
  const { frames, bins } = original;
  let sum = 0;
  for (let frame = 0; frame < frames; frame++) {
    let squares = 0;
    for (let i = frame * bins; i < (frame + 1) * bins; i++)
      squares += (Math.max(original.data[i], floor) - Math.max(copy.data[i], floor)) ** 2;
    sum += Math.sqrt(squares / bins);
  }
  return sum / frames;
}
