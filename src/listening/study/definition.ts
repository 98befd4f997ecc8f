import { statSync } from 'node:fs';
import { join } from 'node:path';
import { isMap } from 'yaml';
import { z } from 'zod';
import { TtsError } from '../../base/errors.js';
import { readWholeFileSync } from '../../base/whole_file.js';
import { plainYaml, readYaml } from '../../base/yaml.js';
import { describeIssues } from '../../base/yaml_issues.js';
import type { Kind } from '../protocol.js';

/**
 * What is asked: `mos` absolute category rating, 1 to 5 (ITU-T P.800, annex B); `cmos` comparison category rating, -3
 * to 3 (P.800, annex E); `ab` which of two is preferred; `abx` which of two X is; `mushra` 0 to 100 beside a reference,
 * with hidden reference and anchors (ITU-R BS.1534-3).
 */
export const kinds = ['mos', 'cmos', 'ab', 'abx', 'mushra'] as const satisfies readonly Kind[];

/** In one of the ways in which Unicode writes the same letters: see `openStudyFolder`. */
const name = z
  .string()
  .min(1)
  .max(100)
  .transform((text) => text.normalize('NFC'));
const names = z.array(name).min(1);
const text = z.string().max(5000);
const share = z.number().min(0).max(1);

/** What test.yaml may contain. Every key is optional. */
const fileSchema = z.strictObject({
  title: z.string().min(1).max(200).optional(),
  /** Default: `mushra` if there is a reference, else `mos`. */
  kind: z.enum(kinds).optional(),
  /** Language of the texts below, as HTML names it. */
  language: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,35}$/, 'expected a language tag such as en')
    .optional(),
  /** Paragraphs, separated by empty lines. */
  instructions: text.optional(),
  consent: text.optional(),
  contact: z.string().max(200).optional(),
  question: z.string().max(500).optional(),
  /** Folders of systems/ that take part; default all of them. */
  systems: names.optional(),
  /** The system that is the original; default `reference` if there is one. */
  reference: name.optional(),
  /** File names without their endings; default all of them. */
  clips: names.optional(),
  /** Clips that are heard first and do not count; default the first clip. With an empty list there is no practice. */
  practice: z.array(name).max(10).optional(),
  /** Trials for each listener, not counting practice and traps; default one for each question. */
  trials: z.int().min(1).max(1000).optional(),
  /** The pairs that cmos, ab and abx compare; default every pair of systems. */
  pairs: z
    .array(z.tuple([name, name]))
    .min(1)
    .optional(),
  /** How often a listener gets each question. */
  repetitions: z.int().min(1).max(50).optional(),
  /** Whether ab offers "no preference". */
  noPreference: z.boolean().optional(),
  /** How many questions with an obvious answer each listener gets. A MUSHRA test has its anchors instead. */
  traps: z.int().min(0).max(10).optional(),
  /** Cut-off frequencies of the anchors of a MUSHRA test, in Hz. */
  anchors: z.array(z.number().min(100).max(20000)).max(4).optional(),
  /** The loudness that all clips are given, in LUFS, or off. */
  loudness: z
    .union([z.number().min(-60).max(-10), z.literal('off')], { error: 'expected LUFS from -60 to -10, or off' })
    .optional(),
  /** The sample rate that all clips are given, in Hz; without it they must agree. */
  sampleRate: z.int().min(8000).max(96000).optional(),
  /** Shortest and longest clip that is accepted, in seconds. */
  duration: z
    .strictObject({ min: z.number().min(0.5).max(600).optional(), max: z.number().min(0.5).max(600).optional() })
    .optional(),
  /** Share of each clip that listeners must hear before they can go on. */
  forcePlay: share.optional(),
  /** Whether listeners must rate every clip before they can go on. */
  forceRating: z.boolean().optional(),
  /** The headphone check: whether there is one, and whether failing it ends the test. */
  headphones: z.enum(['off', 'record', 'require']).optional(),
  /** All random choices are a function of this number and of the listener's place in the plan. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 31)
    .optional(),
  /** What is shown at the end, and where a link leads from there, such as back to a panel provider. */
  finish: z.strictObject({ message: text.optional(), url: z.url({ protocol: /^https?$/ }).optional() }).optional(),
});

export type StudyFile = z.infer<typeof fileSchema>;

/**
 * Settings with their defaults, which depend on the kind. Systems and clips come from the folder: see
 * `openStudyFolder`.
 */
