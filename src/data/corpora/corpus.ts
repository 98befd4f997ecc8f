import { readFile, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { audioExtensions as readable } from '../../audio/read.js';
import { TtsError } from '../../base/errors.js';
import { listFolder } from './files.js';
import { decodeText, fieldsOf, linesOf, sameName } from './text.js';

/** One recording of a corpus. */
export interface Clip {
  /**
   * Names the clip for good: the split and the logs use it. Subfolders are joined with '/', accents are written as NFC.
   */
  readonly id: string;
  /** Absolute path of the recording. */
  readonly path: string;
  /** The corpus that it comes from, in one that was made of several: the id begins with it and a '/'. */
  readonly corpus?: string;
  /** What is said, with numbers spelled out where the corpus has that. */
  readonly text?: string;
}

/** Recordings of one voice, in ascending order of id. */
export interface Corpus {
  readonly name: string;
  readonly clips: readonly Clip[];
  /** What was left out of the folder, for people to read. */
  readonly notes?: readonly string[];
}

/** A corpus with what does not fit together in its folder; everything in ascending order. */
export interface CorpusSurvey extends Corpus {
  /** Ids that `metadata.csv` names and that have no recording. */
  readonly missing: readonly string[];
  /** Recordings that `metadata.csv` does not name. */
  readonly unlisted: readonly string[];
  /** Without `metadata.csv`: texts that have no recording. */
  readonly textsAlone: readonly string[];
  /** Folders of runs, whose samples are no recordings. */
  readonly runs: readonly string[];
}

const unreadable = [
  ...[
    '.m4a',
    '.aac',
    '.opus',
    '.wma',
    '.aiff',
    '.aif',
    '.aifc',
    '.mp4',
    '.webm',
    '.mkv',
    '.amr',
    '.caf',
    '.au',
    '.snd',
  ],
  ...['.w64', '.rf64', '.wv', '.ape', '.tta', '.sph', '.raw', '.pcm'],
];

const withoutExtension = (path: string) => path.slice(0, path.length - extname(path).length);
const byId = (a: Clip, b: Clip) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/**
 * Maps path without extension, as `sameName` writes it, → path, for the recordings among `files`. Two recordings with
 * one name map to both.
 */
function recordingsByStem(files: readonly string[]): Map<string, string[]> {
  const stems = new Map<string, string[]>();
  for (const path of files) {
    if (!readable.includes(extname(path).toLowerCase())) continue;
    const stem = sameName(withoutExtension(path));
    stems.set(stem, [...(stems.get(stem) ?? []), path]);
  }
  return stems;
}

function onlyOne(dir: string, id: string, paths: readonly string[]): string {
  if (paths.length > 1) {
    throw new TtsError(
      'ERR_CORPUS',
      `${dir} has ${paths.length} recordings named ${id} (${[...paths].sort().join(', ')}), expected one; ` +
        'remove or rename the others',
    );
  }
  return join(dir, paths[0]);
}

type Found = Omit<CorpusSurvey, 'name' | 'runs'>;

/**
 * Reads `metadata.csv`: lines `id|transcript` or `id|transcript|normalised transcript`, as LJSpeech has them, or with
 * quoted fields; see `decodeText` and `fieldsOf`.
 */
async function surveyMetadata(dir: string, files: readonly string[]): Promise<Found> {
  const file = join(dir, 'metadata.csv');
  const lines = linesOf(decodeText(await readFile(file), file));
  const recordings = recordingsByStem(files);
  const clips = new Map<string, Clip>();
  const missing: string[] = [];
  const used = new Set<string>();
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const [name, transcript, normalised] = fieldsOf(line);
    if (transcript === undefined || name === '') {
      throw new TtsError(
        'ERR_CORPUS',
        `${file}, line ${index + 1}, is "${line.slice(0, 60)}", expected "id|transcript" as in LJSpeech`,
      );
    }
    const id = sameName(readable.includes(extname(name).toLowerCase()) ? withoutExtension(name) : name);
    if (clips.has(id))
      throw new TtsError(
        'ERR_CORPUS',
        `${file}, line ${index + 1}, names ${id} a second time, expected each clip once`,
      );
    const paths = recordings.get(`wavs/${id}`) ?? recordings.get(id);
    if (paths === undefined) missing.push(id);
    else {
      used.add(paths[0]);
      clips.set(id, { id, path: onlyOne(dir, id, paths), text: normalised || transcript || undefined });
    }
  }
  if (clips.size + missing.length === 0)
    throw new TtsError('ERR_CORPUS', `${file} names no recording, expected lines "id|transcript"`);
  const unlisted = [...recordings.values()].flat().filter((path) => !used.has(path));
  return { clips: [...clips.values()].sort(byId), missing: missing.sort(), unlisted: unlisted.sort(), textsAlone: [] };
}

