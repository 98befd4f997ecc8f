#!/usr/bin/env node
import { existsSync, statSync } from 'node:fs';
import { wavKind } from '../audio/write.js';
import { TtsError } from '../base/errors.js';
import { checkOutput, keepApart } from '../base/output.js';
import { isStandardOutput, standardStream } from '../base/standard_streams.js';
import { chooseKernels } from '../kernels/index.js';
import { loadAcoustic } from '../model/acoustic/file.js';
import { defaultReader, findAcoustic, shippedAcoustics } from '../model/acoustic/shipped.js';
import { findVoice } from '../model/voice/shipped.js';
import { nothingToSpeak, TextNotes } from '../speech/notes.js';
import { isOnnx, openSpeaker, readersPronouncer } from '../speech/open.js';
import type { SpokenText } from '../speech/speaker.js';
import { subtitleKind, SubtitleWriter } from '../speech/subtitles.js';
import { readText } from '../speech/text_file.js';
import { type TimedWord } from '../speech/timing.js';
import { readLexicon } from '../text/load.js';
import { phonesOf } from '../text/phones_of.js';
import { clusterHelp, withCredentials } from './cluster_options.js';
import { factor, forceHelp, kernelsHelp, positiveNumber, wholeNumber } from './options.js';
import { shown } from './prepare_phones.js';
import { createCommand, examples, printer, runCommand } from './program.js';
import { checkStandardOutput, openSinks, type Sink } from './sinks.js';
import { type SpeakOptions, speakTexts } from './speak_folder.js';
import { describedSentence } from './speak_json.js';
import { addServeCommand } from './speak_serve.js';
import { acousticHelp, acousticName, tokensHelp, voiceHelp, voiceName } from './voices.js';

interface Options extends SpeakOptions {
  readonly file?: string;
}

/** What is spoken, and where it goes. */
interface Job {
  readonly text: SpokenText;
  /** What messages call it. */
  readonly name: string;
  readonly out: string | undefined;
}

function jobOf(first: string | undefined, second: string | undefined, { file }: Options): Job {
  if (file !== undefined) {
    if (second !== undefined)
      throw new TtsError('ERR_ARGUMENT', `a text and --file ${file} were given, expected one of them and out.wav`);
    return { text: readText(file), name: file, out: first };
  }
  if (first === undefined)
    throw new TtsError('ERR_ARGUMENT', 'no text: expected one, --file in.txt, or - for standard input');
  if (first === standardStream) return { text: readText(first), name: 'standard input', out: second };
  if (existsSync(first))
    console.error(`note: ${first} is a file, and its name is what is spoken: --file ${first} speaks what is in it`);
  return { text: first, name: 'the text', out: second };
}

const isFolder = (path: string | undefined): path is string =>
  path !== undefined && path !== '' && existsSync(path) && statSync(path).isDirectory();

/** `--show` without a place for the speech: prints, and speaks nothing. */
async function show({ text }: Job, options: Options): Promise<void> {
  // A reader's own words are shown if there is a reader.
  const named = options.acoustic !== defaultReader || shippedAcoustics().some(({ name }) => name === defaultReader);
  const path = named ? findAcoustic(options.acoustic).path : undefined;
  const acoustic = path === undefined || isOnnx(path) ? { lexicon: new Map<string, []>() } : await loadAcoustic(path);
  const own = options.lexicon === undefined ? undefined : await readLexicon(options.lexicon);
  let sentences = 0;
  for await (const sentence of phonesOf(text, { pronouncer: readersPronouncer(acoustic, own) }))
    console.log(`${sentences++ > 0 ? '\n' : ''}${shown(sentence).join('\n')}`);
  if (sentences === 0) console.log('there is nothing to speak');
}

