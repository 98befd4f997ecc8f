import { TtsError } from '../base/errors.js';
import type { MelSettings } from './mel_settings.js';

/**
 * HiFi-GAN (Kong et al. 2020; github.com/jik876/hifi-gan, meldataset.py, config_v1.json) on the parameters of NVIDIA's
 * Tacotron 2, the commonest convention and this toolkit's default. Frame f describes samples f·hop … (f+1)·hop - 1.
 */
const hifigan: MelSettings = {
  sampleRate: 22050,
  fftSize: 1024,
  windowLength: 1024,
  hop: 256,
  padding: 'hop-reflect',
  bins: 80,
  fMin: 0,
  fMax: 8000,
  power: 1,
  powerOffset: 1e-9,
  scale: 'slaney',
  norm: 'slaney',
  log: 'e',
  floor: 1e-5,
  preEmphasis: 0,
  normalisation: null,
};

/**
 * dB of magnitudes, floored at 1e-5 (-100 dB), mapped from [-100, 0] to [0, 1], as implementations of Tacotron 1 use
 * them.
 */
const tacotronLevels: Pick<MelSettings, 'log' | 'floor' | 'normalisation'> = {
  log: 'db',
  floor: 1e-5,
  normalisation: { from: [-100, 0], to: [0, 1] },
};

/** Conventions of mel spectrograms by name, each with its source. */
export const melPresets: Readonly<Record<string, MelSettings>> = {
  hifigan,

  /**
   * NVIDIA Tacotron 2 and WaveGlow (github.com/NVIDIA/tacotron2, stft.py, layers.py, hparams.py): the values of
   * `hifigan`, but frames are centred on sample f·hop, so that there is one frame more and each lies half a hop
   * earlier.
   */
  tacotron2: { ...hifigan, padding: 'center-reflect', powerOffset: 0 },

  /**
   * ParallelWaveGAN and ESPnet on LJSpeech (github.com/kan-bayashi/ParallelWaveGAN, bin/preprocess.py
   * `logmelfilterbank`, egs/ljspeech/voc1/conf/parallel_wavegan.v1.yaml): log10, 80 to 7600 Hz. Their vocoders then
   * subtract the corpus' mean and divide by its standard deviation; features here are those before that.
   */
  espnet: { ...hifigan, padding: 'center-reflect', powerOffset: 0, fMin: 80, fMax: 7600, log: '10', floor: 1e-10 },

  /**
   * Tacotron 1 and WaveRNN of fatchord (github.com/fatchord/WaveRNN, utils/dsp.py, hparams.py): 12.5 ms hop, levels in
   * [0, 1], no pre-emphasis; the reference level of 20 dB is subtracted from linear spectrograms only. Reflected ends:
   * it was written for librosa before 0.9.
   */
  tacotron1: {
    ...hifigan,
    ...tacotronLevels,
    fftSize: 2048,
    windowLength: 1100,
    hop: 275,
    padding: 'center-reflect',
    powerOffset: 0,
    fMin: 40,
    fMax: 11025,
  },

  /**
   * Tacotron 1 of Keith Ito (github.com/keithito/tacotron, util/audio.py, hparams.py): as `tacotron1` at 20 kHz, with
   * pre-emphasis 0.97.
   */
  keithito: {
    ...hifigan,
    ...tacotronLevels,
    sampleRate: 20000,
    fftSize: 2048,
    windowLength: 1000,
    hop: 250,
    padding: 'center-reflect',
    powerOffset: 0,
    fMax: 10000,
    preEmphasis: 0.97,
  },

  /**
   * The defaults of librosa.feature.melspectrogram since librosa 0.9 (zeros at the ends; before, they were reflected):
   * powers, no logarithm.
   */
  librosa: {
    ...hifigan,
    fftSize: 2048,
    windowLength: 2048,
    hop: 512,
    padding: 'center-constant',
    bins: 128,
    fMax: 11025,
    power: 2,
    powerOffset: 0,
    log: 'none',
    floor: 0,
  },
};

/**
 * The settings of a named preset.
 *
 * @throws TtsError ERR_ARGUMENT for an unknown name; the message lists the known ones.
 */
export function melPreset(name: string): MelSettings {
  if (!Object.hasOwn(melPresets, name))
    throw new TtsError(
      'ERR_ARGUMENT',
      `unknown mel preset "${name}": expected one of ${Object.keys(melPresets).join(', ')}`,
    );
  return melPresets[name];
}
