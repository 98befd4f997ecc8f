import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { makeFolder } from '../../base/output.js';
import { readWholeFileSync, writeWholeFile } from '../../base/whole_file.js';
import { loadVoiceSync } from '../../model/voice/file.js';
import { voicePrecision } from '../../model/voice/network.js';
import { findVoice } from '../../model/voice/shipped.js';
import type { Provenance, Voice } from '../../model/voice/voice.js';

/** A voice that a run begins from. */
export interface Origin {
  readonly name: string;
  readonly voice: Voice;
  /** The file, and its hash in hexadecimal digits. */
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/**
 * @param from the name of a voice that ships, or a file
 * @throws {TtsError} what `findVoice` and `loadVoice` throw
 */
export function openOrigin(from: string): Origin {
  const { name, path } = findVoice(from);
  const voice = loadVoiceSync(path);
  const bytes = readWholeFileSync(path);
  return { name, voice, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** What stands in the provenance of a voice that was trained from this one. */
export function originProvenance({ name, sha256, voice }: Origin): NonNullable<Provenance['from']> {
  return { voice: name, sha256, provenance: voice.provenance };
}

/** What there is to say before the first step. */
export function originNotes({ name, voice }: Origin): string[] {
  const { corpus, steps } = voice.provenance;
  const precision = voicePrecision(voice);
  return [
    `begins from the voice ${name} (${corpus}, ${steps.toLocaleString('en-US')} steps)`,
    ...(precision === 'float32' ? [] : [`its weights are rounded to ${precision}`]),
  ];
}

/**
 * Sees to it that the folder of a run holds a copy of the voice that the run began from, as `from.safetensors`: the
 * file it was read from may change or go.
 * @throws {TtsError} ERR_CHECKPOINT when the folder holds a run that began from another voice, or from one where
 * `origin` is undefined; ERR_FILE_WRITE
 */
export async function keepOrigin(out: string, origin: Origin | undefined): Promise<void> {
  const path = join(out, 'from.safetensors');
  if (existsSync(path)) {
    if (origin && Buffer.compare(readWholeFileSync(path), origin.bytes) === 0) return;
    throw new TtsError(
      'ERR_CHECKPOINT',
      `${out} holds a run that began from the voice ${path}, now ` +
        `${origin ? `from another one, ${origin.name}` : 'from none'}; go on with --from ${path}, or give --out ` +
        'another folder',
    );
  }
  // Where there are checkpoints already, the run began without a voice, and the loop refuses to go on with one.
  if (!origin || existsSync(join(out, 'checkpoints'))) return;
  makeFolder(out);
  await writeWholeFile(path, origin.bytes);
}
