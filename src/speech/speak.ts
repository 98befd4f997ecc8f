import { Speaker, type SpeakerParts, type SpeakingOptions, type SpeechPiece, type SpokenText } from './speaker.js';

const parts = ['acoustic', 'voice', 'pronouncer', 'kernels', 'tf', 'slots'] as const;

let last: { readonly made: SpeakerParts; readonly speaker: Speaker } | undefined;

/**
 * Speaks a text with what the caller has read; see `Speaker.speak`. The speaker is kept for the next call with the same
 * parts.
 *
 * @throws {TtsError} what the constructor of `Speaker` and `Speaker.speak` throw
 */
export async function* speak(
  text: SpokenText,
  options: SpeakerParts & SpeakingOptions,
): AsyncGenerator<SpeechPiece, void, void> {
  const kept = last;
  if (kept === undefined || parts.some((part) => kept.made[part] !== options[part]))
    last = { made: options, speaker: new Speaker(options) };
  yield* last!.speaker.speak(text, options);
}
