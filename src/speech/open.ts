import { TtsError } from '../base/errors.js';
import { chooseKernels, type Kernels } from '../kernels/index.js';
import { loadAcoustic } from '../model/acoustic/file.js';
import type { AcousticModel } from '../model/acoustic/model.js';
import { defaultReader, findAcoustic } from '../model/acoustic/shipped.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import { loadVoice } from '../model/voice/file.js';
import { findVoice } from '../model/voice/shipped.js';
import type { Voice } from '../model/voice/voice.js';
import type { Lexicon } from '../text/lexicon/own.js';
import { Pronouncer } from '../text/lexicon/pronouncer.js';
import { readLexicon, shippedG2p } from '../text/load.js';
import type { MelSource } from './mel_source.js';
import { OnnxAcoustic, type OnnxOptions } from './onnx/onnx_acoustic.js';
import { Speaker, type SpeakingOptions, type SpeechPiece, type SpokenText } from './speaker.js';

export interface SpeakerOptions {
  /**
   * The name of an acoustic model that ships, a file, or a model that was read; a file ending with `.onnx` needs the
   * package onnxruntime-node. Default `kathleen`.
   */
  readonly acoustic?: string | AcousticModel | MelSource;
  /** Of an ONNX model: the file with the numbers of its symbols. Default: `tokens.txt` beside it. */
  readonly tokens?: string;
  /** The name of a voice that ships, a file, or a voice that was read. Default `kathleen`. */
  readonly voice?: string | Voice;
  /**
   * A file with words of your own, or one that was read; they go before those of the acoustic model's reader. See
   * `parseLexicon`.
   */
  readonly lexicon?: string | Lexicon;
  /** Default: the fastest of this machine, on all cores. */
  readonly kernels?: Kernels;
  /** Speeches at once; more wait for one to end. Default: 16 for each thread. */
  readonly slots?: number;
}

/**
 * Reads what speaking needs.
 * @throws {TtsError} ERR_VOICE_UNKNOWN, ERR_FILE_NOT_FOUND, what `loadVoice`, `openAcoustic` and `readLexicon` throw;
 * ERR_VOICE_MISMATCH for a voice that expects other mels than the acoustic model makes
 */
export async function openSpeaker(options: SpeakerOptions = {}): Promise<Speaker> {
  const {
    acoustic = defaultReader,
    voice = defaultReader,
    tokens,
    lexicon,
    kernels = chooseKernels(),
    slots,
  } = options;
  const model = typeof acoustic === 'string' ? findAcoustic(acoustic) : undefined;
  const voiceFile = typeof voice === 'string' ? findVoice(voice) : undefined;
  const [readModel, readVoice, own, { tf }] = await Promise.all([
    model ? openAcoustic(model.path, { tokens, threads: kernels.threads }) : (acoustic as AcousticModel | MelSource),
    voiceFile ? loadVoice(voiceFile.path) : (voice as Voice),
    typeof lexicon === 'string' ? readLexicon(lexicon) : lexicon,
    loadTensorFlow(kernels),
  ]);
  const pronouncer = readersPronouncer(readModel, own);
  // Reads the dictionary: now, and not when somebody waits for a sound.
  await pronouncer.pronounce([{ word: 'hello', written: 'hello' }]);
  return new Speaker({
    acoustic: readModel,
    voice: readVoice,
    pronouncer,
    kernels,
    tf,
    names: { acoustic: model?.name ?? 'the acoustic model', voice: voiceFile?.name ?? 'given' },
    slots,
  });
}

/** Whether a path is that of an acoustic model in ONNX. */
export const isOnnx = (path: string): boolean => /\.onnx$/i.test(path);

/**
 * Reads an acoustic model, by the ending of its name.
 * @throws {TtsError} ERR_ARGUMENT for tokens of another model than one in ONNX; what `loadAcoustic` and `OnnxAcoustic.open`
 * throw
 */
export async function openAcoustic(path: string, options: OnnxOptions): Promise<AcousticModel | MelSource> {
  if (isOnnx(path)) return OnnxAcoustic.open(path, options);
  if (options.tokens !== undefined)
    throw new TtsError('ERR_ARGUMENT', `the tokens of ${options.tokens} are for an ONNX model, and ${path} is none`);
  return loadAcoustic(path);
}

/** Pronounces words as a user says, or else as the reader of a model does. */
export function readersPronouncer({ lexicon }: Pick<AcousticModel, 'lexicon'>, own?: Lexicon): Pronouncer {
  return new Pronouncer({ own: new Map([...lexicon, ...(own ?? [])]), g2p: shippedG2p });
}

let last: { readonly options: SpeakerOptions; readonly speaker: Promise<Speaker> } | undefined;

const keys = ['acoustic', 'tokens', 'voice', 'lexicon', 'kernels', 'slots'] as const;

/** The speaker of the last call, if it is of the same parts. */
function keptSpeaker(options: SpeakerOptions): Promise<Speaker> {
  if (last && keys.every((key) => last!.options[key] === options[key])) return last.speaker;
  const speaker = openSpeaker(options);
  const mine = (last = { options, speaker });
  // What could not be read may be there next time.
  speaker.catch(() => {
    if (last === mine) last = undefined;
  });
  return speaker;
}

/**
 * Speaks a text; see `Speaker.speak`. What it has read, the model, the voice and the dictionary, is kept for the next
 * call with the same ones, which begins at once; `openSpeaker` reads before there is a text.
 *
 * @example for await (const { pcm, words } of speak('Dr. Smith paid £25 in 1963.')) play(pcm);
 * @throws {TtsError} what `openSpeaker` and `Speaker.speak` throw
 */
export async function* speak(
  text: SpokenText,
  options: SpeakerOptions & SpeakingOptions = {},
): AsyncGenerator<SpeechPiece, void, void> {
  yield* (await keptSpeaker(options)).speak(text, options);
}
