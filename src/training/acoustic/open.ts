import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { readWholeFile } from '../../base/whole_file.js';
import type { ClipAlignment } from '../../data/alignment/clip_alignment.js';
import { readAlignments } from '../../data/alignment/read.js';
import type { Clip } from '../../data/corpora/corpus.js';
import { decodeText, fieldsOf, linesOf } from '../../data/corpora/text.js';
import type { FeatureStore } from '../../data/store/feature_store.js';
import type { Pronouncer } from '../../text/lexicon/pronouncer.js';
import { type AcousticData, acousticData } from './examples.js';
import { pitchOfClip } from './pitch_tracks.js';

export interface AcousticSources {
  readonly store: FeatureStore;
  /** The clips of the corpus, with transcripts. */
  readonly clips: readonly Clip[];
  /** Folder of the TextGrids of the clips. */
  readonly textGrids: string;
  /** Folders of TextGrids of other readers, each with a metadata.csv. */
  readonly others: readonly string[];
  readonly pronouncer: Pronouncer;
  /** Folder that keeps pitch tracks. */
  readonly cacheDir: string;
  readonly onProgress?: (what: 'alignments' | 'pitch', done: number, total: number) => void;
}

/**
 * Everything that an acoustic model is trained on: features, alignments and pitch of the reader, alignments of others.
 * @throws {TtsError} ERR_CORPUS when there are no alignments of the reader; what `readAlignments` throws
 */
export async function openAcousticData({
  store,
  clips,
  textGrids,
  others,
  pronouncer,
  cacheDir,
  onProgress,
}: AcousticSources): Promise<AcousticData> {
  if (!existsSync(textGrids))
    throw new TtsError('ERR_CORPUS', `there are no TextGrids in ${textGrids}, expected one for each clip`);
  const own = await readAlignments(clips, textGrids, { pronouncer });
  const lent: ClipAlignment[] = [];
  for (const folder of others) {
    const listed = await transcriptsOf(folder);
    for (let at = 0; at < listed.length; at += chunk) {
      lent.push(...(await readAlignments(listed.slice(at, at + chunk), folder, { pronouncer })).alignments);
      onProgress?.('alignments', Math.min(listed.length, at + chunk), listed.length);
    }
  }
  let done = 0;
  const total = store.train.length + store.validation.length;
  const data = await acousticData(store, own.alignments, lent, async (clip) => {
    const pitch = await pitchOfClip(clip, store.settings, join(cacheDir, 'pitch'));
    onProgress?.('pitch', ++done, total);
    return pitch;
  });
  const left = own.leftOut.map(({ id, why }) => `${id} is left out: ${why}`);
  const shown = left.length > 3 ? [...left.slice(0, 2), `… and ${left.length - 2} clips more are left out`] : left;
  return { ...data, notes: [...data.notes, ...shown] };
}

/** Clips whose alignments are read between two reports. */
const chunk = 200;

/** The clips that a `metadata.csv` names: `id|text` or `id|text|normalised text`, the last one counts. */
async function transcriptsOf(folder: string): Promise<Pick<Clip, 'id' | 'text'>[]> {
  const path = join(folder, 'metadata.csv');
  if (!existsSync(path))
    throw new TtsError(
      'ERR_CORPUS',
      `${folder} has no metadata.csv, expected one with the transcripts of its TextGrids`,
    );
  return linesOf(decodeText(Buffer.from(await readWholeFile(path)), path))
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [id, ...texts] = fieldsOf(line);
      return { id, text: texts[texts.length - 1] };
    });
}
