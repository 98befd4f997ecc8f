/**
 * The library behind the commands: read a voice and features, speak.
 *
 * ```ts
 * import { loadVoice, readSynthesisInput, synthesize, WavStream } from 'sparsewavernn';
 *
 * const voice = await loadVoice('voice.safetensors');
 * const wav = await WavStream.open('out.wav', voice.features.sampleRate);
 * for await (const pcm of synthesize(voice, await readSynthesisInput('features.npy', voice, 'my voice'))) await wav.write(pcm);
 * await wav.close();
 * ```
 */
export { type Audio, fromInt16, toInt16 } from './audio/audio.js';
export { type MelSpectrogram, melSpectrogram } from './audio/mel.js';
export { type MelSettings } from './audio/mel_settings.js';
export { melPreset, melPresets } from './audio/presets.js';
export { readAudio } from './audio/read.js';
export { type WavBits, WavStream, writeWav } from './audio/write.js';
export { type ErrorCode, TtsError } from './base/errors.js';
export { type Clip, type Corpus, openCorpus } from './data/corpora/corpus.js';
export { conformFeatures } from './data/features/check.js';
export { type ExpectedFeatures, type FeatureInput } from './data/features/expected.js';
export { type FeatureFile, type RawFeatures, readFeatures, writeFeatures } from './data/features/feature_file.js';
export { type NpyArray, readNpy, writeNpy } from './data/features/npy.js';
export {
  type FeatureStatistics,
  type FeatureStore,
  type FeatureStoreOptions,
  openFeatureStore,
  type StoredClip,
} from './data/store/feature_store.js';
export { type Burst, findBursts } from './evaluation/bursts.js';
export { type MeanInterval, meanInterval, type PairedDifference, pairedDifference } from './evaluation/comparison.js';
export { type CopyReport, evaluateCopy, evaluateWarped } from './evaluation/copy_report.js';
export { type Alignment } from './evaluation/dtw.js';
export {
  type ClipResult,
  evaluateSystems,
  type Evaluation,
  type EvaluationOptions,
  type SystemDifference,
  type SystemResult,
} from './evaluation/evaluate.js';
export { type FolderSystems, openFolderSystems } from './evaluation/folder_systems.js';
export { type ClipMeasures, type Measure, type MeasureName, measures } from './evaluation/measures.js';
export { type MelCepstra, melCepstra, melCepstralDistortion } from './evaluation/mel_cepstrum.js';
export { trackPitch } from './evaluation/pitch.js';
export { type PitchErrors, pitchErrors } from './evaluation/pitch_errors.js';
export { htmlReport } from './evaluation/report/html_report.js';
export { logSpectralDistance } from './evaluation/spectral_distance.js';
export { estoi, type Intelligibility, intelligibility, stoi } from './evaluation/stoi.js';
export { type Spoken, type System } from './evaluation/system.js';
export { openVoiceSystem, type VoiceSystemOptions } from './evaluation/voice_system.js';
export { chooseKernels, type KernelName, kernelNames, type Kernels } from './kernels/index.js';
export { loadVoice, saveVoice } from './model/voice/file.js';
export { type Provenance, type Voice } from './model/voice/voice.js';
export { type WaveRnnConfig } from './model/wavernn/config.js';
export { type FolderOptions, type SpokenFile, synthesizeFolder } from './synthesis/folder.js';
export { readSynthesisInput, type SynthesisInput } from './synthesis/input.js';
export { type SynthesisFeatures, type SynthesisOptions, synthesize } from './synthesis/synthesize.js';
export { loadRecipe, type Recipe, type RecipeOptions } from './training/recipe/recipe.js';
export { type RunOptions, type RunResult, trainVoice } from './training/vocoder/run.js';
