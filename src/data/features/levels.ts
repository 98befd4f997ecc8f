import { compressor, expander } from '../../audio/compression.js';
import type { MelSettings } from '../../audio/mel_settings.js';
import { TtsError } from '../../base/errors.js';
import { type ExpectedFeatures, type FeatureFit, fitOf, isAlike, isConvertible, judgedFrames } from './fit.js';
import type { LaidOut } from './layout.js';

/** Settings that decide the output of the filters; if one differs, no conversion helps. */
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
 * Brings features to the voice's logarithm and normalisation: by the settings beside them, or, where there are none, by
 * what their values look like.
 *
 * @throws TtsError ERR_FEATURE_SETTINGS if another setting than these differs, or if the values contradict the
 * settings; ERR_FEATURE_RANGE if there are no settings and the values fit no kind of level.
 */
export function level(laidOut: LaidOut, expected: ExpectedFeatures): LaidOut {
  return laidOut.settings === undefined
    ? levelByStatistics(laidOut, expected)
    : levelBySettings(laidOut, laidOut.settings, expected);
}

function levelBySettings(laidOut: LaidOut, settings: MelSettings, expected: ExpectedFeatures): LaidOut {
  const { path, data, frames } = laidOut;
  const wanted = expected.settings;
  const differences: string[] = decisive
    .filter((name) => settings[name] !== wanted[name])
    .map((name) => `${name} is ${settings[name]}, expected ${wanted[name]}`);
  // A higher floor has cut off something that the voice expects.
  if (settings.log !== 'none' && wanted.log !== 'none' && settings.floor > wanted.floor * 1.001)
    differences.push(`floor is ${settings.floor}, expected ${wanted.floor}`);
  if (differences.length > 0)
    throw new TtsError(
      'ERR_FEATURE_SETTINGS',
      `${path} does not suit the voice ${expected.name}: ${differences.join('; ')}`,
    );

  // If the values fit badly as what they are said to be, and well as something else, the settings are not theirs.
  const claimed = conversion(settings, wanted);
  const alike = isAlike(fitOf(data, expected.statistics, claimed));
  const baseTwo = sameLevels(settings, wanted) && settings.floor >= wanted.floor && isBaseTwo(data, expected);
  if (frames >= judgedFrames && (!alike || baseTwo)) {
    const other = [...alternatives(wanted), wanted].find(
      (kind) =>
        !sameLevels(kind, settings) &&
        couldBe(kind, data, wanted) &&
        isAlike(fitOf(data, expected.statistics, conversion(kind, wanted))),
    );
    if (other)
      throw new TtsError(
        'ERR_FEATURE_SETTINGS',
        `${path}: its settings say ${describe(settings)}, its values ` +
          `(${extremes(data)}) look like ${describe(other)}`,
      );
  }

  const notes = [...laidOut.notes];
  if (settings.padding !== wanted.padding)
    notes.push(
      `frames are placed differently in time: padding ${settings.padding}, the voice has ${wanted.padding}; ` +
        'speech is shifted by less than a window',
    );
  if (sameLevels(settings, wanted) && settings.floor >= wanted.floor) return { ...laidOut, notes };
  notes.push(`converted from ${describe(settings)} to ${describe(wanted)}, by the settings beside the file`);
  return { ...laidOut, data: data.map(claimed), notes };
}

/**
 * Without settings, features are converted if they fit the voice's statistics as one other kind of level only.
 * Statistics tell kinds of level apart, but neither mel scales nor edges of bins: for those there must be settings.
 */
