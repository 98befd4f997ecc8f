import { type Command } from 'commander';
import { TtsError } from '../base/errors.js';
import { readWholeFile } from '../base/whole_file.js';
import { openPronouncer } from '../text/load.js';
import { type PhoneSentence, phonesOf } from '../text/phones_of.js';
import { tokensOf } from '../text/tokens.js';
import { examples } from './program.js';

interface Options {
  file?: string;
  lexicon?: string;
  json?: boolean;
}

/** `tts-prepare phones`: what each word of a text becomes, and why. */
export function addPhonesCommand(command: Command): void {
  command
    .command('phones')
    .description('show how an English text is spoken: the words and phones that it becomes, and why')
    .argument('[text]', 'the text; without it and without --file, standard input is read')
    .option('--file <file>', 'read the text from a file in UTF-8')
    .option('--lexicon <file>', 'words of your own, a line each: the word, then its ARPAbet phones')
    .option('--json', 'print a line of JSON per sentence')
    .addHelpText(
      'after',
      examples('tts-prepare phones "Dr. Smith paid £25 in 1963."', 'tts-prepare phones "{HH AH L OW} world" --json'),
    )
    .action(async (text: string | undefined, { file, lexicon, json }: Options) => {
      if (text !== undefined && file !== undefined)
        throw new TtsError('ERR_ARGUMENT', `a text and --file ${file} were given, expected one of them`);
      const pronouncer = await openPronouncer({ lexicon });
      let sentences = 0;
      for await (const sentence of phonesOf(text ?? (await textOf(file)), { pronouncer })) {
        if (sentences++ > 0 && !json) console.log('');
        console.log(json ? JSON.stringify(described(sentence)) : shown(sentence).join('\n'));
      }
      if (sentences === 0 && !json) console.log('there is nothing to speak');
    });
}

async function textOf(file: string | undefined): Promise<AsyncIterable<string> | string> {
  if (file === undefined) return process.stdin.setEncoding('utf8');
  return (await readWholeFile(file)).toString('utf8');
}

const described = (sentence: PhoneSentence) => ({
  ...sentence,
  tokens: tokensOf(sentence).map(({ symbol }) => symbol),
});

/** A line per word, in columns; pauses and notes between them. */
export function shown({ text, elements, ending, notes, start }: PhoneSentence): string[] {
  const rows = elements.map((element) =>
    element.kind === 'pause'
      ? ['', `(${element.pause})`, '', '']
      : [
          element.written,
          element.spoken,
          element.phones.join(' '),
          [element.source, element.why].filter((part) => part).join(': '),
        ],
  );
  // The words of one number stand under what is written for all of them.
  const first = rows.map(([written], i) => {
    const [before, here] = [elements[i - 1], elements[i]];
    return before?.kind === 'word' && here.kind === 'word' && before.start === here.start ? '' : written;
  });
  const cells = rows.map((row, i) => [first[i], ...row.slice(1)].map((cell) => cell.replaceAll(/\s+/g, ' ')));
  const widths = [0, 1, 2].map((column) => Math.min(Math.max(0, ...cells.map((row) => row[column].length)), 40));
  return [
    text.replaceAll(/\s+/g, ' '),
    ...cells.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd()),
    `  (${ending})`,
    ...notes.map((note) => `  note: ${note.note} (characters ${note.start - start} to ${note.end - start})`),
  ];
}
