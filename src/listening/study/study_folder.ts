import { readdirSync, statSync } from 'node:fs';
import { join, parse } from 'node:path';
import { TtsError } from '../../base/errors.js';
import type { Kind } from '../protocol.js';
import { readStudyFile, settle, type StudyFile, type StudySettings } from './definition.js';
import { trapSignal } from './signals.js';

/** A study as its folder describes it: every system has every clip. Nothing has been decoded yet. */
export interface Study extends StudySettings {
  readonly folder: string;
  /** Names of the systems; the reference is one of them. */
  readonly systems: readonly string[];
  readonly reference: string | null;
  readonly clips: readonly string[];
  readonly practice: readonly string[];
  /** What cmos, ab and abx compare; empty for the other kinds. */
  readonly pairs: readonly (readonly [string, string])[];
  /** Path of the recording of a clip by a system. */
  readonly path: (system: string, clip: string) => string;
}

const recordings = ['.wav', '.flac', '.mp3', '.ogg'];
const fail = (message: string): never => {
  throw new TtsError('ERR_LISTENING_TEST', message);
};

/**
 * Reads a folder with `systems/NAME/CLIP.wav` (or FLAC, MP3, Ogg) and, if there is one, `test.yaml`.
 * @throws {TtsError} ERR_LISTENING_TEST, naming what is missing
 */
export function openStudyFolder(folder: string): Study {
  const root = join(folder, 'systems');
  if (!isFolder(root))
    fail(`${folder} has no folder systems; expected systems/NAME/CLIP.wav, a folder for each system`);
  const file = readStudyFile(folder);
  const folders = systemFolders(root);
  const present = [...folders.keys()].sort();
  if (present.length === 0) fail(`${root} has no folders; expected one for each system`);
  const known = file.systems ?? present;
  const reference =
    file.reference ??
    ((known.includes('reference') || file.kind === 'mushra') && present.includes('reference') ? 'reference' : null);
  const kind: Kind = file.kind ?? (reference === null ? 'mos' : 'mushra');
  if (kind === 'mushra' && reference === null)
    fail(`a MUSHRA test needs a reference; expected systems/reference, or its name as reference in test.yaml`);
  const systems = chosen(file, present, kind, reference);

  const files = new Map(systems.map((system) => [system, clipFiles(folders.get(system) as string)]));
  const clips = file.clips ?? commonClips(files);
  const practice = file.practice ?? clips.slice(0, 1);
  for (const clip of [...clips, ...practice]) {
    const without = systems.find((system) => !files.get(system)?.has(clip));
    if (without !== undefined) fail(`system ${without} has no clip ${clip}; expected ${join(root, without, clip)}.wav`);
  }
  if (new Set(clips).size < clips.length) fail('clips in test.yaml names a clip twice');
  return {
    ...settle(file, kind),
    folder,
    systems,
    reference,
    clips,
    practice,
    pairs: kind === 'mos' || kind === 'mushra' ? [] : comparedPairs(file, systems),
    path: (system, clip) => files.get(system)?.get(clip) ?? fail(`system ${system} has no clip ${clip}`),
  };
}

function chosen(file: StudyFile, present: readonly string[], kind: Kind, reference: string | null): string[] {
  const systems = [...new Set(file.systems ?? present)];
  if (kind === 'mushra' && reference !== null && !systems.includes(reference)) systems.unshift(reference);
  for (const system of [...systems, ...(reference === null ? [] : [reference])]) {
    if (!present.includes(system)) fail(`there is no system ${system}; systems/ has ${present.join(', ')}`);
  }
  if (reference !== null && !systems.includes(reference))
    fail(`the reference ${reference} is not among the systems: ${systems.join(', ')}`);
  const least = kind === 'mos' ? 1 : 2;
  if (systems.length < least)
    fail(
      `a test of kind ${kind} needs at least ${least} ` +
        `systems${kind === 'mushra' ? ', the reference among them' : ''}; systems/ has ${present.join(', ')}`,
    );
  const taken = systems.find((system) => system === trapSignal || system.startsWith('anchor-'));
  if (taken !== undefined)
    fail(`systems/${taken} has a name that the tool gives to signals of its own; rename the folder`);
  const signals = systems.length + (file.anchors?.length ?? 2);
  // BS.1534-3, 5.3.
  if (kind === 'mushra' && signals > 12)
    fail(
      `${signals} signals in a trial (with hidden reference and anchors); BS.1534-3 allows 12: list fewer ` +
        'under systems in test.yaml',
    );
  return systems;
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** What is in a folder, apart from hidden files. */
function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((entry) => !entry.startsWith('.'))
      .sort();
  } catch (error) {
    return fail(`${folder} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/**
 * A name as test.yaml and reports have it. Systems write the same letters in several ways (ü as one character or as u
 * and two dots), and files that look alike must count as alike.
 */
function nameOf(path: string, name: string): string {
  // Bytes that are not UTF-8 come as U+FFFD, and nothing has the name that then results.
  if (/[\p{Cc}\u2028\u2029\ufffd]/u.test(name))
    fail(`${JSON.stringify(path)} has a name with control characters, or one that is not UTF-8; rename it`);
  return name.normalize('NFC');
}

/** The paths of the folders in systems/, by name. */
function systemFolders(root: string): Map<string, string> {
  const folders = new Map<string, string>();
  for (const entry of entries(root)) {
    const path = join(root, entry);
    if (!isFolder(path)) continue;
    const name = nameOf(path, entry);
    if (folders.has(name)) fail(`${root} has two folders that are called ${name}; rename one`);
    folders.set(name, path);
  }
  return folders;
}

/** The recordings in a folder: their paths by name without ending. */
function clipFiles(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of entries(folder)) {
    const { name: plain, ext } = parse(entry);
    if (!recordings.includes(ext.toLowerCase())) continue;
    const path = join(folder, entry);
    const name = nameOf(path, plain);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile())
      fail(`${path} is no file (a folder, a pipe, or a link that leads nowhere); expected a recording`);
    if (files.has(name))
      fail(`${folder} has the clip ${name} twice: ${parse(files.get(name) as string).base} and ${entry}`);
    files.set(name, path);
  }
  if (files.size === 0) fail(`${folder} has no recordings; expected ${recordings.join(', ')}`);
  return files;
}

function commonClips(files: ReadonlyMap<string, ReadonlyMap<string, string>>): string[] {
  const all = [...new Set([...files.values()].flatMap((clips) => [...clips.keys()]))].sort();
  for (const [system, clips] of files) {
    const missing = all.filter((clip) => !clips.has(clip));
    if (missing.length > 0)
      fail(
        `system ${system} lacks ` +
          `${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ` and ${missing.length - 3} more` : ''}; ` +
          'expected the same clips in every system, or a list under clips in test.yaml',
      );
  }
  return all;
}

function comparedPairs(file: StudyFile, systems: readonly string[]): (readonly [string, string])[] {
  const pairs = file.pairs ?? systems.flatMap((a, i) => systems.slice(i + 1).map((b) => [a, b] as const));
  for (const [a, b] of pairs) {
    if (a === b) fail(`pairs in test.yaml compares ${a} with itself`);
    for (const system of [a, b])
      if (!systems.includes(system)) fail(`pairs in test.yaml names ${system}; the systems are ${systems.join(', ')}`);
  }
  return pairs;
}
