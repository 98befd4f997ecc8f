import { CommanderError } from 'commander';
import { describeVoices } from '../model/voice/shipped.js';
import { markdownTable } from '../report/markdown.js';

/** What an option or an argument for a voice takes. */
export const voiceHelp = 'the name of a voice that ships, or a voice.safetensors';

/** What an option for an acoustic model takes. */
export const acousticHelp = 'the name of an acoustic model that ships, or an acoustic.safetensors';

/**
 * Parser of an option for a voice: `list` prints the voices that ship and ends the command, as `--help` does. Names and files
 * are looked up later, by `findVoice`.
 */
export function voiceName(text: string): string {
  if (text !== 'list') return text;
  const voices = describeVoices();
  console.log(
    process.argv.includes('--json')
      ? JSON.stringify(voices, null, 2)
      : markdownTable([
          ['voice', 'corpus', 'Hz', 'GRU', 'non-zeros', 'file', 'licence of the corpus'],
          ...voices.map(({ name, corpus, sampleRate, hidden, nonZeros, bytes, licence }) => [
            name,
            corpus,
            sampleRate.toLocaleString('en-US'),
            String(hidden),
            nonZeros.toLocaleString('en-US'),
            `${(bytes / 1e6).toFixed(2)} MB`,
            licence ?? '–',
          ]),
        ]),
  );
  throw new CommanderError(0, 'voice.list', '');
}
