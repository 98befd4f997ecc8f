import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromInt16 } from '../../audio/audio.js';
import type { MelSettings } from '../../audio/mel_settings.js';
import { makeFolder } from '../../base/output.js';
import { writeWholeFile } from '../../base/whole_file.js';
import type { StoredClip } from '../../data/store/feature_store.js';
import { trackPitch } from '../../evaluation/pitch.js';

/** Goes into every key: raise it when the same audio would give other tracks. */
const version = 1;
const sealBytes = 32;

/**
 * The fundamental frequency of each frame of a clip in Hz, 0 without a voice; see `trackPitch`. Tracks are kept in a
 * folder by the content of the clip: tracking takes a fiftieth of its length.
 */
export async function pitchOfClip(
  clip: StoredClip,
  { sampleRate, hop }: MelSettings,
  folder: string,
): Promise<Float32Array> {
  const pcm = clip.pcm(0, clip.samples);
  const key = createHash('sha256')
    .update(`pitch ${version} ${sampleRate} ${hop}`)
    .update(new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength))
    .digest('hex');
  const path = join(folder, `${key}.pitch`);
  const kept = await readFile(path).catch(() => undefined);
  if (kept?.length === 4 * clip.frames + sealBytes) {
    const track = new Uint8Array(kept.subarray(0, -sealBytes));
    if (sealOf(track).equals(kept.subarray(-sealBytes))) return new Float32Array(track.buffer);
  }
  // A frame's middle is half a hop further on than where a track has its own.
  const found = trackPitch(fromInt16(pcm).subarray(hop >> 1), sampleRate, hop);
  const track = Float32Array.from({ length: clip.frames }, (_, frame) => found[Math.min(found.length - 1, frame)]);
  makeFolder(folder);
  const bytes = new Uint8Array(track.buffer);
  await writeWholeFile(path, [bytes, sealOf(bytes)]);
  return track;
}

const sealOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
