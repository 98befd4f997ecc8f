#!/usr/bin/env node
import { TtsError } from '../base/errors.js';
import { checkOutput } from '../base/output.js';
import { writeWholeFile } from '../base/whole_file.js';
import { measureByWorkers } from '../cluster/evaluation.js';
import type { Link } from '../cluster/link.js';
import { type Clip, openCorpus } from '../data/corpora/corpus.js';
import { evaluateSystems, type Evaluation, type EvaluationOptions } from '../evaluation/evaluate.js';
import { chooseClips, openFolderSystems, referenceFolder } from '../evaluation/folder_systems.js';
import { openRecogniser } from '../evaluation/recognition/recogniser.js';
import { htmlReport } from '../evaluation/report/html_report.js';
import { clipRows, differenceRows, summaryRows, wordRows, wordsCaption } from '../evaluation/report/tables.js';
import { distinctNames, type System } from '../evaluation/system.js';
import { openVoiceSystem } from '../evaluation/voice_system.js';
import { chooseKernels } from '../kernels/index.js';
import { findVoice } from '../model/voice/shipped.js';
import { markdownTable } from '../report/markdown.js';
import { reportKind } from '../report/page.js';
import { clusterHelp, type ClusterOptions, withCredentials, withQueue } from './cluster_options.js';
import { collect, forceHelp, kernelsHelp, positiveNumber, wholeNumber } from './options.js';
import { createCommand, examples, printer, runCommand } from './program.js';
import { aboveBars, bar } from './progress.js';
import { voiceHelp, voiceName } from './voices.js';

interface Options extends ClusterOptions {
  voice: string[];
  data?: string;
  reference?: string;
  clips?: string;
  limit?: number;
  seed?: number;
  temperature?: number;
  correction: boolean;
  kernels?: string;
  dtw?: boolean;
  wer?: boolean;
  threads?: number;
  out?: string;
  json?: boolean;
  html?: string;
  force?: boolean;
}

/** More clips than this are not listed one by one. */
const mostRows = 50;

const refuse = (message: string): never => {
  throw new TtsError('ERR_ARGUMENT', message);
};

/** Refuses options that only the other kind of call has. */
function refuseOptions(options: Options, names: readonly (keyof Options)[], belongs: string): void {
  for (const name of names) if (options[name] !== undefined) refuse(`--${name} is for ${belongs}`);
}

async function voiceSystems({
  voice,
  seed = 1,
  temperature = 1,
  correction,
  kernels: name,
}: Options): Promise<System[]> {
  const paths = voice.map((nameOrFile) => findVoice(nameOrFile).path);
  const names = distinctNames(paths);
  if (names.includes(referenceFolder))
    refuse(`a voice is called ${referenceFolder}, expected another name: that is what the recordings are called`);
  const kernels = chooseKernels({ name });
  return Promise.all(
    paths.map((path, i) => openVoiceSystem({ path, name: names[i], seed, temperature, correction, kernels })),
  );
}

/** What is to be measured against what. */
async function openComparison(folders: readonly string[], options: Options) {
  const ids = options.clips?.split(',').map((id) => id.trim());
  if (options.threads !== undefined && !options.wer) refuse('--threads is for --wer, expected both');
  if (options.threads === 0) refuse('--threads is 0, expected at least 1');
  const choice = { ids, limit: options.limit };
  if (options.limit === 0) refuse('--limit is 0, expected at least 1');
  if (options.voice.length > 0) {
    if (folders.length > 0)
      refuse(
        `both --voice and the folder ${folders[0]} are given, expected one kind; tts-eval --voice FILE ` +
          '--data DIR --out OUT writes folders that can be compared',
      );
    refuseOptions(options, ['reference', 'dtw'], 'folders of recordings, not for --voice');
    const data = options.data ?? refuse('--voice needs recordings to copy, expected --data DIR');
    const clips = chooseClips((await openCorpus(data)).clips, data, choice);
    return { systems: await voiceSystems(options), clips, reference: data };
  }
  if (folders.length === 0)
    refuse('nothing to measure, expected --voice FILE --data DIR, or folders of recordings and --reference DIR');
  refuseOptions(options, ['data', 'seed', 'temperature', 'kernels', 'out'], '--voice, not for folders of recordings');
  const reference = options.reference ?? refuse(`folders need originals to be compared with, expected --reference DIR`);
  const { systems, clips } = await openFolderSystems(folders, reference, options.dtw === true);
  return { systems, clips: chooseClips(clips, folders[0], choice), reference };
}

/** Evaluates with clips that the workers of a queue measure. */
async function evaluateByWorkers<T>(
  link: Link,
  systems: readonly System[],
  clips: readonly Clip[],
  { voice, seed = 1, temperature = 1, correction, dtw = false, out, wer = false, kernels: name }: Options,
  note: (text: string) => void,
  evaluate: (measure: EvaluationOptions['measure']) => Promise<T>,
): Promise<T> {
  const sound = out !== undefined || wer;
  const how = { seed, temperature, correction, warped: dtw, sound, kernels: chooseKernels({ name }) };
  const elsewhere = measureByWorkers(link, { ...how, systems, voices: voice.length > 0, clips, note });
  try {
    return await evaluate((system, clip) => elsewhere.measure(system, clip));
  } finally {
    await elsewhere.close();
  }
}

