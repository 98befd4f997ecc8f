#!/usr/bin/env node
import { melSpectrogram } from '../audio/mel.js';
import { melPreset, melPresets } from '../audio/presets.js';
import { readAudio } from '../audio/read.js';
import { settingsPath, writeFeatures } from '../data/features/files.js';
import { createCommand, examples, runCommand } from './program.js';

const command = createCommand('tts-prepare', 'Prepare recordings: compute acoustic features.').addHelpText(
  'after',
  examples('tts-prepare features recording.wav features.npy', 'tts-prepare features --help'),
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

await runCommand(command);
