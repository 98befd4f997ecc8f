#!/usr/bin/env node
import { Option } from 'commander';
import { TtsError } from '../base/errors.js';
import { checkOutput } from '../base/output.js';
import { readWholeFile } from '../base/whole_file.js';
import { isFaster, kernelNames, type Precision, precisions } from '../kernels/index.js';
import { loadVoice, saveVoice, voiceKind } from '../model/voice/file.js';
import { voiceInPrecision, voicePrecision } from '../model/voice/network.js';
import { findVoice } from '../model/voice/shipped.js';
import { forceHelp } from './options.js';
import { createCommand, examples, printer, runCommand } from './program.js';
import { voiceHelp } from './voices.js';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

interface Options {
  precision?: Precision;
  force?: boolean;
  json?: boolean;
}

const command = createCommand('tts-export', 'Write a voice with its weights in another precision.')
  .argument('<voice>', `${voiceHelp}; - is standard input`)
  .argument('<out>', 'the file to write; may be the same; - is standard output')
  .addOption(
    new Option(
      '--precision <name>',
      'int8 is the fastest with AVX2, AVX-512 and WebAssembly; bf16 halves the weights at hardly any loss, and is faster ' +
        'than float32 with AVX-512 only; float32 is what training leaves, and the fastest where there are no such ' +
        'instructions (tts-bench info)',
    ).choices(precisions),
  )
  .option('--force', forceHelp)
  .option('--json', 'print the figures as JSON')
  .addHelpText(
    'after',
    examples(
      'tts-export voice.safetensors small.safetensors --precision int8',
      'tts-export runs/my-voice/voice.safetensors my-voice-bf16.safetensors --precision bf16',
    ),
  )
  .action(async (nameOrFile: string, out: string, { precision, force, json }: Options) => {
    if (precision === undefined)
      throw new TtsError('ERR_ARGUMENT', `--precision is missing, expected one of ${precisions.join(', ')}`);
    const { path } = findVoice(nameOrFile);
    checkOutput(out, { kind: voiceKind, force });
    const voice = await loadVoice(path);
    const [from, fromBytes] = [voicePrecision(voice), (await readWholeFile(path)).length];
    const bytes = await saveVoice(out, voiceInPrecision(voice, precision), { force });
    const figures = { out, precision, bytes, from, fromBytes };
    if (precisions.indexOf(precision) < precisions.indexOf(from))
      console.error(`note: the weights stay as rounded as they are in ${path} (${from})`);
    const [fastest] = kernelNames();
    if (precision !== 'float32' && !isFaster(precision, fastest))
      console.error(
        `note: ${precision} makes the file smaller; on this machine (kernels ${fastest}) the voice speaks no faster for it`,
      );
    printer(out)(
      json
        ? JSON.stringify(figures)
        : `${out}: ${precision}, ${megabytes(figures.bytes)} (${path}: ${from}, ${megabytes(fromBytes)})`,
    );
  });

await runCommand(command);
