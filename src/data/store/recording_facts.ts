import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWholeFile } from '../../base/whole_file.js';

/** What is to be said of a recording, in a way that does not depend on its name. */
export interface RecordingFacts {
  /** Of the file, in Hz. */
  readonly rate: number;
  /** What is wrong with its level; see `LevelFault.what`. */
  readonly notes: readonly string[];
  /** Why it is left out, if it is. */
  readonly leftOut?: string;
}

/** Remembers the facts of recordings by their content, so that they are told each time and not only the first. */
export class FactsOfRecordings {
  private readonly path: string;
  private readonly entries: Record<string, RecordingFacts>;

  /** @param folder of a cache, for recordings that are made in one way */
  constructor(folder: string) {
    this.path = join(folder, 'recordings.json');
    this.entries = readEntries(this.path);
  }

  of(content: string): RecordingFacts | undefined {
    return Object.hasOwn(this.entries, content) ? this.entries[content] : undefined;
  }

  remember(content: string, facts: RecordingFacts): void {
    this.entries[content] = facts;
  }

  save(): Promise<void> {
    return writeWholeFile(this.path, Buffer.from(JSON.stringify(this.entries)));
  }
}

function readEntries(path: string): Record<string, RecordingFacts> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, RecordingFacts>;
  } catch {
    return {};
  }
}

/** So many files are named in a note. */
const mostNamed = 5;

/** What there is to say of a corpus: what is left out, doubtful levels, sample rates that differ. */
export function notesOf(
  recordings: readonly { readonly path: string; readonly facts?: RecordingFacts }[],
  sampleRate: number,
): string[] {
  const list = (all: readonly string[]) =>
    all.slice(0, mostNamed).join('; ') + (all.length > mostNamed ? `; and ${all.length - mostNamed} more` : '');
  const leftOut = recordings.flatMap(({ path, facts }) => (facts?.leftOut ? [`${path} ${facts.leftOut}`] : []));
  const doubtful = recordings.flatMap(({ path, facts }) => facts?.notes.map((what) => `${path} ${what}`) ?? []);
  const rates = new Map<number, number>();
  for (const { facts } of recordings) if (facts) rates.set(facts.rate, (rates.get(facts.rate) ?? 0) + 1);
  const counts = [...rates].sort(([a], [b]) => a - b).map(([rate, count]) => `${count} at ${rate} Hz`);
  return [
    ...(leftOut.length === 0
      ? []
      : [`${leftOut.length} of ${recordings.length} recordings are left out: ${list(leftOut)}`]),
    ...(doubtful.length === 0 ? [] : [`${doubtful.length} recordings to look at: ${list(doubtful)}`]),
    ...(rates.size < 2
      ? []
      : [`recordings have different sample rates, ${counts.join(', ')}; all are brought to ${sampleRate} Hz`]),
  ];
}