function print(evaluation: Evaluation, say: (text: string) => void): void {
  const { systems, reference, recognition, notes } = evaluation;
  const { clips } = systems[0];
  const seconds = clips.reduce((sum, clip) => sum + clip.seconds, 0);
  say(
    `${clips.length} ${clips.length === 1 ? 'clip' : 'clips'} of ${reference}, ${seconds.toFixed(1)} s; mean ` +
      `± half of the 95% confidence interval (Student's ` +
      `t)${evaluation.alignment === 'warped' ? '; frames aligned by dynamic time warping' : ''}\n`,
  );
  say(markdownTable(summaryRows(evaluation)));
  for (const { name, pooledNll } of systems)
    if (pooledNll !== null) say(`\n${name}: NLL over all samples together ${pooledNll.toFixed(3)}`);
  if (evaluation.differences.length > 0)
    say(
      `\n${markdownTable(differenceRows(evaluation))}\n\np: two-sided paired t test over the clips, not ` +
        'corrected for many comparisons',
    );
  if (recognition !== null) say(`\n${wordsCaption(recognition)}\n\n${markdownTable(wordRows(recognition))}`);
  if (clips.length <= mostRows)
    for (const system of systems)
      say(
        `\n${system.name}${describe(system.settings)}\n\n${markdownTable(clipRows(evaluation.measures, system.clips))}`,
      );
  else say(`\nClip by clip: --json, or --html FILE`);
  for (const note of notes) say(`\nnote: ${note}`);
}

const describe = (settings: Readonly<Record<string, string | number>>) => {
  const list = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return list.length === 0 ? '' : `: ${list.join(', ')}`;
};

const command = withCredentials(
  createCommand(
    'tts-eval',
    'Measure how good copies of recordings are: what a voice makes of them, ' + 'or what other programs have made.',
  ),
)
  .argument('[folders...]', 'folders of WAVs named as the originals, one folder for each system; with --reference')
  .option(
    '--voice <name|file>',
    `${voiceHelp}, that copies the recordings; may be repeated, to compare; list prints those that ship`,
    (text: string, earlier: string[]) => collect(voiceName(text), earlier),
    [],
  )
  .option('--data <dir>', 'recordings that the voice has not been trained on: a folder, or one like LJSpeech')
  .option('--reference <dir>', 'the originals of the folders')
  .option('--clips <ids>', 'only these, with commas between (default: all)')
  .option('--limit <n>', 'only the first N clips', wholeNumber)
  .option('--seed <n>', 'seed of the voice (default: 1)', wholeNumber)
  .option('--temperature <t>', 'temperature of the voice (default: 1)', positiveNumber)
  .option('--no-correction', 'leave the spectrum of the voice as it was drawn')
  .option('--kernels <name>', kernelsHelp)
  .option(
    '--dtw',
    'folders of speech with a rhythm of its own: align frames by dynamic time ' +
      'warping, and measure only what that allows',
  )
  .option('--wer', 'count the words that a speech recogniser (PocketSphinx) gets wrong, of copies and recordings; slow')
  .option('--threads <n>', 'recognitions side by side, with --wer (default: one per core)', wholeNumber)
  .option('--out <dir>', 'keep the output as DIR/VOICE/CLIP.wav, and the recordings as DIR/reference/CLIP.wav')
  .option('--html <file>', 'write a report with plots, spectrograms and players, in one file')
  .option('--force', forceHelp)
  .option('--cluster <url>', `${clusterHelp}: a clip a job`)
  .option('--json', 'print all figures as JSON')
  .addHelpText(
    'after',
    examples(
      'tts-eval --voice runs/my-voice/voice.safetensors --data held-out --html report.html',
      'tts-eval ours theirs --reference originals --html report.html',
    ),
  )
  .action(async (folders: string[], options: Options) => {
    const { html, force } = options;
    const say = printer(html);
    // Refuse this now, not after minutes of work.
    if (html !== undefined) checkOutput(html, { kind: reportKind, force });
    const { systems, clips, reference } = await openComparison(folders, options);
    const recogniser = options.wer ? await openRecogniser({ threads: options.threads }) : undefined;
    const show = bar('clips');
    const showHeard = bar('recognitions');
    let spoken = false;
    show(0, systems.length * clips.length);
    const evaluate = (measure?: EvaluationOptions['measure']) =>
      evaluateSystems({
        systems,
        clips,
        reference,
        warped: options.dtw,
        out: options.out,
        measure,
        recogniser,
        // One bar at a time: recognition goes on beside the clips, and longer.
        onHeard: (done, all) => spoken && showHeard(done, all),
        onClip: (system, { id, measures }, done, all) => {
          show(done, all, `${system}, ${id}: mel-cepstral distortion ${measures.melCepstralDistortion.toFixed(2)} dB`);
          spoken = done === all;
        },
        onLeftOut({ code, message }, done, all) {
          aboveBars();
          console.error(`error ${code}: ${message}`);
          show(done, all);
          spoken = done === all;
          process.exitCode = 2;
        },
      });
    const { cluster } = options;
    const evaluation = await (
      cluster === undefined
        ? evaluate()
        : withQueue(cluster, options, (link, note) => evaluateByWorkers(link, systems, clips, options, note, evaluate))
    ).finally(() => recogniser?.dispose());
    if (html !== undefined)
      await writeWholeFile(html, Buffer.from(await htmlReport(evaluation, systems, clips)), {
        kind: reportKind,
        force,
      });
    for (const system of systems) system.dispose();
    if (options.json) say(JSON.stringify(evaluation, null, 2));
    else print(evaluation, say);
  });

await runCommand(command);
