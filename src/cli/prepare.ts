#!/usr/bin/env node
import { availableParallelism } from 'node:os';
import { framesOf, melSpectrogram, samplesOf } from '../audio/mel.js';
import { melPreset, melPresets } from '../audio/presets.js';
import { readRecording } from '../audio/read.js';
import { TtsError } from '../base/errors.js';
import { checkOutput, keepInputs } from '../base/output.js';
import { writeWholeFile } from '../base/whole_file.js';
import { checkCorpus } from '../data/check/check.js';
import { checkPage, findingRows, overview, spreadRows } from '../data/check/report.js';
import { checkFeatureOutput, writeFeatures } from '../data/features/files.js';
import { markdownTable } from '../report/markdown.js';
import { reportKind } from '../report/page.js';
import { forceHelp, wholeNumber } from './options.js';
import { addAlignCommand } from './prepare_align.js';
import { addPhonesCommand } from './prepare_phones.js';
import { createCommand, examples, printer, runCommand } from './program.js';
import { bar } from './progress.js';

const command = createCommand(
  'tts-prepare',
  'Prepare recordings and texts: look a corpus over, align it, compute acoustic features, show how a text is spoken.',
).addHelpText(
  'after',
  examples('tts-prepare check my-recordings --html check.html', 'tts-prepare features recording.wav features.npy'),
);

command
  .command('features')
  .description(
    'compute the mel spectrogram of a recording (WAV, FLAC, MP3, Ogg Vorbis) and write it as .npy, float32 ' +
      '[frames, bins], with its settings as .json beside it',
  )
  .argument('<recording>', 'the recording, - for standard input; it is mixed to mono and resampled if need be')
  .argument('<features.npy>', 'where the features go; - is standard output, without the .json')
  .option('-p, --preset <name>', `the convention: ${Object.keys(melPresets).join(', ')}`, 'hifigan')
  .option('--force', forceHelp)
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    examples(
      'tts-prepare features recording.wav features.npy',
      'tts-prepare features recording.wav features.npy --preset espnet',
    ),
  )
  .action(
    async (
      recording: string,
      path: string,
      { preset, force, json }: { preset: string; force?: boolean; json?: boolean },
    ) => {
      const settings = melPreset(preset);
      keepInputs([path], [recording]);
      const beside = checkFeatureOutput(path, { force });
      if (beside !== undefined) checkOutput(beside, { force, inputs: [recording] });
      const audio = await readRecording(recording, { sampleRate: settings.sampleRate });
      for (const note of audio.notes) console.error(`note: ${note}`);
      if (framesOf(audio.samples.length, settings) === 0)
        throw new TtsError(
          'ERR_AUDIO_EMPTY',
          `${recording} has ${audio.samples.length} samples at ${settings.sampleRate} Hz: expected at least ` +
            `${samplesOf(1, settings)}, one frame`,
        );
      const { data, frames, bins } = melSpectrogram(audio.samples, settings);
      await writeFeatures(path, { data, frames, bins, settings }, { force });
      const seconds = audio.samples.length / audio.sampleRate;
      const result = {
        features: path,
        settings: beside ?? null,
        preset,
        frames,
        bins,
        seconds,
        sampleRate: settings.sampleRate,
        hop: settings.hop,
      };
      printer(path)(
        json
          ? JSON.stringify(result)
          : `${path}: ${frames} frames of ${bins} bins (${preset}, ${settings.sampleRate} Hz, hop ` +
              `${settings.hop}) from ${seconds.toFixed(2)} s`,
      );
    },
  );

command
  .command('check')
  .description(
    'look a corpus over before a training: how much there is, levels, noise, clipping, silence, bandwidth, takes and ' +
      'copies, clips that differ from the rest, and what a training would refuse or leave out',
  )
  .argument('<dir>', 'a folder of recordings, or one like LJSpeech')
  .option('--html <file>', 'write a report in one file')
  .option('--force', forceHelp)
  .option('--threads <n>', 'threads (default: one per core)', wholeNumber)
  .option('--json', 'print all figures of all clips as JSON')
  .addHelpText(
    'after',
    examples('tts-prepare check my-recordings', 'tts-prepare check my-recordings --html check.html'),
  )
  .action(
    async (
      dir: string,
      { html, threads, force, json }: { html?: string; threads?: number; force?: boolean; json?: boolean },
    ) => {
      const print = printer(html);
      // Refuse this now, not after minutes of work.
      if (html !== undefined) checkOutput(html, { kind: reportKind, force });
      const check = await checkCorpus(dir, { threads: threads ?? availableParallelism(), onProgress: bar('clips') });
      if (html !== undefined) await writeWholeFile(html, Buffer.from(checkPage(check)), { kind: reportKind, force });
      if (json) return print(JSON.stringify(check, null, 2));
      print(`${overview(check).join('\n')}\n\n${markdownTable(spreadRows(check))}\n`);
      print(check.findings.length === 0 ? 'nothing to look at was found' : markdownTable(findingRows(check)));
    },
  );

addAlignCommand(command);
addPhonesCommand(command);

await runCommand(command);
