/** Stable codes of the errors a user can meet; match on these, not on the text. */
export type ErrorCode =
  | 'ERR_ARGUMENT'
  | 'ERR_AUDIO_FORMAT'
  | 'ERR_AUDIO_EMPTY'
  | 'ERR_AUDIO_TRUNCATED'
  | 'ERR_AUDIO_LEVEL'
  | 'ERR_AUDIO_DECODER'
  | 'ERR_AUDIO_DEVICE'
  | 'ERR_FILE_NOT_FOUND'
  | 'ERR_FILE_READ'
  | 'ERR_FILE_WRITE'
  | 'ERR_FILE_EXISTS'
  | 'ERR_FILE_IS_INPUT'
  | 'ERR_IN_USE'
  | 'ERR_RESOURCES'
  | 'ERR_NPY_FORMAT'
  | 'ERR_FEATURE_SHAPE'
  | 'ERR_FEATURE_RANGE'
  | 'ERR_FEATURE_SETTINGS'
  | 'ERR_FEATURE_NOT_FINITE'
  | 'ERR_CORPUS'
  | 'ERR_TEXT'
  | 'ERR_LEXICON'
  | 'ERR_TEXTGRID'
  | 'ERR_DOWNLOAD'
  | 'ERR_OFFLINE'
  | 'ERR_CHECKSUM'
  | 'ERR_RECIPE'
  | 'ERR_VOICE_CORRUPT'
  | 'ERR_VOICE_VERSION'
  | 'ERR_VOICE_UNKNOWN'
  | 'ERR_VOICE_MISMATCH'
  | 'ERR_CHECKPOINT'
  | 'ERR_KERNELS'
  | 'ERR_MEMORY'
  | 'ERR_GPU_LOST'
  | 'ERR_BACKEND'
  | 'ERR_ONNX'
  | 'ERR_NOT_FINITE'
  | 'ERR_LISTENING_TEST'
  | 'ERR_RECOGNISER'
  | 'ERR_QUEUE'
  | 'ERR_CLUSTER';

/**
 * An error the user can mend. The message gives the value that was wrong and what was expected; the command line prints
 * it and exits 2.
 */
export class TtsError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TtsError';
    this.code = code;
  }
}
