import { fromInt16, toInt16 } from '../audio/audio.js';
import { melSpectrogram } from '../audio/mel.js';
import { readRecording } from '../audio/read.js';
import { resample } from '../audio/resample.js';
import { describeTreatment, isUntreated, treat } from '../audio/treatment.js';
import { TtsError } from '../base/errors.js';
import { type FileSource, nameOf } from '../base/whole_file.js';
import { inFloat32, type Kernels } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import { loadVoice } from '../model/voice/file.js';
import { voiceNetwork } from '../model/voice/network.js';
import { type Voice } from '../model/voice/voice.js';
import { GateConditioner } from '../model/wavernn/conditioner.js';
import type { SynthesisFeatures } from '../synthesis/frame_source.js';
import { synthesize } from '../synthesis/synthesize.js';
import { type MeasuredNetwork, type MeasuredSpeech, negativeLogLikelihood } from './nll.js';
import { type Spoken, type System } from './system.js';

export interface VoiceSystemOptions {
  readonly path: string;
  readonly name: string;
  readonly seed: number;
  readonly temperature: number;
  /** Whether the spectrum is corrected; see `MelCorrection`. Default true. */
  readonly correction?: boolean;
  readonly kernels: Kernels;
}

/**
 * A voice that copies recordings: their features go in, speech comes out. A recording is treated as those that the
 * voice was trained on, by its own loudness; that is the original that the copy is compared with.
 * @throws {TtsError} what `loadVoice` throws
 */
export async function openVoiceSystem({
  path,
  name,
  seed,
  temperature,
  correction,
  kernels,
}: VoiceSystemOptions): Promise<System> {
  const voice = await loadVoice(path);
  const copy = await voiceCopier(voice, { seed, temperature, correction, kernels });
  return {
    name,
    path,
    settings: {
      seed,
      temperature,
      kernels: kernels.name,
      encoding: voice.config.encoding,
      hidden: voice.config.hidden,
      steps: voice.provenance.steps,
      ...(correction === false && { correction: 'off' }),
      ...(isUntreated(voice.treatment) ? {} : { treatment: describeTreatment(voice.treatment) }),
    },
    recordings: (clip) => [clip.path],
    speak: (clip) => copy(clip.path),
    dispose: () => undefined,
  };
}

/**
 * How a voice copies recordings.
 * @returns a function that throws what `readRecording` and `synthesize` throw, and ERR_AUDIO_EMPTY
 */
export async function voiceCopier(
  voice: Voice,
  { kernels, ...how }: Pick<VoiceSystemOptions, 'seed' | 'temperature' | 'correction' | 'kernels'>,
): Promise<(recording: FileSource) => Promise<Spoken>> {
  const { tf } = await loadTensorFlow(kernels);
  const conditioner = new GateConditioner(tf, voice.config, voice.conditioning, voice.statistics);
  const measured: MeasuredNetwork = {
    kernels,
    network: inFloat32(voiceNetwork(voice)),
    config: voice.config,
    conditioner,
    settings: voice.features,
  };
  return async (recording) => {
    const { samples, notes, resampledFrom } = await recordingFor(voice, recording);
    const { data, frames } = melSpectrogram(samples, voice.features);
    const begun = performance.now();
    const output = await speech(voice, { data, frames }, { ...how, kernels });
    const seconds = (performance.now() - begun) / 1000;
    return {
      original: samples,
      output,
      sampleRate: voice.features.sampleRate,
      notes,
      resampledFrom,
      nll: negativeLogLikelihood(measured, [measuredSpeech(samples, data, frames)]),
      realTimeFactor: seconds / (output.length / voice.features.sampleRate),
    };
  };
}

async function recordingFor(
  { features: { sampleRate, hop }, treatment }: Voice,
  recording: FileSource,
): Promise<Pick<Spoken, 'notes' | 'resampledFrom'> & { readonly samples: Float32Array }> {
  const audio = await readRecording(recording);
  const resampledFrom = audio.sampleRate === sampleRate ? undefined : audio.sampleRate;
  const samples = resample(audio.samples, audio.sampleRate, sampleRate);
  if (samples.length < hop)
    throw new TtsError(
      'ERR_AUDIO_EMPTY',
      `${nameOf(recording)} has ${samples.length} samples at ${sampleRate} Hz, expected at least ${hop}`,
    );
  return { samples: treat(samples, sampleRate, treatment), notes: audio.notes, resampledFrom };
}

async function speech(
  voice: Voice,
  features: SynthesisFeatures,
  options: Parameters<typeof synthesize>[2],
): Promise<Float32Array> {
  const pcm = new Int16Array(features.frames * voice.features.hop);
  let at = 0;
  for await (const chunk of synthesize(voice, features, options)) {
    pcm.set(chunk, at);
    at += chunk.length;
  }
  return fromInt16(pcm);
}

/** A recording in memory, in the form that clips of the feature store have on disk. */
function measuredSpeech(samples: Float32Array, data: Float32Array, frames: number): MeasuredSpeech {
  const pcm = toInt16(samples);
  const bins = data.length / frames;
  return {
    frames,
    pcm: (start, length) => Int16Array.from({ length }, (_, i) => pcm[start + i] ?? 0),
    features(startFrame, count) {
      const rows = new Float32Array(count * bins);
      for (let row = 0; row < count; row++) {
        const frame = Math.max(0, Math.min(frames - 1, startFrame + row));
        rows.set(data.subarray(frame * bins, (frame + 1) * bins), row * bins);
      }
      return rows;
    },
  };
}