function levelByStatistics(laidOut: LaidOut, expected: ExpectedFeatures): LaidOut {
  const { data, frames, notes } = laidOut;
  const { settings: wanted, statistics, name } = expected;
  const fit = fitOf(data, statistics);
  if (frames < judgedFrames) {
    // Spread says little about so short a clip; the offset still tells ln from the rest.
    if (fit.offset >= -2.5 && fit.offset <= 0.9 && !isBaseTwo(data, expected)) return laidOut;
    const few = `; ${frames} frames are too few to tell what they are (${judgedFrames} would do)`;
    throw misfit(laidOut, fit, expected, few);
  }
  if (isAlike(fit) && !isBaseTwo(data, expected)) return laidOut;
  const fitting = alternatives(wanted).filter(
    (kind) => couldBe(kind, data, wanted) && isConvertible(fitOf(data, statistics, conversion(kind, wanted))),
  );
  if (fitting.length !== 1) throw misfit(laidOut, fit, expected, '');
  const note =
    `converted from ${describe(fitting[0])} to ${describe(wanted)}: the values ` +
    `(${extremes(data)}) fit the voice ${name} only that way`;
  return { ...laidOut, data: data.map(conversion(fitting[0], wanted)), notes: [...notes, note] };
}

function misfit(
  { path, data }: LaidOut,
  { offset, spread }: FeatureFit,
  { name, statistics, settings }: ExpectedFeatures,
  more: string,
): TtsError {
  return new TtsError(
    'ERR_FEATURE_RANGE',
    `${path} has values ${extremes(data)}: the voice ${name} expects ${describe(settings)} from ` +
      `${statistics.min.toFixed(2)} to ${statistics.max.toFixed(2)}; ` +
      (`on average they lie ${offset.toFixed(1)} standard deviations off and spread ${spread.toFixed(2)} ` +
        `times as wide${more}. If they are right, put their settings beside them (.json, see tts-prepare)`),
  );
}

/** The kinds of level that are tried: each logarithm without normalisation, but for the voice's own kind. */
function alternatives(wanted: MelSettings): MelSettings[] {
  return (['e', '2', '10', 'db', 'none'] as const)
    .map((log) => ({ ...wanted, log, normalisation: null }))
    .filter((kind) => !sameLevels(kind, wanted));
}

/**
 * Outputs of filters before the logarithm are never negative. Base 2 is so near to ln that level and spread cannot tell
 * it from ln of a quiet recording; what can is that it goes below the voice's floor.
 */
function couldBe(kind: MelSettings, features: Float32Array, wanted: MelSettings): boolean {
  if (kind.log === 'none') return features.every((value) => value >= 0);
  return kind.log !== '2' || wanted.log !== 'e' || goesBelow(features, wanted);
}

/**
 * Whether more than a thousandth of the values lies clearly, by half a neper, below the least value that the voice's
 * kind of features can have. Of LJSpeech in base 2 that is so in all clips, and in ln, whatever the level, in none; an
 * acoustic model undershoots by less.
 */
function goesBelow(features: Float32Array, wanted: MelSettings): boolean {
  const least = compressor(wanted)(wanted.floor * Math.exp(-0.5)) - 0.5;
  let count = 0;
  for (const value of features) if (value < least) count++;
  return count > features.length / 1000;
}

/** Whether features that fit as ln are in base 2 all the same. */
function isBaseTwo(features: Float32Array, { settings, statistics }: ExpectedFeatures): boolean {
  if (settings.log !== 'e' || settings.normalisation !== null || !goesBelow(features, settings)) return false;
  return isConvertible(fitOf(features, statistics, conversion({ ...settings, log: '2' }, settings)));
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
  const level = { e: 'ln', 2: 'log2', 10: 'log10', db: 'dB', none: power === 1 ? 'magnitudes' : 'powers' }[log];
  return normalisation === null
    ? level
    : `${level} normalised from [${normalisation.from.join(', ')}] to [${normalisation.to.join(', ')}]`;
}

function extremes(features: Float32Array): string {
  const min = features.reduce((a, b) => Math.min(a, b));
  const max = features.reduce((a, b) => Math.max(a, b));
  return `from ${min.toFixed(2)} to ${max.toFixed(2)}`;
}
