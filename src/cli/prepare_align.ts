import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { type Command } from 'commander';
import { TtsError } from '../base/errors.js';
import { keepInputs, targetOf } from '../base/output.js';
import { explainSystemError } from '../base/system_error.js';
import { writeWholeFile } from '../base/whole_file.js';
import { alignCorpus } from '../data/alignment/align_corpus.js';
import { textGridOf } from '../data/alignment/clip_alignment.js';
import { type AlignmentComparison, compareAlignments } from '../data/alignment/compare.js';
import { readAlignments, textGridPath } from '../data/alignment/read.js';
import { formatTextGrid, textGridKind } from '../data/alignment/textgrid.js';
import { type Clip, type Corpus, openCorpus } from '../data/corpora/corpus.js';
import { joinCorpora } from '../data/corpora/training_corpus.js';
import { openPronouncer } from '../text/load.js';
import { forceHelp, wholeNumber } from './options.js';
import { examples } from './program.js';
import { bar } from './progress.js';

interface Options {
  out: string;
  lexicon?: string;
  /** False for `--no-textgrids`. */
  textgrids?: string | false;
  compare?: string;
  threads?: number;
  force?: boolean;
  json?: boolean;
}

/** `tts-prepare align`: where each phone of a recording begins and ends. */
export function addAlignCommand(command: Command): void {
  command
    .command('align')
    .description(
      'find where each phone of the recordings begins and ends: recordings with transcripts in, a TextGrid of Praat for ' +
        'each out; several corpora are aligned together. Clips whose transcript is not what is said are named and left out',
    )
    .argument('<dir...>', 'folders of recordings with transcripts, or such as LJSpeech')
    .option('-o, --out <folder>', 'where the TextGrids go, FOLDER/CLIP.TextGrid', 'alignment')
    .option('--lexicon <file>', 'words of your own, a line each: the word, then its ARPAbet phones')
    .option(
      '--textgrids <folder>',
      'TextGrids that take the place of own alignments (default: the folder textgrid in each DIR)',
    )
    .option('--no-textgrids', 'align all clips, also those that have TextGrids')
    .option('--compare <folder>', 'TextGrids of another aligner: print how near ours lie to them')
    .option('--threads <n>', 'threads that read recordings (default: one per core)', wholeNumber)
    .option('--force', forceHelp)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', examples('tts-prepare align my-recordings', 'tts-prepare align my-recordings --out aligned'))
    .action(async (dirs: string[], options: Options) => {
      const { out, lexicon, textgrids, compare, threads, force, json } = options;
      for (const folder of [textgrids, compare])
        if (typeof folder === 'string' && !existsSync(folder))
          throw new TtsError('ERR_FILE_NOT_FOUND', `${folder} does not exist, expected a folder of TextGrids`);
      const corpora: Corpus[] = [];
      for (const dir of dirs) corpora.push(await openCorpus(dir));
      const corpus = corpora.length === 1 ? corpora[0] : joinCorpora(corpora);
      for (const note of corpus.notes ?? []) console.error(`note: ${note}`);
      const folders = new Map(corpora.flatMap(({ clips }, i) => clips.map(({ path }) => [path, dirs[i]] as const)));
      const given = (clip: Clip): string | undefined => {
        if (textgrids === false) return undefined;
        return find(textgrids ?? join(folders.get(clip.path)!, 'textgrid'), clip);
      };
      const outputs = new Map(corpus.clips.map(({ id }) => [id, join(out, `${id}.TextGrid`)]));
      const reads = corpus.clips.flatMap((clip) => [clip.path, given(clip) ?? clip.path]);
      // Refuse this now, not after minutes of work.
      keepInputs(outputs.values(), reads);
      for (const path of outputs.values()) if (existsSync(path)) targetOf(path, { kind: textGridKind, force });
      makeFolder(out);

      const pronouncer = await openPronouncer({ lexicon });
      const { alignments, leftOut } = await alignCorpus(corpus.clips, {
        pronouncer,
        textGridOf: given,
        threads: threads ?? availableParallelism(),
        onRecording: bar('recordings'),
        onRound: bar('rounds'),
      });
      for (const alignment of alignments) {
        const path = outputs.get(alignment.id)!;
        makeFolder(dirname(path));
        await writeWholeFile(path, Buffer.from(formatTextGrid(textGridOf(alignment))), { kind: textGridKind, force });
      }
      // What an earlier call has found is not to be taken for what this one found.
      for (const { id } of leftOut) rmSync(outputs.get(id)!, { force: true });

      const reference = compare && (await readReference(corpus.clips, compare));
      const comparison =
        reference &&
        compareAlignments(
          alignments.filter(({ source }) => source === 'aligned'),
          reference,
        );
      const seconds = alignments.reduce((sum, alignment) => sum + alignment.seconds, 0);
      const fromTextGrids = alignments.filter(({ source }) => source === 'textgrid').length;
      const result = {
        out,
        aligned: alignments.length - fromTextGrids,
        fromTextGrids,
        seconds,
        leftOut,
        ...(comparison && { comparison }),
      };
      if (json) return console.log(JSON.stringify(result, null, 2));
      for (const { id, why } of leftOut) console.log(`left out: ${id}: ${why}`);
      console.log(
        `${out}: ${alignments.length} TextGrids of ${(seconds / 60).toFixed(1)} minutes` +
          (fromTextGrids > 0 ? `, ${fromTextGrids} of them from TextGrids that were there` : '') +
          (leftOut.length > 0 ? `; ${leftOut.length} of ${corpus.clips.length} clips left out` : ''),
      );
      if (comparison) for (const line of shown(comparison)) console.log(line);

      async function readReference(clips: readonly Clip[], folder: string) {
        const { alignments: found } = await readAlignments(clips, (clip) => find(folder, clip), { pronouncer });
        return found;
      }
    });
}

/** Of a clip of several corpora, with the name of the corpus or without. */
const find = (folder: string, { id, corpus }: Clip): string | undefined =>
  textGridPath(folder, id) ?? (corpus === undefined ? undefined : textGridPath(folder, id.slice(corpus.length + 1)));

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw explainSystemError(path, error, 'written');
  }
}

function shown(comparison: AlignmentComparison): string[] {
  const { clips, phones, compared, within, bothWithin25, medianDistance, medianShift, wordsOff } = comparison;
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
  const milliseconds = (seconds: number) => `${(1000 * seconds).toFixed(1)} ms`;
  return [
    `compared: ${compared} of ${phones} phones in ${clips} clips`,
    ...within.map(({ seconds, share }) => `starts and ends within ${1000 * seconds} ms: ${percent(share)}`),
    `phones with both within 25 ms: ${percent(bothWithin25)}`,
    `median distance: ${milliseconds(medianDistance)}, with its sign ${milliseconds(medianShift)}`,
    `words off: ${wordsOff.length === 0 ? 'none' : wordsOff.join(', ')}`,
  ];
}
