import type { CopyReport } from './copy_report.js';

/** What is measured of a clip: the copy, and how a voice made it (null for recordings from a folder). */
export interface ClipMeasures extends CopyReport {
  /** Nats per 16-bit sample of the original. See `negativeLogLikelihood`. */
  readonly nll: number | null;
  /** Seconds of work per second of speech, on one core; below 1 is faster than real time. */
  readonly realTimeFactor: number | null;
}

export type MeasureName = keyof ClipMeasures;

/** How a measure is shown. */
export interface Measure {
  readonly name: MeasureName;
  readonly title: string;
  /** Of the numbers; '' for none. */
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** Digits after the point. */
  readonly digits: number;
  /** One sentence for readers of a report. */
  readonly definition: string;
}

/** All measures, in the order of tables. The functions that compute them say exactly what they are. */
export const measures: readonly Measure[] = [
  {
    name: 'nll',
    title: 'NLL',
    unit: 'nats per sample',
    better: 'lower',
    digits: 3,
    definition:
      'Mean of −ln p over the 16-bit samples of the recording, each predicted from those before it and the ' +
      'features (Kalchbrenner et al. 2018). Louder recordings have a higher one.',
  },
  {
    name: 'melCepstralDistortion',
    title: 'Mel-cepstral distortion',
    unit: 'dB',
    better: 'lower',
    digits: 2,
    definition:
      'Root mean square difference of the smoothed spectra on the mel scale, their levels apart: 13 mel ' +
      'cepstral coefficients without c0, every 5 ms, up to 8 kHz (Kubichek 1993).',
  },
  {
    name: 'logSpectralDistance',
    title: 'Log-spectral distance',
    unit: 'dB',
    better: 'lower',
    digits: 2,
    definition:
      'Root mean square difference of the levels in 80 mel bands up to 8 kHz, averaged over the frames; 60 ' +
      'dB below the loudest counts as silence (after Gray and Markel 1976).',
  },
  {
    name: 'f0Rmse',
    title: 'F0 RMSE',
    unit: 'cents',
    better: 'lower',
    digits: 1,
    definition:
      'Root mean square interval between the fundamental frequencies, where both are voiced; 100 cents are a ' +
      'semitone. Frequencies by probabilistic YIN (Mauch and Dixon 2014).',
  },
  {
    name: 'voicingError',
    title: 'Voicing error',
    unit: '%',
    better: 'lower',
    digits: 2,
    definition: 'Share of the frames of 5 ms that are voiced in one and unvoiced in the other (Nakatani et al. 2008).',
  },
  {
    name: 'harmonicity',
    title: 'Harmonicity',
    unit: '',
    better: 'higher',
    digits: 3,
    definition:
      'How periodic the copy is where the recording is voiced, 1 for as periodic as the recording: the highest ' +
      'normalised autocorrelation between 70 and 400 Hz, its mean over the voiced frames of 5 ms, copy over recording. ' +
      'Hoarse copies have less.',
  },
  {
    name: 'stoi',
    title: 'STOI',
    unit: '',
    better: 'higher',
    digits: 3,
    definition: 'Short-time objective intelligibility, 1 for a perfect copy (Taal et al. 2011).',
  },
  {
    name: 'estoi',
    title: 'ESTOI',
    unit: '',
    better: 'higher',
    digits: 3,
    definition:
      'Extended short-time objective intelligibility, 1 for a perfect copy, about 0 for noise (Jensen and Taal 2016).',
  },
  {
    name: 'bursts',
    title: 'Bursts',
    unit: 'per clip',
    better: 'lower',
    digits: 2,
    definition: 'Clicks and bursts of noise that the recording does not have.',
  },
  {
    name: 'realTimeFactor',
    title: 'Real-time factor',
    unit: '',
    better: 'lower',
    digits: 3,
    definition:
      'Seconds of work per second of speech; below 1 is faster than real time. It ' +
      'depends on the machine and on what else runs there.',
  },
];

/** A value in a table; what could not be measured is a dash. */
export const shown = (value: number | null, { digits }: Pick<Measure, 'digits'>): string =>
  value === null ? '–' : value.toFixed(digits);
