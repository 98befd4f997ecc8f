#!/usr/bin/env node
import { statSync } from 'node:fs';
import { Option } from 'commander';
import { TtsError } from '../base/errors.js';
import { type Precision, precisions } from '../kernels/index.js';
import { loadVoice, saveVoice } from '../model/voice/file.js';
import { voiceInPrecision, voicePrecision } from '../model/voice/network.js';
import { findVoice } from '../model/voice/shipped.js';
import { createCommand, examples, runCommand } from './program.js';
import { voiceHelp } from './voices.js';

const sizeOf = (path: string): number => statSync(path).size;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

const command = createCommand('tts-export', 'Write a voice with its weights in another precision.')
  .argument('<voice>', voiceHelp)
  .argument('<out>', 'the file to write; may be the same')
  .addOption(
    new Option(
      '--precision <name>',
      'int8 is the fastest; bf16 halves the weights at hardly any loss; float32 is what training leaves',
    ).choices(precisions),
  )
  .option('--json', 'print the figures as JSON')
  .addHelpText(
    'after',
    examples(
      'tts-export voice.safetensors small.safetensors --precision int8',
      'tts-export runs/my-voice/voice.safetensors my-voice-bf16.safetensors --precision bf16',
    ),
  )
  .action(async (nameOrFile: string, out: string, { precision, json }: { precision?: Precision; json?: boolean }) => {
    if (precision === undefined)
      throw new TtsError('ERR_ARGUMENT', `--precision is missing, expected one of ${precisions.join(', ')}`);
    const { path } = findVoice(nameOrFile);
    const voice = await loadVoice(path);
    const [from, fromBytes] = [voicePrecision(voice), sizeOf(path)];
    await saveVoice(out, voiceInPrecision(voice, precision));
    const figures = { out, precision, bytes: sizeOf(out), from, fromBytes };
    if (precisions.indexOf(precision) < precisions.indexOf(from))
      console.error(`note: the weights stay as rounded as they are in ${path} (${from})`);
    console.log(
      json
        ? JSON.stringify(figures)
        : `${out}: ${precision}, ${megabytes(figures.bytes)} (${path}: ${from}, ${megabytes(fromBytes)})`,
    );
  });

await runCommand(command);