async function speakText(job: Job, options: Options): Promise<void> {
  const { text, name, out } = job;
  const { subtitles, json, stdout, force, speed, pitch, seed, temperature, correction } = options;
  const acoustic = findAcoustic(options.acoustic);
  const voice = findVoice(options.voice);
  const { tokens, lexicon } = options;
  const inputs = [acoustic.path, voice.path, ...[options.file, lexicon, tokens].filter((path) => path !== undefined)];
  if (out !== undefined) checkOutput(out, { kind: wavKind, force, inputs });
  if (subtitles !== undefined) checkOutput(subtitles, { kind: subtitleKind, force, inputs });
  if (out !== undefined && subtitles !== undefined)
    keepApart([
      ['the speech', out],
      ['the subtitles', subtitles],
    ]);
  const kernels = chooseKernels({ name: options.kernels, threads: options.threads });
  const speaker = await openSpeaker({ acoustic: acoustic.path, tokens, voice: voice.path, lexicon, kernels });
  const { sampleRate } = speaker;
  const print = printer(out, stdout === undefined ? undefined : standardStream, subtitles);

  const begun = performance.now();
  let [samples, first, sentences] = [0, 0, 0];
  let words: TimedWord[] = [];
  const notes = new TextNotes();
  let sinks: Sink | undefined;
  let writer: SubtitleWriter | undefined;
  try {
    if (subtitles !== undefined) writer = await SubtitleWriter.create(subtitles, { force });
    const how = { speed, pitch, seed, temperature, correction };
    for await (const piece of speaker.speak(text, how)) {
      const { pcm, sentence, last } = piece;
      if (pcm.length > 0) {
        first ||= performance.now() - begun;
        // Only now: for a text without anything to speak nothing is written.
        sinks ??= await openSinks(out, options, sampleRate);
        await sinks.write(pcm);
        samples += pcm.length;
      }
      words.push(...piece.words);
      if (!last) continue;
      sentences++;
      await writer?.write(sentence, words);
      if (options.show) print(`${sentence.index > 0 ? '\n' : ''}${shown(sentence.said).join('\n')}`);
      if (json) print(JSON.stringify({ type: 'sentence', ...describedSentence(sentence, words) }));
      for (const { note } of sentence.said.notes)
        if (notes.take(note) && !json && !options.show) console.error(`note: ${note}`);
      words = [];
    }
    if (notes.more > 0 && !json && !options.show)
      console.error(`note: … and ${notes.more} more; --json has all of them`);
    if (sinks === undefined) throw nothingToSpeak(name, notes);
    await sinks.close();
    await writer?.close();
  } catch (error) {
    await sinks?.abort();
    await writer?.abort();
    throw error;
  }
  const seconds = (performance.now() - begun) / 1000;
  const audioSeconds = samples / sampleRate;
  const figures = {
    out: out ?? null,
    sentences,
    sampleRate,
    audioSeconds,
    seconds,
    realTimeFactor: seconds / audioSeconds,
    firstSoundSeconds: first / 1000,
    acoustic: acoustic.name,
    voice: voice.name,
    kernels: kernels.name,
    speed,
    pitch,
    seed,
  };
  print(
    json
      ? JSON.stringify({ type: 'speech', ...figures })
      : `${options.show ? '\n' : ''}${out ?? 'spoken'}: ${audioSeconds.toFixed(2)} s of speech in ` +
          `${seconds.toFixed(2)} s, real-time factor ${figures.realTimeFactor.toFixed(3)} (below 1 is faster than ` +
          `real time), first sound after ${(first / 1000).toFixed(2)} s, ${acoustic.name} with the voice ` +
          `${voice.name}, kernels ${kernels.name}`,
  );
}

const command = withCredentials(createCommand('tts-speak', 'Speak English text.'))
  .helpCommand(false)
  .enablePositionalOptions()
  .argument('[text]', 'what is spoken, or a folder of .txt files; - is standard input; left out with --file')
  .argument('[out.wav]', 'where the speech goes, a folder for a folder, - for standard output')
  .option('--file <file>', 'speak what is in a file, in UTF-8')
  .option('--acoustic <name|file>', acousticHelp, acousticName, defaultReader)
  .option('--tokens <file>', tokensHelp)
  .option('--voice <name|file>', `${voiceHelp}; list prints those that ship`, voiceName, defaultReader)
  .option('--lexicon <file>', 'words of your own, a line each: the word, then its ARPAbet phones')
  .option('--speed <factor>', 'times as fast, 0.1 to 10', factor, 1)
  .option('--pitch <factor>', 'times as high, 0.1 to 10', factor, 1)
  .option('--seed <n>', 'seed of the random numbers: the same seed gives the same WAV', wholeNumber, 1)
  .option('--temperature <t>', 'below 1 calmer and duller, 1 as the voice has learned', positiveNumber, 1)
  .option('--no-correction', 'leave the spectrum as it was drawn, and do not bring it nearer to the features')
  .option('--subtitles <file>', 'write subtitles: SubRip, or WebVTT for a name with .vtt')
  .option('--show', 'print what each word became, and why; with nowhere to put the speech, nothing else is done')
  .option('--play', 'play it while it is made')
  .option(
    '--stdout [format]',
    'write it to stdout while it is made, as wav (default) or pcm (16-bit little-endian mono)',
  )
  .option('--kernels <name>', kernelsHelp)
  .option('--threads <n>', 'threads at most (default: one per core)', wholeNumber)
  .option('--force', forceHelp)
  .option('--cluster <url>', `${clusterHelp}: a file of a folder a job`)
  .option(
    '--json',
    'print a line of JSON for each sentence, with times of words and phones, and one at the end (on stderr if speech ' +
      'or subtitles go to stdout)',
  )
  .addHelpText(
    'after',
    examples(
      'tts-speak "Dr. Smith paid £25 in 1963." out.wav',
      'tts-speak --file book.txt book.wav --speed 1.1 --subtitles book.srt',
    ),
  )
  .action(async (first: string | undefined, second: string | undefined, options: Options) => {
    if (options.file === undefined && isFolder(first)) return speakTexts(first, second, options);
    if (options.cluster !== undefined)
      throw new TtsError('ERR_ARGUMENT', '--cluster is for folders of texts, expected one');
    const job = jobOf(first, second, options);
    const { play, stdout, subtitles } = options;
    checkStandardOutput(job.out, stdout);
    const streams = [subtitles, job.out].filter((path) => path !== undefined && isStandardOutput(path));
    if (streams.length + (stdout === undefined ? 0 : 1) > 1)
      throw new TtsError('ERR_ARGUMENT', 'speech and subtitles cannot both go to standard output');
    if (job.out === undefined && stdout === undefined && !play && subtitles === undefined) {
      if (options.show) return show(job, options);
      throw new TtsError('ERR_ARGUMENT', 'nowhere to put the speech: expected out.wav, --stdout or --play');
    }
    await speakText(job, options);
  });

addServeCommand(command);

await runCommand(command);
