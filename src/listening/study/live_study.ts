import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { PublicStudy, PublicTrial, Session } from '../protocol.js';
import type { Listener } from '../server/records.js';
import { AnswerStore } from '../server/store.js';
import { planFor, type Trial } from './plan.js';
import { resultsKey } from './results_key.js';
import { type PreparedFile, prepareStimuli, type Stimuli } from './stimuli.js';
import { openStudyFolder, type Study } from './study_folder.js';

/** A study that is ready for listeners. */
export interface LiveStudy {
  readonly study: Study;
  readonly stimuli: Stimuli;
  readonly store: AnswerStore;
  /** The password of the results. */
  readonly key: string;
  /** A preview does not keep its answers, and lets listeners skip everything. */
  readonly preview: boolean;
  readonly plan: (slot: number) => Trial[];
  /** Where the answers are; `:memory:` in a preview. */
  readonly answers: string;
  /** Told what the experimenter should know, such as damage that was found, while the study runs too. */
  readonly onNote: (note: string) => void;
}

/** The file with the answers to a study. */
export const answersPath = (folder: string): string => join(folder, 'answers.sqlite');

/**
 * Checks a folder, prepares its clips and opens its answers.
 * @throws {TtsError} ERR_LISTENING_TEST when something in the folder does not fit
 */
export async function startStudy(
  folder: string,
  options: {
    preview?: boolean;
    onProgress?: (done: number, all: number) => void;
    onNote?: (note: string) => void;
  } = {},
): Promise<LiveStudy> {
  const { preview = false, onProgress, onNote = () => undefined } = options;
  const study = openStudyFolder(folder);
  const key = resultsKey(folder, onNote);
  const stimuli = await prepareStimuli(study, onProgress);
  for (const note of stimuli.notes) onNote(note);
  const plan = (slot: number) => planFor(study, slot);
  const answers = preview ? ':memory:' : answersPath(folder);
  // Whoever gets the answers need not learn where the folder was.
  const settings = { ...study, folder: undefined };
  const store = AnswerStore.open(answers, fingerprintOf(study), settings, { planFor: plan, onNote });
  return { study, stimuli, store, answers, preview, key, plan, onNote };
}

/** Changes with everything that gives answers another meaning, but not with wording and looks. */
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
}: Study): string {
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

/** What the page may know before anybody takes part. */
export function publicStudy({ study, preview }: LiveStudy): PublicStudy {
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
  } = study;
  return {
    id: fingerprintOf(study).slice(0, 16),
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

/** What a listener may know: nothing that says which system is which. */
export function sessionOf(live: LiveStudy, listener: Listener): Session {
  const { study, store } = live;
  return {
    trials: listener.plan.map((trial) => publicTrial(live, trial)),
    answers: Object.fromEntries(
      store
        .answers(listener.id)
        .map(({ trial, ratings, heard, seconds, done }) => [trial, { ratings, heard, seconds, done }]),
    ),
    headphones: listener.headphones,
    finished: listener.finished !== null,
    finish: study.finish,
  };
}

function publicTrial({ study, stimuli, preview }: LiveStudy, { clip, signals, role }: Trial): PublicTrial {
  const trial = {
    practice: role === 'practice',
    clips: signals.length,
    reference: study.kind === 'mushra',
    aligned: stimuli.aligned(clip),
  };
  return preview ? { ...trial, signals } : trial;
}

/** The file behind a button of a trial; the reference is the last button. */
export function stimulusFile(
  { study, stimuli }: LiveStudy,
  { clip, signals }: Trial,
  button: number,
): PreparedFile | undefined {
  const signal = button === signals.length && study.kind === 'mushra' ? (study.reference as string) : signals[button];
  return signal === undefined ? undefined : stimuli.file(signal, clip);
}