export interface StudySettings {
  readonly title: string;
  readonly kind: Kind;
  readonly language: string;
  readonly instructions: string;
  readonly consent: string;
  readonly contact: string | null;
  readonly question: string;
  readonly trials: number | null;
  readonly repetitions: number;
  readonly noPreference: boolean;
  readonly traps: number;
  readonly anchors: readonly number[];
  readonly loudness: number | 'off';
  readonly sampleRate: number | null;
  readonly duration: { readonly min: number; readonly max: number };
  readonly forcePlay: number;
  readonly forceRating: boolean;
  readonly headphones: 'off' | 'record' | 'require';
  readonly seed: number;
  readonly finish: { readonly message: string; readonly url: string | null };
}

const questions: Record<Kind, string> = {
  mos: 'How good does this speech sound?',
  cmos: 'How does B sound compared with A?',
  ab: 'Which one do you prefer?',
  abx: 'Is X the same as A or as B?',
  mushra: 'How good is each clip compared with the reference?',
};

const instructions: Record<Kind, string> = {
  mos:
    'You will hear short clips of speech, one at a time. Listen to the end and say how good the speech sounds ' +
    'to you, from bad to excellent.',
  cmos: 'You will hear the same sentence twice, as A and as B. Say how B sounds compared with A.',
  ab: 'You will hear the same sentence twice, as A and as B. Say which one you prefer.',
  abx: 'You will hear three clips, A, B and X. X is the same as either A or B: say which.',
  mushra:
    'You will hear several versions of the same clip beside a reference. Rate each version by how close its ' +
    'quality comes to that of the reference. One of the versions is the reference itself and should get 100; others ' +
    'may be much worse. Switch between them as often as you like: the sound carries on at the same place.',
};

const defaultConsent =
  'Your answers are stored without your name, and are used to compare speech systems. Taking part is voluntary: ' +
  'you can stop at any time by closing this page.';

/**
 * Reads the `test.yaml` of a folder; without one the result is an empty object.
 * @throws {TtsError} ERR_LISTENING_TEST: what was wrong, and what was expected
 */
export function readStudyFile(folder: string): StudyFile {
  const path = join(folder, 'test.yaml');
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return {};
  // A pipe of that name would be waited for.
  if (!status.isFile()) throw new TtsError('ERR_LISTENING_TEST', `${path} is no file; expected a file of YAML`);
  const { document, lines } = readYaml(readWholeFileSync(path), path, 'ERR_LISTENING_TEST');
  if (document.contents === null) return {};
  if (!isMap(document.contents))
    throw new TtsError('ERR_LISTENING_TEST', `${path}: expected keys and values, such as "kind: mushra"`);
  const result = fileSchema.safeParse(plainYaml(document, path, 'ERR_LISTENING_TEST'));
  if (result.success) return result.data;
  throw new TtsError(
    'ERR_LISTENING_TEST',
    `${path}: ${describeIssues(result.error.issues, fileSchema, document, lines)}`,
  );
}

/** Fills in the defaults. */
export function settle(file: StudyFile, kind: Kind): StudySettings {
  const aligned = kind === 'mushra' || kind === 'abx';
  return {
    title: file.title ?? 'Listening test',
    kind,
    language: file.language ?? 'en',
    instructions: file.instructions ?? instructions[kind],
    consent: file.consent ?? defaultConsent,
    contact: file.contact ?? null,
    question: file.question ?? questions[kind],
    trials: file.trials ?? null,
    repetitions: file.repetitions ?? 1,
    noPreference: file.noPreference ?? false,
    traps: kind === 'mushra' ? 0 : (file.traps ?? 1),
    anchors: kind === 'mushra' ? (file.anchors ?? [3500, 7000]) : [],
    loudness: file.loudness ?? -23,
    sampleRate: file.sampleRate ?? null,
    // BS.1534-3, 5.1: about 10 s, preferably not more than 12 s.
    duration: { min: file.duration?.min ?? 0.5, max: file.duration?.max ?? (kind === 'mushra' ? 12 : 30) },
    forcePlay: file.forcePlay ?? (aligned ? 0.2 : 0.95),
    forceRating: file.forceRating ?? true,
    headphones: file.headphones ?? 'record',
    seed: file.seed ?? 1,
    finish: {
      message: file.finish?.message ?? 'You have reached the end. Thank you for listening!',
      url: file.finish?.url ?? null,
    },
  };
}
