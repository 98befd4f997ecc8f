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
export { TtsError, type ErrorCode } from './base/errors.js';
export { fromInt16, toInt16, type Audio } from './audio/audio.js';
export { melSpectrogram, type MelSettings, type MelSpectrogram } from './audio/mel.js';
export { melPreset, melPresets } from './audio/presets.js';
export { readAudio } from './audio/read.js';
export { writeWav, WavStream } from './audio/write.js';
export { conformFeatures } from './data/features/check.js';
export { readFeatures, writeFeatures, type FeatureFile } from './data/features/feature_file.js';
export { readNpy, writeNpy } from './data/features/npy.js';
export { openCorpus, type Corpus } from './data/corpora/corpus.js';
export { openFeatureStore, type FeatureStore } from './data/store/feature_store.js';
export { chooseKernels, kernelNames, type Kernels } from './kernels/index.js';
export { loadVoice, saveVoice, type Voice } from './model/voice/voice.js';
export { readSynthesisInput, type SynthesisInput } from './synthesis/input.js';
export { synthesizeFolder, type FolderOptions, type SpokenFile } from './synthesis/folder.js';
export { synthesize, type SynthesisFeatures, type SynthesisOptions } from './synthesis/synthesize.js';
export { findBursts, type Burst } from './evaluation/bursts.js';
export { evaluateCopy, evaluateWarped, type CopyReport } from './evaluation/copy_report.js';
export { evaluateSystems, type Evaluation, type EvaluationOptions } from './evaluation/evaluate.js';
export { openFolderSystems } from './evaluation/folder_systems.js';
export { htmlReport } from './evaluation/report/html_report.js';
export { measures, type ClipMeasures, type Measure } from './evaluation/measures.js';
export { melCepstra, melCepstralDistortion } from './evaluation/mel_cepstrum.js';
export { trackPitch } from './evaluation/pitch.js';
export { pitchErrors } from './evaluation/pitch_errors.js';
export { logSpectralDistance } from './evaluation/spectral_distance.js';
export { meanInterval, pairedDifference } from './evaluation/comparison.js';
export { estoi, intelligibility, stoi } from './evaluation/stoi.js';
export { type System } from './evaluation/system.js';
export { openVoiceSystem } from './evaluation/voice_system.js';
export { loadRecipe, type Recipe } from './training/recipe/recipe.js';
export { trainVoice, type RunOptions, type RunResult } from './training/vocoder/run.js';
