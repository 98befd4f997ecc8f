import { chooseKernels } from '../kernels/index.js';
import { decodeAcoustic } from '../model/acoustic/encoding.js';
import { decodeVoice } from '../model/voice/encoding.js';
import { speakWhole } from '../speech/folder.js';
import { openSpeaker } from '../speech/open.js';
import type { Speaker } from '../speech/speaker.js';
import { decodeLexicon } from '../text/load.js';
import { answering, decodeFiles, encodeAnswer } from './answers.js';
import { type JobData, readJson } from './protocol.js';
import { speechSpecSchema } from './speech.js';
import type { Workshop } from './thread_messages.js';

/** Who spoke last. */
let last: { readonly key: string; readonly speaker: Speaker } | undefined;

/**
 * Speaks a text.
 * @throws {TtsError} ERR_KERNELS where this machine lacks the kernels; what `openSpeaker` throws
 */
export async function doSpeak({ spec, input }: JobData<'speak'>, { blob, threads }: Workshop): Promise<Uint8Array> {
  const found = readJson(speechSpecSchema, await blob(spec), 'how texts are to be spoken');
  const { acoustic, voice, lexicon, kernels: name, ...how } = found;
  const key = `${acoustic} ${voice} ${lexicon} ${name}`;
  if (last?.key !== key) {
    const speaker = await openSpeaker({
      acoustic: decodeAcoustic(await blob(acoustic)),
      voice: decodeVoice(await blob(voice)),
      lexicon: lexicon === null ? undefined : decodeLexicon(await blob(lexicon), 'the lexicon'),
      kernels: chooseKernels({ name, threads }),
    });
    last = { key, speaker };
  }
  const { speaker } = last;
  const [file] = decodeFiles(await blob(input), 1);
  return answering(async () => {
    const { pcm, notes } = await speakWhole(speaker, file, how);
    return encodeAnswer({ notes }, { pcm });
  });
}
