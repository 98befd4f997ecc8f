import { CommanderError } from 'commander';
import { describeAcoustics } from '../model/acoustic/shipped.js';
import { describeVoices } from '../model/voice/shipped.js';
import { markdownTable } from '../report/markdown.js';

/** What an option or an argument for a voice takes. */
export const voiceHelp = 'the name of a voice that ships, or a voice.safetensors';

/** What an option for an acoustic model takes. */
export const acousticHelp =
  'the name of an acoustic model that ships, an acoustic.safetensors, or a model.onnx; list prints those that ship';

/** What `--tokens` takes. */
export const tokensHelp = 'of a model.onnx: the numbers of its symbols (default: tokens.txt beside it)';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

/** Ends the command after a list has been printed, as `--help` does. */
function listed(items: unknown, table: string[][]): never {
  console.log(process.argv.includes('--json') ? JSON.stringify(items, null, 2) : markdownTable(table));
  throw new CommanderError(0, 'model.list', '');
}

/**
 * Parser of an option for a voice: `list` prints the voices that ship and ends the command. Names and files are looked up
 * later, by `findVoice`.
 */
export function voiceName(text: string): string {
  if (text !== 'list') return text;
  const voices = describeVoices();
  return listed(voices, [
    ['voice', 'corpus', 'Hz', 'GRU', 'non-zeros', 'file', 'licence of the corpus'],
    ...voices.map(({ name, corpus, sampleRate, hidden, nonZeros, bytes, licence }) => [
      name,
      corpus,
      sampleRate.toLocaleString('en-US'),
      String(hidden),
      nonZeros.toLocaleString('en-US'),
      megabytes(bytes),
      licence ?? '–',
    ]),
  ]);
}

/** Parser of an option for an acoustic model: `list` prints those that ship, as `voiceName` does. */
export function acousticName(text: string): string {
  if (text !== 'list') return text;
  const models = describeAcoustics();
  return listed(models, [
    ['acoustic model', 'corpus', 'Hz', 'width', 'file', 'licence of the corpus'],
    ...models.map(({ name, corpus, sampleRate, width, bytes, licence }) => [
      name,
      corpus,
      sampleRate.toLocaleString('en-US'),
      String(width),
      megabytes(bytes),
      licence ?? '–',
    ]),
  ]);
}
