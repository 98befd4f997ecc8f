#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { melSpectrogram } from '../audio/mel.js';
import { melPreset, melPresets } from '../audio/presets.js';
import { readAudio } from '../audio/read.js';
import { TtsError } from '../base/errors.js';
import { writeWholeFile } from '../base/whole_file.js';
import { checkCorpus } from '../data/check/check.js';
import { checkPage, findingRows, overview, spreadRows } from '../data/check/report.js';
import { settingsPath, writeFeatures } from '../data/features/files.js';
import { markdownTable } from '../report/markdown.js';
import { wholeNumber } from './options.js';
import { addPhonesCommand } from './prepare_phones.js';
import { createCommand, examples, runCommand } from './program.js';
import { bar } from './progress.js';

const command = createCommand(
  'tts-prepare',
  'Prepare recordings and texts: look a corpus over, compute acoustic features, show how a text is spoken.',
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
  .argument('<recording>', 'the recording; it is mixed to mono and resampled if need be')
  .argument('<features.npy>', 'where the features go')
  .option('-p, --preset <name>', `the convention: ${Object.keys(melPresets).join(', ')}`, 'hifigan')
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    examples(
      'tts-prepare features recording.wav features.npy',
      'tts-prepare features recording.wav features.npy --preset espnet',
    ),
  )
  .action(async (recording: string, path: string, { preset, json }: { preset: string; json?: boolean }) => {
    const settings = melPreset(preset);
    const audio = await readAudio(recording, { sampleRate: settings.sampleRate });
    const { data, frames, bins } = melSpectrogram(audio.samples, settings);
    await writeFeatures(path, { data, frames, bins, settings });
    const seconds = audio.samples.length / audio.sampleRate;
    const result = {
      features: path,
      settings: settingsPath(path),
      preset,
      frames,
      bins,
      seconds,
      sampleRate: settings.sampleRate,
      hop: settings.hop,
    };
    console.log(
      json
        ? JSON.stringify(result)
        : `${path}: ${frames} frames of ${bins} bins (${preset}, ${settings.sampleRate} Hz, hop ` +
            `${settings.hop}) from ${seconds.toFixed(2)} s`,
    );
  });

command
  .command('check')
  .description(
    'look a corpus over before a training: how much there is, levels, noise, clipping, silence, bandwidth, takes and ' +
      'copies, clips that differ from the rest, and what a training would refuse or leave out',
  )
  .argument('<dir>', 'a folder of recordings, or one like LJSpeech')
  .option('--html <file>', 'write a report in one file')
  .option('--threads <n>', 'threads (default: one per core)', wholeNumber)
  .option('--json', 'print all figures of all clips as JSON')
  .addHelpText(
    'after',
    examples('tts-prepare check my-recordings', 'tts-prepare check my-recordings --html check.html'),
  )
  .action(async (dir: string, { html, threads, json }: { html?: string; threads?: number; json?: boolean }) => {
    if (html !== undefined && !existsSync(dirname(html)))
      throw new TtsError('ERR_FILE_WRITE', `${html} cannot be written: its folder does not exist`);
    const check = await checkCorpus(dir, { threads: threads ?? availableParallelism(), onProgress: bar('clips') });
    if (html !== undefined) await writeWholeFile(html, Buffer.from(checkPage(check)));
    if (json) return console.log(JSON.stringify(check, null, 2));
    console.log(`${overview(check).join('\n')}\n\n${markdownTable(spreadRows(check))}\n`);
    console.log(check.findings.length === 0 ? 'nothing to look at was found' : markdownTable(findingRows(check)));
  });

addPhonesCommand(command);

await runCommand(command);
