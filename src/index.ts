/**
 * The library behind the commands: read a voice and features, make speech.
 *
 * ```ts
 * import { loadVoice, readSynthesisInput, synthesize, WavStream } from 'sparsewavernn';
 *
 * const voice = await loadVoice('voice.safetensors');
 * const wav = await WavStream.open('out.wav', voice.features.sampleRate);
 * const features = await readSynthesisInput('features.npy', voice, 'my voice');
 * for await (const pcm of synthesize(voice, features)) await wav.write(pcm);
 * await wav.close();
 * ```
 */
export { type Audio, fromInt16, toInt16 } from './audio/audio.js';
export { type MelSpectrogram, melSpectrogram } from './audio/mel.js';
export { type MelSettings } from './audio/mel_settings.js';
export { melPreset, melPresets } from './audio/presets.js';
export { readAudio } from './audio/read.js';
export { WavStream, writeWav } from './audio/write.js';
export { type ErrorCode, TtsError } from './base/errors.js';
export { type Corpus, openCorpus } from './data/corpora/corpus.js';
export { conformFeatures, type ConformingFeatures } from './data/features/conform.js';
export { type FeatureFile, readFeatures, readNpy, writeFeatures, writeNpy } from './data/features/files.js';
export { type FeatureStore, openFeatureStore } from './data/store/feature_store.js';
export { type Burst, findBursts } from './evaluation/bursts.js';
export { meanInterval, pairedDifference } from './evaluation/comparison.js';
export { type CopyReport, evaluateCopy, evaluateWarped } from './evaluation/copy_report.js';
export { evaluateSystems, type Evaluation, type EvaluationOptions } from './evaluation/evaluate.js';
export { openFolderSystems } from './evaluation/folder_systems.js';
export { type ClipMeasures, type Measure, measures } from './evaluation/measures.js';
export { pitchErrors, trackPitch } from './evaluation/pitch.js';
export { htmlReport } from './evaluation/report/html_report.js';
export { logSpectralDistance, melCepstra, melCepstralDistortion } from './evaluation/spectral_distances.js';
export { estoi, intelligibility, stoi } from './evaluation/stoi.js';
export { type System } from './evaluation/system.js';
export { openVoiceSystem } from './evaluation/voice_system.js';
export { chooseKernels, kernelNames, type Kernels } from './kernels/index.js';
export { loadVoice, saveVoice } from './model/voice/file.js';
export { type Voice } from './model/voice/voice.js';
export { type FolderOptions, type SpokenFile, synthesizeFolder } from './synthesis/folder.js';
export { readSynthesisInput } from './synthesis/input.js';
export {
  type SoundOfMany,
  type SynthesisFeatures,
  type SynthesisOptions,
  synthesize,
  synthesizeMany,
} from './synthesis/synthesize.js';
export { loadRecipe, type Recipe } from './training/recipe/recipe.js';
export { type RunOptions, type RunResult, trainVoice } from './training/vocoder/task.js';
