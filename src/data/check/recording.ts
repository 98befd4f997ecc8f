import { createHash } from 'node:crypto';
import type { DecodedAudio } from '../../audio/audio.js';
import { highPass } from '../../audio/high_pass.js';
import { type LevelFault, levelFaults } from '../../audio/level_faults.js';
import { integratedLoudness } from '../../audio/loudness.js';
import { mixDown } from '../../audio/read.js';
import { forEachFrame, framesOf } from '../../audio/stft.js';

/** What can be measured of one recording. Levels are of the mean of its channels; full scale is 1. */
export interface RecordingFigures {
  readonly seconds: number;
  readonly sampleRate: number;
  readonly channels: number;
  /** Whether all channels are the same. */
  readonly sameChannels: boolean;
  /** In LUFS; null for silence. See `integratedLoudness`. */
  readonly loudness: number | null;
  /** In dBFS; null for digital silence. */
  readonly peak: number | null;
  /** Mean, in steps of a 16-bit sample. */
  readonly offset: number;
  /** Samples that lie in flat runs at the highest or lowest value. */
  readonly clipped: number;
  /** Level of the quietest twentieth of the frames, above 60 Hz, in dBFS; null for digital silence. */
  readonly noiseFloor: number | null;
  /** Seconds before and after the speech, and in all. */
  readonly silence: { readonly before: number; readonly after: number; readonly all: number };
  /** Up to this frequency, in Hz, the loud frames reach; null without any. */
  readonly bandwidth: number | null;
  /** What is wrong with its level. */
  readonly faults: readonly LevelFault[];
  /** SHA-256 of the samples: equal for the same audio in another file. */
  readonly audio: string;
}

const frameSeconds = 0.02;
/** Below this no rumble is taken for noise. */
const speechBegins = 60;
/** A run of so many samples at the same extreme is no coincidence. */
const clippedRun = 4;
/** Quiet signals have flat peaks by rounding. */
const leastClipped = 0.05;

/** Measures a recording. */
export function measureRecording({ sampleRate, channels }: DecodedAudio): RecordingFigures {
  const samples = mixDown(channels);
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  const loudness = integratedLoudness([samples], sampleRate);
  const levels = frameLevels(samples, sampleRate);
  const speaking = speakingThreshold(levels);
  return {
    seconds: samples.length / sampleRate,
    sampleRate,
    channels: channels.length,
    sameChannels: channels.every((channel) => channel.every((sample, i) => sample === channels[0][i])),
    loudness: finite(loudness),
    peak: finite(20 * Math.log10(peak)),
    offset: (32768 * samples.reduce((sum, sample) => sum + sample, 0)) / samples.length,
    clipped: Math.max(...channels.map(clippedSamples)),
    noiseFloor: finite(quantile(levels, 0.05)),
    silence: silenceOf(levels, speaking),
    bandwidth: bandwidthOf(samples, sampleRate),
    faults: levelFaults({ channels }, samples),
    audio: createHash('sha256')
      .update(JSON.stringify([sampleRate]))
      .update(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength))
      .digest('hex'),
  };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** The value below which this share of the values lies. */
function quantile(values: Float64Array, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? -Infinity : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** Levels in dBFS of frames of 20 ms, without rumble; a recording that is shorter is one frame. */
function frameLevels(samples: Float32Array, sampleRate: number): Float64Array {
  const filtered = sampleRate > 2 * speechBegins ? highPass(samples, sampleRate, speechBegins) : samples;
  const length = Math.max(1, Math.min(samples.length, Math.round(frameSeconds * sampleRate)));
  return Float64Array.from({ length: Math.floor(samples.length / length) }, (_, frame) => {
    let sum = 0;
    for (let n = frame * length; n < (frame + 1) * length; n++) sum += filtered[n] ** 2;
    return 10 * Math.log10(sum / length);
  });
}

/** Frames above this level speak: 40 dB below the loud ones, but above the noise. */
function speakingThreshold(levels: Float64Array): number {
  return Math.max(quantile(levels, 0.95) - 40, quantile(levels, 0.05) + 6);
}

function silenceOf(levels: Float64Array, threshold: number): RecordingFigures['silence'] {
  const seconds = (frames: number) => frames * frameSeconds;
  const first = levels.findIndex((level) => level > threshold);
  if (first < 0) return { before: seconds(levels.length), after: seconds(levels.length), all: seconds(levels.length) };
  const last = levels.findLastIndex((level) => level > threshold);
  return {
    before: seconds(first),
    after: seconds(levels.length - 1 - last),
    all: seconds(levels.reduce((count, level) => count + (level > threshold ? 0 : 1), 0)),
  };
}

/** Samples in runs at the channel's own extremes, so that audio that was made quieter after clipping is found too. */
function clippedSamples(channel: Float32Array): number {
  const highest = channel.reduce((a, b) => Math.max(a, b), 0);
  const lowest = channel.reduce((a, b) => Math.min(a, b), 0);
  let [count, run] = [0, 0];
  for (let n = 0; n <= channel.length; n++) {
    const extreme =
      n < channel.length &&
      ((highest > leastClipped && channel[n] === highest) || (lowest < -leastClipped && channel[n] === lowest)) &&
      (run === 0 || channel[n] === channel[n - 1]);
    if (extreme) run++;
    else {
      if (run >= clippedRun) count += run;
      run = 0;
    }
  }
  return count;
}

const spectrumSize = 1024;
/** Power below the strongest bin at which a spectrum has ended, in dB: lower than the noise of quiet rooms. */
const ended = 80;

/** The highest frequency of the mean spectrum, over the louder half of the frames, that is not 80 dB below the peak. */
function bandwidthOf(samples: Float32Array, sampleRate: number): number | null {
  const settings = {
    fftSize: spectrumSize,
    windowLength: spectrumSize,
    hop: spectrumSize / 2,
    padding: 'none',
  } as const;
  if (framesOf(samples.length, settings) === 0) return null;
  const energies: number[] = [];
  forEachFrame(samples, settings, (power) => energies.push(power.reduce((sum, value) => sum + value, 0)));
  const middle = quantile(Float64Array.from(energies), 0.5);
  const sum = new Float64Array(spectrumSize / 2 + 1);
  forEachFrame(samples, settings, (power, frame) => {
    if (energies[frame] >= middle) power.forEach((value, bin) => (sum[bin] += value));
  });
  const strongest = sum.reduce((a, b) => Math.max(a, b), 0);
  if (strongest === 0) return null;
  const last = sum.findLastIndex((power) => power > strongest * 10 ** (-ended / 10));
  return (last * sampleRate) / spectrumSize;
}
