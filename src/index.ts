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
export { treat, type Treatment } from './audio/treatment.js';
export { type WavBits, WavStream, writeWav } from './audio/write.js';
export { type ErrorCode, TtsError } from './base/errors.js';
export { alignCorpus, type AlignOptions, type CorpusAlignment } from './data/alignment/align_corpus.js';
export {
  type AlignedToken,
  alignmentOfTextGrid,
  type ClipAlignment,
  textGridOf,
} from './data/alignment/clip_alignment.js';
export { type AlignmentComparison, compareAlignments } from './data/alignment/compare.js';
export { type LeftOut, readAlignments } from './data/alignment/read.js';
export { formatTextGrid, parseTextGrid, readTextGrid, type TextGrid } from './data/alignment/textgrid.js';
export { type Transcript, transcriptOf } from './data/alignment/transcript.js';
export { type Clip, type Corpus, openCorpus } from './data/corpora/corpus.js';
export { type CorpusTreatment } from './data/corpora/corpus_treatment.js';
export { conformFeatures, type ConformingFeatures } from './data/features/conform.js';
export { type FeatureFile, readFeatures, readNpy, writeFeatures, writeNpy } from './data/features/files.js';
export type { ExpectedFeatures } from './data/features/fit.js';
export { type FeatureStatistics } from './data/features/fit.js';
export { type RawFeatures } from './data/features/layout.js';
export { type NpyArray } from './data/features/npy.js';
export {
  type FeatureStore,
  type FeatureStoreOptions,
  openFeatureStore,
  type StoredClip,
} from './data/store/feature_store.js';
export { type Burst, findBursts } from './evaluation/bursts.js';
export { type MeanInterval, meanInterval, type PairedDifference, pairedDifference } from './evaluation/comparison.js';
export { type CopyReport, evaluateCopy, evaluateWarped } from './evaluation/copy_report.js';
export {
  type ClipResult,
  evaluateSystems,
  type Evaluation,
  type EvaluationOptions,
  type LeftOutClip,
  type MeasuredCopy,
  type SystemDifference,
  type SystemResult,
} from './evaluation/evaluate.js';
export { type FolderSystems, openFolderSystems } from './evaluation/folder_systems.js';
export { framePeriodicity, harmonicityShare } from './evaluation/harmonicity.js';
export { type ClipMeasures, type Measure, type MeasureName, measures } from './evaluation/measures.js';
export { type PitchErrors, pitchErrors, trackPitch } from './evaluation/pitch.js';
export { openRecogniser, type Recogniser } from './evaluation/recognition/recogniser.js';
export { type HeardClip, type HeardSystem, type Recognition } from './evaluation/recognition/recognition.js';
export { type CountedWords, wordErrorRate, wordErrors, wordsOf } from './evaluation/recognition/word_errors.js';
export { htmlReport } from './evaluation/report/html_report.js';
export {
  logSpectralDistance,
  type MelCepstra,
  melCepstra,
  melCepstralDistortion,
} from './evaluation/spectral_distances.js';
export { estoi, type Intelligibility, intelligibility, stoi } from './evaluation/stoi.js';
export { type Spoken, type System } from './evaluation/system.js';
export { openVoiceSystem, type VoiceSystemOptions } from './evaluation/voice_system.js';
export { chooseKernels, findGpu, type KernelName, kernelNames, type Kernels } from './kernels/index.js';
export { type AcousticConfig } from './model/acoustic/config.js';
export { loadAcoustic, saveAcoustic } from './model/acoustic/file.js';
export { type AcousticModel, type AcousticProvenance, type AcousticStatistics } from './model/acoustic/model.js';
export {
  checkVoiceFits,
  MelPredictor,
  type PredictedDurations,
  type PredictedMel,
  type PredictOptions,
} from './model/acoustic/predict.js';
export { findAcoustic, shippedAcoustics } from './model/acoustic/shipped.js';
export { type ModelFile } from './model/find_model.js';
export { loadVoice, saveVoice } from './model/voice/file.js';
export {
  defaultVoice,
  describeVoices,
  findVoice,
  shippedVoices,
  type VoiceDescription,
} from './model/voice/shipped.js';
export { type Provenance, type Voice } from './model/voice/voice.js';
export { type WaveRnnConfig } from './model/wavernn/config.js';
export type { MelSource, SpokenMel } from './speech/mel_source.js';
export { OnnxAcoustic, type OnnxOptions } from './speech/onnx/onnx_acoustic.js';
export { openSpeaker, speak, type SpeakerOptions } from './speech/open.js';
export {
  Speaker,
  type SpeakerParts,
  type SpeakingOptions,
  type SpeechPiece,
  type SpeechSentence,
  type SpokenText,
} from './speech/speaker.js';
export { type TimedPhone, type TimedWord } from './speech/timing.js';
export { AbortError } from './synthesis/abort.js';
export { type FolderOptions, synthesizeFolder } from './synthesis/folder.js';
export { type FolderFileOptions, type SpokenFile } from './synthesis/folder_files.js';
export { readSynthesisInput } from './synthesis/input.js';
export {
  type SoundOfMany,
  type SynthesisFeatures,
  type SynthesisOptions,
  synthesize,
  synthesizeMany,
} from './synthesis/synthesize.js';
export { type Lexicon } from './text/lexicon/own.js';
export {
  Pronouncer,
  type Pronunciation,
  type Source,
  type Unspoken,
  type UnspokenWord,
} from './text/lexicon/pronouncer.js';
export { openPronouncer, readLexicon } from './text/load.js';
export { type Note } from './text/normalise/fold.js';
export {
  normalise,
  type Pause,
  type PausePiece,
  type PhonePiece,
  type Piece,
  type SpokenSentence,
  type WordPiece,
} from './text/normalise/normalise.js';
export { type PhoneSentence, phonesOf, type SpokenPause, type SpokenWord } from './text/phones_of.js';
export { type Sentence, splitSentences, streamSentences } from './text/sentences.js';
export { type Boundary, type Token, tokensOf, tokenSymbols } from './text/tokens.js';
export {
  type AcousticData,
  acousticData,
  type AcousticExample,
  type AlignedClip,
} from './training/acoustic/examples.js';
export { type AcousticSources, openAcousticData } from './training/acoustic/open.js';
export { type AcousticRunOptions, type AcousticRunResult, trainAcoustic } from './training/acoustic/task.js';
export {
  type AcousticRecipe,
  loadAcousticRecipe,
  loadRecipe,
  type Recipe,
  type RecipeOptions,
} from './training/recipe/recipe.js';
export { type RunOptions, type RunResult, trainVoice } from './training/vocoder/task.js';
