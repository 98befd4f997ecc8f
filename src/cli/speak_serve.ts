import type { Command } from 'commander';
import { TtsError } from '../base/errors.js';
import { chooseKernels } from '../kernels/index.js';
import { defaultReader, findAcoustic } from '../model/acoustic/shipped.js';
import { findVoice, shippedVoices } from '../model/voice/shipped.js';
import { openAcoustic, openSpeaker } from '../speech/open.js';
import type { Speaker } from '../speech/speaker.js';
import { kernelsHelp, wholeNumber } from './options.js';
import { examples } from './program.js';
import { acousticHelp, acousticName, tokensHelp, voiceHelp, voiceName } from './voices.js';

interface Options {
  acoustic: string;
  tokens?: string;
  voice: string;
  lexicon?: string;
  host: string;
  port: number;
  clients: number;
  queue: number;
  kernels?: string;
  threads?: number;
}

/** `tts-speak serve`: speech for applications, over HTTP. */
export function addServeCommand(command: Command): void {
  command
    .command('serve')
    .description('answer POST /speak with a WAV that streams, until Ctrl-C')
    .option('--host <address>', 'address to listen on; 0.0.0.0 for all networks', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 for any free one', wholeNumber, 8080)
    .option('--clients <n>', 'speeches at once', wholeNumber, 32)
    .option('--queue <n>', 'requests that wait for one to end; more are told to come back', wholeNumber, 64)
    .option('--acoustic <name|file>', acousticHelp, acousticName, defaultReader)
    .option('--tokens <file>', tokensHelp)
    .option(
      '--voice <name|file>',
      `${voiceHelp}; list prints those that ship, which requests may name too`,
      voiceName,
      defaultReader,
    )
    .option('--lexicon <file>', 'words of your own, a line each: the word, then its ARPAbet phones')
    .option('--kernels <name>', kernelsHelp)
    .option('--threads <n>', 'threads at most (default: one per core)', wholeNumber)
    .option('--debug', 'print the stack of an error')
    .addHelpText('after', examples('tts-speak serve', 'tts-speak serve --port 9000 --clients 16 --queue 100'))
    .action(async ({ host, port, clients, queue, ...options }: Options) => {
      if (clients < 1) throw new TtsError('ERR_ARGUMENT', `--clients is ${clients}, expected at least 1`);
      const kernels = chooseKernels({ name: options.kernels, threads: options.threads });
      const acoustic = findAcoustic(options.acoustic);
      const { lexicon, tokens } = options;
      const model = await openAcoustic(acoustic.path, { tokens, threads: kernels.threads });
      // One that stands still for a slow reader needs its slot, too.
      const open = (path: string) => openSpeaker({ acoustic: model, voice: path, lexicon, kernels, slots: clients });
      const own = findVoice(options.voice);
      const first = await open(own.path);
      const speakers = new Map<string, () => Promise<Speaker>>([[own.name, () => Promise.resolve(first)]]);
      for (const { name, path } of shippedVoices()) {
        let opened: Promise<Speaker> | undefined;
        if (!speakers.has(name)) speakers.set(name, () => (opened ??= open(path)));
      }
      // Only here: who speaks a text does not wait for the modules of a server.
      const { createSpeechServer } = await import('../speech/server/server.js');
      const { serve } = await import('./serving.js');
      const server = await createSpeechServer({ speakers, clients, queue });
      await serve(server, { host, port }, (address) =>
        console.log(`${acoustic.name} with the voice ${own.name}, kernels ${kernels.name}: ${address}/`),
      );
    });
}
