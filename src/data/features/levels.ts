import { compressor, expander } from '../../audio/compression.js';
import type { MelSettings } from '../../audio/mel_settings.js';
import { TtsError } from '../../base/errors.js';
import type { ExpectedFeatures } from './expected.js';
import { type FeatureFit, fitOf, isAlike, isConvertible, judgedFrames } from './fit.js';

/** Features with the voice's levels, and what was done to make them so. */
export interface Levelled {
  readonly features: Float32Array;
  readonly notes: string[];
}

/** Settings that decide what a filter's output is; if one differs, no conversion helps. */
const decisive = [
  'sampleRate',
  'fftSize',
  'windowLength',
  'hop',
  'bins',
  'fMin',
  'fMax',
  'power',
  'scale',
  'norm',
  'preEmphasis',
] as const;

/**
 * Brings features whose settings are known to the voice's logarithm and normalisation.
 *
 * @param features row-major [frames, bins]
 * @throws TtsError ERR_FEATURE_SETTINGS if another setting differs, or if the values contradict the settings.
 */
export function levelBySettings(
  path: string,
  features: Float32Array,
  settings: MelSettings,
  expected: ExpectedFeatures,
): Levelled {
  const wanted = expected.settings;
  const differences: string[] = decisive
    .filter((name) => settings[name] !== wanted[name])
    .map((name) => `${name} is ${settings[name]}, expected ${wanted[name]}`);
  // A logarithm's floor that lies higher has cut off what the voice expects to hear of.
  if (settings.log !== 'none' && wanted.log !== 'none' && settings.floor > wanted.floor * 1.001)
    differences.push(`floor is ${settings.floor}, expected ${wanted.floor}`);
  if (differences.length > 0)
    throw new TtsError(
      'ERR_FEATURE_SETTINGS',
      `${path} does not suit the voice ${expected.name}: ${differences.join('; ')}`,
    );

  // If the values fit badly as what they are said to be, and well as something else, the settings are not theirs.
  const claimed = conversion(settings, wanted);
  if (features.length / wanted.bins >= judgedFrames && !isAlike(fitOf(features, expected.statistics, claimed))) {
    const other = [...alternatives(wanted), wanted].find(
      (kind) => !sameLevels(kind, settings) && isAlike(fitOf(features, expected.statistics, conversion(kind, wanted))),
    );
    if (other)
      throw new TtsError(
        'ERR_FEATURE_SETTINGS',
        `${path}: its settings say ${describe(settings)}, its values ` +
          `(${extremes(features)}) look like ${describe(other)}`,
      );
  }

  const notes: string[] = [];
  if (settings.padding !== wanted.padding)
    notes.push(
      `frames lie otherwise in time: padding ${settings.padding}, the voice has ${wanted.padding}; speech is ` +
        'shifted by less than a window',
    );
  if (sameLevels(settings, wanted) && settings.floor >= wanted.floor) return { features, notes };
  notes.push(`converted from ${describe(settings)} to ${describe(wanted)}, by the settings beside the file`);
  return { features: features.map(claimed), notes };
}

/**
 * Judges features whose settings are not known by the voice's statistics, and converts them if they fit as one other
 * kind of level only. Statistics tell kinds of level apart, but neither mel scales nor edges of bins: for those there
 * must be settings.
 *
 * @param features row-major [frames, bins]
 * @throws TtsError ERR_FEATURE_RANGE if they fit as nothing.
 */
export function levelByStatistics(path: string, features: Float32Array, expected: ExpectedFeatures): Levelled {
  const { settings: wanted, statistics, name } = expected;
  const frames = features.length / wanted.bins;
  const fit = fitOf(features, statistics);
  if (frames < judgedFrames) {
    // Spread says little about so short a clip; the offset still tells ln from the rest.
    if (fit.offset >= -2.5 && fit.offset <= 0.9) return { features, notes: [] };
    throw misfit(
      path,
      features,
      fit,
      expected,
      `; ${frames} frames are too few to tell what they are (${judgedFrames} would do)`,
    );
  }
  if (isAlike(fit)) return { features, notes: [] };
  const fitting = alternatives(wanted).filter(
    (kind) => couldBe(kind, features) && isConvertible(fitOf(features, statistics, conversion(kind, wanted))),
  );
  if (fitting.length !== 1) throw misfit(path, features, fit, expected, '');
  const note =
    `converted from ${describe(fitting[0])} to ${describe(wanted)}: the values ` +
    `(${extremes(features)}) fit the voice ${name} only so`;
  return { features: features.map(conversion(fitting[0], wanted)), notes: [note] };
}

function misfit(
  path: string,
  features: Float32Array,
  { offset, spread }: FeatureFit,
  { name, statistics, settings }: ExpectedFeatures,
  more: string,
): TtsError {
  return new TtsError(
    'ERR_FEATURE_RANGE',
    `${path} has values ${extremes(features)}: the voice ${name} expects ${describe(settings)} from ` +
      `${statistics.min.toFixed(2)} to ${statistics.max.toFixed(2)}; ` +
      (`on average they lie ${offset.toFixed(1)} standard deviations off and spread ${spread.toFixed(2)} ` +
        `times as wide${more}. If they are right, put their settings beside them (.json, see tts-prepare)`),
  );
}

/** The kinds of level that are tried: each logarithm without normalisation, but for the voice's own kind. */
function alternatives(wanted: MelSettings): MelSettings[] {
  return (['e', '10', 'db', 'none'] as const)
    .map((log) => ({ ...wanted, log, normalisation: null }))
    .filter((kind) => !sameLevels(kind, wanted));
}

/** Outputs of filters before the logarithm are never negative, and never all at the floor. */
function couldBe(kind: MelSettings, features: Float32Array): boolean {
  return kind.log !== 'none' || features.every((value) => value >= 0);
}

function conversion(from: MelSettings, to: MelSettings): (value: number) => number {
  if (sameLevels(from, to)) return (value) => value;
  const expand = expander(from);
  const compress = compressor(to);
  return (value) => compress(expand(value));
}

function sameLevels(a: MelSettings, b: MelSettings): boolean {
  return a.log === b.log && JSON.stringify(a.normalisation) === JSON.stringify(b.normalisation);
}

function describe({ log, power, normalisation }: MelSettings): string {
  const level = { e: 'ln', 10: 'log10', db: 'dB', none: power === 1 ? 'magnitudes' : 'powers' }[log];
  return normalisation === null
    ? level
    : `${level} normalised from [${normalisation.from.join(', ')}] to [${normalisation.to.join(', ')}]`;
}

function extremes(features: Float32Array): string {
  const min = features.reduce((a, b) => Math.min(a, b));
  const max = features.reduce((a, b) => Math.max(a, b));
  return `from ${min.toFixed(2)} to ${max.toFixed(2)}`;
}
