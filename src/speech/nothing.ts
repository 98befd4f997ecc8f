import { TtsError } from '../base/errors.js';

/** The error for a text that has nothing to speak. @param notes what is said of it */
export const nothingToSpeak = (name: string, notes: readonly string[]): TtsError =>
  new TtsError(
    'ERR_TEXT',
    `there is nothing to speak in ${name}${notes.length > 0 ? `: ${notes[0]}` : ', it is empty'}; expected English words`,
  );
