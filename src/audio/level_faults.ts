import type { DecodedAudio } from './audio.js';

/** Something that is wrong with the level of a recording. */
export interface LevelFault {
  readonly kind: 'scale' | 'silence' | 'constant' | 'cancellation' | 'overload' | 'offset';
  /** With the number, for `FILE …`: `is silent: …`. */
  readonly what: string;
  /** Whether something can be learned from the recording all the same. */
  readonly usable: boolean;
}

/** Root mean square, without the mean, below which there is nothing to hear: -80 dBFS, three steps of 16 bits. */
const silentRms = 1e-4;
/**
 * Float audio may go a little beyond full scale, as decoders of MP3 do, and is clipped; beyond twice it is no audio.
 */
const mostPeak = 2;
/** Power of the mean of the channels over the mean of their powers; equal channels have 1, independent ones half. */
const cancelled = { hopeless: 0.01, worthNoting: 0.1 } as const;
/** Mean, as a share of full scale, that is told. */
const mostOffset = 0.02;

interface Level {
  readonly mean: number;
  readonly peak: number;
  /** Root mean square without the mean. */
  readonly rms: number;
}

function levelOf(samples: Float32Array): Level {
  let [sum, peak] = [0, 0];
  for (let i = 0; i < samples.length; i++) {
    sum += samples[i];
    peak = Math.max(peak, Math.abs(samples[i]));
  }
  const mean = sum / samples.length;
  let squares = 0;
  for (let i = 0; i < samples.length; i++) squares += (samples[i] - mean) ** 2;
  return { mean, peak, rms: Math.sqrt(squares / samples.length) };
}

/**
 * What is wrong with the level of a recording: floats at the scale of integers, silence, a constant, channels that
 * cancel each other; and, usable all the same, samples beyond full scale and an offset.
 *
 * @param mixed the mean of the channels; every sample is finite
 */
export function levelFaults({ channels }: Pick<DecodedAudio, 'channels'>, mixed: Float32Array): LevelFault[] {
  const levels = channels.map(levelOf);
  const mix = channels.length === 1 ? levels[0] : levelOf(mixed);
  const peak = Math.max(...levels.map((level) => level.peak));
  if (peak > mostPeak) return [{ kind: 'scale', what: scaleInWords(peak), usable: false }];

  const power = levels.reduce((sum, { rms }) => sum + rms ** 2, 0) / levels.length;
  const left = power > 0 ? mix.rms ** 2 / power : 1;
  if (Math.sqrt(power) >= silentRms && left < cancelled.worthNoting)
    return [
      {
        kind: 'cancellation',
        what:
          `has ${channels.length} channels that cancel each other: their mean has ${(100 * left).toFixed(1)}% of their ` +
          'power. Keep one of them: ffmpeg -i IN -af "pan=mono|c0=c0" OUT',
        usable: left >= cancelled.hopeless && mix.rms >= silentRms,
      },
    ];
  if (mix.rms < silentRms)
    return [
      Math.abs(mix.mean) > 10 * silentRms
        ? { kind: 'constant', what: `is a constant, ${mix.mean.toFixed(3)}, and no sound`, usable: false }
        : { kind: 'silence', what: `is silent: no sample is larger than ${inSteps(mix.peak)}`, usable: false },
    ];

  const faults: LevelFault[] = [];
  const beyond = mixed.reduce((count, sample) => count + (Math.abs(sample) > 1 ? 1 : 0), 0);
  if (beyond > 0)
    faults.push({
      kind: 'overload',
      what: `goes beyond full scale: ${beyond} samples are clipped, the largest is ${mix.peak.toFixed(2)} of [-1, 1]`,
      usable: true,
    });
  if (Math.abs(mix.mean) > mostOffset)
    faults.push({
      kind: 'offset',
      what: `has an offset of ${mix.mean.toFixed(3)}: data.treatment.highPass removes it`,
      usable: true,
    });
  return faults;
}

const inSteps = (value: number) => `${(32768 * value).toFixed(1)} steps of a 16-bit sample`;

function scaleInWords(peak: number): string {
  const found = `has samples up to ${peak >= 100 ? Math.round(peak) : peak.toFixed(2)}, expected floats in [-1, 1]`;
  const bits = [16, 24, 32].find((wide) => peak > 2 ** (wide - 9) && peak <= 2 ** (wide - 1));
  const scale = bits === undefined ? `${(0.9 / peak).toPrecision(3)}` : `1/${2 ** (bits - 1)}`;
  return (
    `${found}${bits === undefined ? '' : ` (they look like integers of ${bits} bits)`}; ` +
    `ffmpeg -i IN -af volume=${scale} OUT scales them`
  );
}
