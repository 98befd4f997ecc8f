import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { makeFolder } from '../../base/output.js';
import { readWholeFile } from '../../base/whole_file.js';
import { alignCorpus, type CorpusAlignment } from '../../data/alignment/align_corpus.js';
import type { ClipAlignment } from '../../data/alignment/clip_alignment.js';
import { readAlignments, textGridPath } from '../../data/alignment/read.js';
import type { Clip } from '../../data/corpora/corpus.js';
import { decodeText, fieldsOf, linesOf } from '../../data/corpora/text.js';
import type { FeatureStore, StoredClip } from '../../data/store/feature_store.js';
import { readSealedJson, writeSealedJson } from '../../data/store/sealed.js';
import type { AcousticStatistics } from '../../model/acoustic/model.js';
import type { Lexicon } from '../../text/lexicon/own.js';
import type { Pronouncer } from '../../text/lexicon/pronouncer.js';
import { type AcousticData, acousticData } from './examples.js';
import { pitchOfClip } from './pitch_tracks.js';
import { readerLexicon } from './reader_lexicon.js';

export interface AcousticSources {
  readonly store: FeatureStore;
  /** The clips of the corpus, with transcripts. */
  readonly clips: readonly Clip[];
  /** Folder of the TextGrids of the clips; without it they are aligned: see `ownAlignments`. */
  readonly textGrids?: string;
  /** Folders of TextGrids of other readers, each with a metadata.csv. */
  readonly others: readonly string[];
  readonly pronouncer: Pronouncer;
  /** Folder that keeps alignments and pitch tracks. */
  readonly cacheDir: string;
  readonly threads: number;
  /** What numbers are standardised by; that of the clips to train on unless given. */
  readonly statistics?: AcousticStatistics;
  readonly onProgress?: (what: 'alignment' | 'alignments of others' | 'pitch', done: number, total: number) => void;
}

/**
 * Everything that an acoustic model is trained on: features, alignments and pitch of the reader, alignments of others;
 * and the reader's lexicon.
 * @throws {TtsError} ERR_CORPUS when there are no alignments of the reader; what `alignCorpus` throws
 */
export async function openAcousticData(
  sources: AcousticSources,
): Promise<AcousticData & { readonly lexicon: Lexicon }> {
  const { store, clips, textGrids, others, pronouncer, cacheDir, onProgress } = sources;
  if (textGrids !== undefined && !existsSync(textGrids))
    throw new TtsError('ERR_CORPUS', `there are no TextGrids in ${textGrids}, expected one for each clip`);
  const own =
    textGrids === undefined ? await ownAlignments(sources) : await readAlignments(clips, textGrids, { pronouncer });
  const lent: ClipAlignment[] = [];
  for (const folder of others) {
    const listed = await transcriptsOf(folder);
    for (let at = 0; at < listed.length; at += chunk) {
      lent.push(...(await readAlignments(listed.slice(at, at + chunk), folder, { pronouncer })).alignments);
      onProgress?.('alignments of others', Math.min(listed.length, at + chunk), listed.length);
    }
  }
  let done = 0;
  const total = store.train.length + store.validation.length;
  const pitch = async (clip: StoredClip) => {
    const track = await pitchOfClip(clip, store.settings, join(cacheDir, 'pitch'));
    onProgress?.('pitch', ++done, total);
    return track;
  };
  const data = await acousticData(store, own.alignments, lent, pitch, sources.statistics);
  const left = own.leftOut.map(({ id, why }) => `${id} is left out: ${why}`);
  const shown = left.length > 3 ? [...left.slice(0, 2), `… and ${left.length - 2} clips more are left out`] : left;
  const lexicon = await readerLexicon(own.alignments, pronouncer);
  return { ...data, lexicon, notes: [...data.notes, ...shown] };
}

/**
 * The alignments of a corpus: the TextGrids in the folder `textgrid` beside the recordings or beside their folder, and
 * for clips without one an alignment of our own. Kept in the cache, by the content of the clips.
 */
async function ownAlignments({
  store,
  clips,
  pronouncer,
  cacheDir,
  threads,
  onProgress,
}: AcousticSources): Promise<CorpusAlignment> {
  const textGridOf = ({ id, path, corpus }: Clip) => {
    const name = corpus === undefined ? id : id.slice(corpus.length + 1);
    const folders = [dirname(path), dirname(dirname(path))].map((folder) => join(folder, 'textgrid'));
    return folders.map((folder) => textGridPath(folder, name)).find((found) => found !== undefined);
  };
  const key = createHash('sha256').update(`${alignmentVersion} ${store.hash}`);
  for (const clip of clips) {
    const path = textGridOf(clip);
    key.update(clip.text ?? '').update(path === undefined ? 'none' : await readWholeFile(path));
  }
  const kept = join(cacheDir, `alignment-${key.digest('hex').slice(0, 16)}.json`);
  const known = (await readSealedJson(kept)) as CorpusAlignment | undefined;
  if (known !== undefined) return known;
  const usable = new Set([...store.train, ...store.validation].map(({ id }) => id));
  const found = await alignCorpus(
    clips.filter(({ id }) => usable.has(id)),
    {
      pronouncer,
      textGridOf,
      threads,
      onRound: (done, total) => onProgress?.('alignment', done, total),
    },
  );
  makeFolder(cacheDir);
  await writeSealedJson(kept, found);
  return found;
}

/** Goes into every key: raise it when the aligner would give other alignments. */
const alignmentVersion = 1;

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
