import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import type { Pronouncer } from '../../text/lexicon/pronouncer.js';
import type { Clip } from '../corpora/corpus.js';
import { alignmentOfTextGrid, type ClipAlignment } from './clip_alignment.js';
import { readTextGrid } from './textgrid.js';
import { transcriptOf } from './transcript.js';

/** A clip that has no alignment, and why, for people to read. */
export interface LeftOut {
  readonly id: string;
  readonly why: string;
}

/** The TextGrid of a clip in a folder, `FOLDER/ID.TextGrid` (or `.textgrid`); undefined if there is none. */
export function textGridPath(folder: string, id: string): string | undefined {
  return ['.TextGrid', '.textgrid'].map((ending) => join(folder, `${id}${ending}`)).find((path) => existsSync(path));
}

/**
 * Reads the alignments of clips from TextGrids, as `tts-prepare align` and the Montreal Forced Aligner write them. What
 * cannot be used is left out and named.
 *
 * @param clips with transcripts; no recording is opened
 * @param from a folder with `ID.TextGrid` for each clip; or what says where it is
 */
export async function readAlignments<One extends Pick<Clip, 'id' | 'text'>>(
  clips: readonly One[],
  from: string | ((clip: One) => string | undefined),
  { pronouncer }: { readonly pronouncer: Pronouncer },
): Promise<{ readonly alignments: ClipAlignment[]; readonly leftOut: LeftOut[] }> {
  const alignments: ClipAlignment[] = [];
  const leftOut: LeftOut[] = [];
  for (const clip of clips) {
    const { id, text } = clip;
    const path = typeof from === 'string' ? textGridPath(from, id) : from(clip);
    if (path === undefined) leftOut.push({ id, why: 'it has no TextGrid' });
    else if (text === undefined) leftOut.push({ id, why: 'it has no transcript' });
    else
      try {
        alignments.push(
          alignmentOfTextGrid(await readTextGrid(path), await transcriptOf(text, pronouncer), { id, name: path }),
        );
      } catch (error) {
        if (!(error instanceof TtsError)) throw error;
        leftOut.push({ id, why: error.message });
      }
  }
  return { alignments, leftOut };
}
