import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWholeFile } from '../../base/whole_file.js';
import type { PublicTest, PublicTrial, Session } from '../protocol.js';
import { AnswerStore, type Listener } from '../server/store.js';
import { planFor, type Trial } from './plan.js';
import { prepareStimuli, type Stimuli } from './stimuli.js';
import { type ListeningTest, openTestFolder } from './study_folder.js';

/** A test that is ready for listeners. */
export interface RunningTest {
  readonly test: ListeningTest;
  readonly stimuli: Stimuli;
  readonly store: AnswerStore;
  /** Opens the results. */
  readonly key: string;
  /** Answers are forgotten at the end, and everything may be skipped. */
  readonly preview: boolean;
  readonly plan: (slot: number) => Trial[];
}

/** The answers of a test lie here. */
export const answersPath = (folder: string): string => join(folder, 'answers.sqlite');

/**
 * Checks a folder, prepares its clips and opens its answers.
 * @throws {TtsError} ERR_LISTENING_TEST for what does not fit
 */
export async function startTest(
  folder: string,
  options: { preview?: boolean; onProgress?: (done: number, all: number) => void } = {},
): Promise<RunningTest> {
  const { preview = false, onProgress } = options;
  const test = openTestFolder(folder);
  const stimuli = await prepareStimuli(test, onProgress);
  // Where the folder lies is nobody's business who gets the answers.
  const store = AnswerStore.open(preview ? ':memory:' : answersPath(folder), fingerprintOf(test), {
    ...test,
    folder: undefined,
  });
  return { test, stimuli, store, preview, key: await resultsKey(folder), plan: (slot) => planFor(test, slot) };
}

/** Changes with whatever gives answers another meaning; wording and looks may change. */
function fingerprintOf({
  kind,
  systems,
  reference,
  clips,
  practice,
  pairs,
  trials,
  repetitions,
  noPreference,
  traps,
  anchors,
  loudness,
  sampleRate,
  seed,
}: ListeningTest): string {
  const meaning = {
    kind,
    systems,
    reference,
    clips,
    practice,
    pairs,
    trials,
    repetitions,
    noPreference,
    traps,
    anchors,
    loudness,
    sampleRate,
    seed,
  };
  return createHash('sha256').update(JSON.stringify(meaning)).digest('hex');
}

/** The key is made once and kept in the folder, for its owner's eyes only. */
async function resultsKey(folder: string): Promise<string> {
  const path = join(folder, 'results.key');
  if (!existsSync(path)) {
    await writeWholeFile(path, Buffer.from(`${randomBytes(18).toString('base64url')}\n`));
    await chmod(path, 0o600);
  }
  return readFileSync(path, 'utf8').trim();
}

/** What the page may know before there is a listener. */
export function publicTest({ test, preview }: RunningTest): PublicTest {
  const {
    title,
    kind,
    language,
    question,
    instructions,
    consent,
    contact,
    headphones,
    noPreference,
    forcePlay,
    forceRating,
  } = test;
  return {
    id: fingerprintOf(test).slice(0, 16),
    title,
    kind,
    language,
    question,
    instructions,
    consent,
    contact,
    headphones,
    noPreference,
    forcePlay,
    forceRating,
    preview,
  };
}

/** What a listener may know: nothing that tells systems apart. */
export function sessionOf(running: RunningTest, listener: Listener): Session {
  const { test, store } = running;
  return {
    trials: listener.plan.map((trial) => publicTrial(running, trial)),
    answers: Object.fromEntries(
      store
        .answers(listener.id)
        .map(({ trial, ratings, heard, seconds, done }) => [trial, { ratings, heard, seconds, done }]),
    ),
    headphones: listener.headphones,
    finished: listener.finished !== null,
    finish: test.finish,
  };
}

function publicTrial({ test, stimuli, preview }: RunningTest, { clip, signals, role }: Trial): PublicTrial {
  const trial = {
    practice: role === 'practice',
    clips: signals.length,
    reference: test.kind === 'mushra',
    aligned: stimuli.aligned(clip),
  };
  return preview ? { ...trial, signals } : trial;
}

/** The file behind a button of a trial; the reference comes after the clips. */
export function stimulusPath(
  { test, stimuli }: RunningTest,
  { clip, signals }: Trial,
  button: number,
): string | undefined {
  const signal = button === signals.length && test.kind === 'mushra' ? (test.reference as string) : signals[button];
  return signal === undefined ? undefined : stimuli.path(signal, clip);
}