async function surveyFolder(dir: string, files: readonly string[]): Promise<Found> {
  const transcripts = new Map(
    files
      .filter((path) => extname(path).toLowerCase() === '.txt')
      .map((path) => [sameName(withoutExtension(path)), path]),
  );
  const clips: Clip[] = [];
  for (const [id, paths] of recordingsByStem(files)) {
    const path = onlyOne(dir, id, paths);
    const transcript = transcripts.get(id);
    const text = transcript === undefined ? '' : await textOf(join(dir, transcript));
    clips.push({ id, path, ...(text === '' ? {} : { text }) });
  }
  if (clips.length === 0) {
    const others = files.filter((path) => unreadable.includes(extname(path).toLowerCase()));
    const found =
      others.length > 0
        ? `${others.length} recordings in formats that cannot be read (the first is ` +
          `${others[0]}; convert them to FLAC or WAV)`
        : `${files.length} files, none of them a recording`;
    throw new TtsError(
      'ERR_CORPUS',
      `${dir} has ${found}; expected files ending in ${readable.join(', ')}, or ` +
        'metadata.csv and a folder wavs as in LJSpeech',
    );
  }
  const ids = new Set(clips.map(({ id }) => id));
  const textsAlone = [...transcripts].flatMap(([stem, path]) => (ids.has(stem) ? [] : [path])).sort();
  return { clips: clips.sort(byId), missing: [], unlisted: [], textsAlone };
}

const textOf = async (path: string) => decodeText(await readFile(path), path).trim();

/**
 * Opens a corpus: a folder like LJSpeech's (`metadata.csv`, recordings in `wavs/` or beside it, in any readable
 * format), else any folder of recordings, subfolders included (ids are relative paths without extension; `clip.txt`
 * beside `clip.wav` is its transcript). Nothing is decoded here. Throws ERR_CORPUS for a folder that is missing, has no
 * readable recordings, or lacks some that its metadata names.
 */
export async function openCorpus(dir: string): Promise<Corpus> {
  const { name, clips, missing, runs, unlisted } = await surveyCorpus(dir);
  if (missing.length > 0) {
    const root = resolve(dir);
    throw new TtsError(
      'ERR_CORPUS',
      `${missing.length} of the ${missing.length + clips.length} recordings that ${join(root, 'metadata.csv')} names ` +
        `are missing; the first is ${missing[0]}, expected as ${join(root, 'wavs', `${missing[0]}.wav`)} (or ` +
        `${readable.slice(1).join(', ')}, or beside metadata.csv)`,
    );
  }
  const notes = [
    ...(runs.length === 0 ? [] : [runsNote(dir, runs)]),
    ...(unlisted.length === 0 ? [] : [unlistedNote(dir, unlisted)]),
    ...namesakes(clips).map((folder) => namesakesNote(dir, folder)),
  ];
  return notes.length === 0 ? { name, clips } : { name, clips, notes };
}

const unlistedNote = (dir: string, [first, ...others]: readonly string[]): string =>
  `${join(dir, 'metadata.csv')} does not name ${first}` +
  (others.length === 0
    ? ', which is left out'
    : ` and ${others.length} other recording${others.length === 1 ? '' : 's'}, which are left out`);

/**
 * Folders whose every recording has the name of one in the folder above. That is how `tts-synth recordings
 * recordings/spoken` leaves a folder.
 */
function namesakes(clips: readonly Pick<Clip, 'id'>[]): string[] {
  const names = new Map<string, Set<string>>();
  for (const { id } of clips) {
    const folder = id.slice(0, Math.max(0, id.lastIndexOf('/')));
    names.set(folder, (names.get(folder) ?? new Set()).add(basename(id)));
  }
  return [...names.keys()].filter((folder) => {
    const above = names.get(folder.slice(0, Math.max(0, folder.lastIndexOf('/'))));
    return folder !== '' && above !== undefined && [...names.get(folder)!].every((name) => above.has(name));
  });
}

/** What there is to say of such a folder. */
const namesakesNote = (dir: string, folder: string): string =>
  `every recording in ${join(dir, folder)} has the name of one in the folder above: if a voice has spoken them, move them ` +
  'elsewhere, or it is trained on its own speech';

/** What there is to say of folders of runs that lie among recordings. */
export const runsNote = (dir: string, runs: readonly string[]): string =>
  `${dir} holds ${runs.length === 1 ? 'a run' : `${runs.length} runs`} of tts-train (${runs.join(', ')}): what a voice has ` +
  'spoken there is no recording and is left out';

/** As `openCorpus`, but recordings that are missing are listed, with all else that is no part of the corpus. */
export async function surveyCorpus(dir: string): Promise<CorpusSurvey> {
  const root = resolve(dir);
  const found = await stat(root).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new TtsError(
      'ERR_CORPUS',
      `${dir} ${found ? 'is a file' : 'does not exist'}, expected a folder of recordings, or one like ` +
        `LJSpeech's with metadata.csv and wavs`,
    );
  }
  const { files, runs, unreadableNames } = await listFolder(root);
  const unnamed = unreadableNames.filter(
    (name) => readable.includes(extname(name).toLowerCase()) || name.endsWith('/'),
  );
  if (unnamed.length > 0)
    throw new TtsError(
      'ERR_CORPUS',
      `${dir} has ${unnamed.length} ${unnamed.length === 1 ? 'name that is' : 'names that are'} not UTF-8, the first is ` +
        `${unnamed[0]}; rename ${unnamed.length === 1 ? 'it' : 'them'}, such as with convmv -f ISO-8859-1 -t UTF-8 -r --notest`,
    );
  const survey = files.includes('metadata.csv') ? await surveyMetadata(root, files) : await surveyFolder(root, files);
  return { name: basename(root), ...survey, runs };
}
