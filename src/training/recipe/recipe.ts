import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, isMap, isScalar, isSeq, parse } from 'yaml';
import type { z } from 'zod';
import type { MelSettings } from '../../audio/mel_settings.js';
import { melPresets } from '../../audio/presets.js';
import { TtsError } from '../../base/errors.js';
import { readWholeFileSync } from '../../base/whole_file.js';
import { plainYaml, readYaml } from '../../base/yaml.js';
import { describeIssues, nearest } from '../../base/yaml_issues.js';
import { kernelShapes } from '../../kernels/interface/blocks.js';
import { loadAcousticSync } from '../../model/acoustic/file.js';
import { findAcoustic } from '../../model/acoustic/shipped.js';
import { loadVoiceSync } from '../../model/voice/file.js';
import { findVoice } from '../../model/voice/shipped.js';
import type { WaveRnnConfig } from '../../model/wavernn/config.js';
import { acousticConfigOf, type AcousticRecipeFile, acousticRecipeSchema } from './acoustic_schema.js';
import {
  type ClassifierRecipe,
  classifierRecipeSchema,
  type EvolvedRecipe,
  evolvedRecipeSchema,
} from './classifier_schema.js';
import { applyAcoustic, applyVoice, checkFits } from './from_voice.js';
import { acousticPartSettings, partSettings } from './parts.js';
import { type RecipeFile, recipeSchema } from './vocoder_schema.js';

/** A vocoder's recipe that passed the schema, with the feature preset looked up. Plain data, fit for JSON. */
export interface Recipe extends Omit<RecipeFile, 'features'> {
  readonly features: MelSettings;
}

/** An acoustic model's recipe that passed the schema, with the feature preset looked up. */
export interface AcousticRecipe extends Omit<AcousticRecipeFile, 'features'> {
  readonly features: MelSettings;
}

/** A recipe of any task; `task` tells which. */
export type AnyRecipe = Recipe | AcousticRecipe | ClassifierRecipe | EvolvedRecipe;

const schemas = {
  vocoder: recipeSchema,
  acoustic: acousticRecipeSchema,
  classifier: classifierRecipeSchema,
  'classifier-es': evolvedRecipeSchema,
} as const;

export interface RecipeOptions {
  /** Overrides the recipe's `size`. */
  readonly size?: string;
  /** Overrides of single values, such as `training.learningRate=1e-3`; what follows `=` is read as YAML. */
  readonly set?: readonly string[];
  /**
   * Folder of the data, instead of what the recipe says: recordings for a vocoder, or several such folders; images for
   * a classifier.
   */
  readonly data?: string | readonly string[];
  /**
   * Overrides the recipe's `from`: the name of a voice that ships, or a file. The sizes, the model and the features of
   * the voice take the place of those in the recipe; `size` and `set` may not contradict them.
   */
  readonly from?: string;
}

/**
 * A vocoder's recipe from plain data, such as those that came from another machine: checked as a file is.
 * @param what where it comes from, for messages
 * @throws {TtsError} ERR_RECIPE
 */
export const recipeFrom = (value: unknown, what: string): Recipe =>
  withFeatures(parsed(recipeSchema, value, what), what);

/** The same of an acoustic model's. */
export const acousticRecipeFrom = (value: unknown, what: string): AcousticRecipe =>
  withAcousticFeatures(parsed(acousticRecipeSchema, value, what), what);

/** The same of a classifier's. */
export const classifierRecipeFrom = (value: unknown, what: string): ClassifierRecipe =>
  parsed(classifierRecipeSchema, value, what);

function parsed<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const found = schema.safeParse(value);
  if (found.success) return found.data;
  const [{ path, message }] = found.error.issues;
  throw new TtsError('ERR_RECIPE', `${what}: ${path.join('.')}: ${message}`);
}

/** Of a folder that has none of the clips that the recipe holds out, this share is held out. */
const defaultValidationShare = 0.05;

/**
 * Reads and checks a vocoder's recipe, as `loadAnyRecipe` does; that of another task is ERR_RECIPE.
 */
export function loadRecipe(dirOrFile: string, options: RecipeOptions = {}): Recipe {
  const recipe = loadAnyRecipe(dirOrFile, options);
  if (recipe.task !== 'vocoder')
    throw new TtsError('ERR_RECIPE', `${recipePath(dirOrFile)} has task: ${recipe.task}, expected task: vocoder`);
  return recipe;
}

/** The same for the recipe of an acoustic model. */
export function loadAcousticRecipe(dirOrFile: string, options: RecipeOptions = {}): AcousticRecipe {
  const recipe = loadAnyRecipe(dirOrFile, options);
  if (recipe.task !== 'acoustic')
    throw new TtsError('ERR_RECIPE', `${recipePath(dirOrFile)} has task: ${recipe.task}, expected task: acoustic`);
  return recipe;
}

/**
 * Reads and checks a recipe: a file, or a folder with a `recipe.yaml`.
 * @throws {TtsError} ERR_FILE_NOT_FOUND; ERR_RECIPE for text that is not YAML, wrong values (with path and line) and
 * unknown keys (with line and the nearest known key), also for those that come from `options`. For a recipe that begins
 * from a voice also what `findVoice` and `loadVoice` throw, and ERR_VOICE_MISMATCH for settings that contradict it.
 */
export function loadAnyRecipe(dirOrFile: string, options: RecipeOptions = {}): AnyRecipe {
  const path = recipePath(dirOrFile);
  const { document, lines } = readYaml(readWholeFileSync(path), path, 'ERR_RECIPE');
  if (!isMap(document.contents))
    throw new TtsError('ERR_RECIPE', `${path}: expected keys and values, such as "name: ljspeech"`);
  applyOptions(document, options);

  const task = taskOf(document);
  if (typeof task !== 'string' || !Object.hasOwn(schemas, task))
    throw unknownName(path, 'task', String(task), Object.keys(schemas));
  if (options.from !== undefined && !ofSpeech(task))
    throw new TtsError(
      'ERR_RECIPE',
      `${path} has task: ${task}; only a task: vocoder begins from a voice, and a task: acoustic from an acoustic model`,
    );
  const schema = schemas[task as keyof typeof schemas];
  const check = (): AnyRecipe => {
    const checked = schema.safeParse(plainYaml(document, path, 'ERR_RECIPE'));
    if (!checked.success)
      throw new TtsError('ERR_RECIPE', `${path}: ${describeIssues(checked.error.issues, schema, document, lines)}`);
    const { size, sizes } = checked.data;
    if (!Object.hasOwn(sizes, size)) throw unknownName(path, 'size', size, Object.keys(sizes));
    if (checked.data.task === 'acoustic') return withAcousticFeatures(checked.data, path);
    return checked.data.task === 'vocoder' ? withFeatures(checked.data, path) : checked.data;
  };
  const asWritten = check();
  if (asWritten.task !== 'vocoder' && asWritten.task !== 'acoustic') return asWritten;
  let recipe: Recipe | AcousticRecipe = asWritten;
  if (recipe.from !== undefined) {
    // Once more, with the settings of the voice or model in place of the recipe's, and what was asked for on top.
    const sizeAsked = options.size !== undefined || (options.set ?? []).some((text) => /^\s*size\s*=/.test(text));
    const begin = recipe.task === 'vocoder' ? vocoderOrigin(recipe.from) : acousticOrigin(recipe.from);
    begin.apply(document, sizeAsked);
    applyOptions(document, options);
    recipe = check() as Recipe | AcousticRecipe;
    const config = recipe.task === 'vocoder' ? waveRnnConfig(recipe) : acousticConfigOf(recipe);
    checkFits(begin.name, begin.fitting, { config, features: recipe.features });
  }
  return options.data === undefined ? recipe : ofFolder(recipe);
}

const ofSpeech = (task: string): boolean => task === 'vocoder' || task === 'acoustic';

/** What a run begins from: its name, what must fit, and how it takes the place of settings of the recipe. */
function vocoderOrigin(from: string) {
  const { name, path } = findVoice(from);
  const fitting = loadVoiceSync(path);
  return { name, fitting, apply: (document: Document, sizeAsked: boolean) => applyVoice(document, fitting, sizeAsked) };
}

function acousticOrigin(from: string) {
  const { name, path } = findAcoustic(from);
  const fitting = loadAcousticSync(path);
  return {
    name,
    fitting,
    apply: (document: Document, sizeAsked: boolean) => applyAcoustic(document, fitting, sizeAsked),
  };
}

/** Data of a folder that is not the recipe's: its licence is not known, and its clips may have other names. */
function ofFolder<R extends Recipe | AcousticRecipe>(recipe: R): R {
  const validation = { share: defaultValidationShare, ...recipe.data.validation };
  const data = { ...recipe.data, validation };
  delete data.licence;
  return { ...recipe, data };
}

const taskOf = (document: Document): unknown => document.get('task') ?? 'vocoder';

function applyOptions(document: Document, { size, set = [], from, data }: RecipeOptions): void {
  if (size !== undefined) setValue(document, ['size'], size, '--size');
  for (const assignment of set) applyAssignment(document, assignment);
  if (from !== undefined) setValue(document, ['from'], from, '--from');
  if (data !== undefined)
    setValue(document, ['data', ofSpeech(String(taskOf(document))) ? 'corpus' : 'folder'], data, '--data');
}

/**
 * Sets a value, and makes the keys on the way to it.
 * @throws {TtsError} ERR_RECIPE where a key on the way has a value that has no keys
 */
function setValue(document: Document, path: readonly string[], value: unknown, option: string): void {
  for (let depth = 1; depth < path.length; depth++) {
    const parent = document.getIn(path.slice(0, depth), true);
    if (parent === undefined || isMap(parent) || (isSeq(parent) && /^\d+$/.test(path[depth]))) continue;
    // A key without a value.
    if (isScalar(parent) && parent.value === null) {
      document.deleteIn(path.slice(0, depth));
      break;
    }
    throw new TtsError(
      'ERR_RECIPE',
      `${option}: ${path.slice(0, depth).join('.')} is ${isSeq(parent) ? 'a list' : 'a single value'} in the recipe and ` +
        `has no key ${path[depth]}`,
    );
  }
  try {
    document.setIn(path, document.createNode(value));
  } catch (cause) {
    throw new TtsError('ERR_RECIPE', `${option}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** The features of a recipe, with a preset looked up. */
function featuresOf({ features }: Pick<RecipeFile | AcousticRecipeFile, 'features'>, path: string): MelSettings {
  if (typeof features !== 'string') return features;
  if (!Object.hasOwn(melPresets, features)) throw unknownName(path, 'features', features, Object.keys(melPresets));
  return melPresets[features];
}

function withFeatures(recipe: RecipeFile, path: string): Recipe {
  const whole = { ...recipe, features: featuresOf(recipe, path) };
  checkModel(whole, path);
  if (recipe.training.parts !== undefined) partSettings(recipe);
  return whole;
}

function withAcousticFeatures(recipe: AcousticRecipeFile, path: string): AcousticRecipe {
  if (recipe.training.parts !== undefined) acousticPartSettings(recipe);
  return { ...recipe, features: featuresOf(recipe, path) };
}

/** What no schema of a single value can tell. */
function checkModel({ model: { block, conditioning }, features: { hop } }: Recipe, path: string): void {
  const shape = block.join('×');
  if (!kernelShapes.includes(shape))
    throw new TtsError('ERR_RECIPE', `${path}: model.block is ${shape}, expected one of ${kernelShapes.join(', ')}`);
  if (hop % (conditioning.vectors ?? 1) !== 0)
    throw new TtsError(
      'ERR_RECIPE',
      `${path}: model.conditioning.vectors is ${conditioning.vectors}, expected a divisor of the hop of ${hop} samples`,
    );
}

/** The sizes of the network that a recipe describes. */
export function waveRnnConfig({ sizes, size, model }: Recipe): WaveRnnConfig {
  const [rows, columns] = model.block;
  const { encoding, hears, conditioning } = model;
  return { ...sizes[size], encoding, ...(hears && { hears }), block: { rows, columns }, conditioning };
}

function recipePath(dirOrFile: string): string {
  const kind = statSync(dirOrFile, { throwIfNoEntry: false });
  const path = kind?.isDirectory() ? join(dirOrFile, 'recipe.yaml') : dirOrFile;
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new TtsError('ERR_FILE_NOT_FOUND', `no recipe at ${path}; expected a recipe.yaml or a folder that holds one`);
  return path;
}

function applyAssignment(document: Document, assignment: string): void {
  const [, key, text] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
  if (key === undefined)
    throw new TtsError('ERR_RECIPE', `--set ${assignment}: expected key=value, such as training.learningRate=1e-3`);
  const path = key.trim().split('.');
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new TtsError('ERR_RECIPE', `--set ${assignment}: ${JSON.stringify(text)} is not a YAML value`, { cause });
  }
  setValue(document, path, value, `--set ${assignment}`);
}

function unknownName(path: string, key: string, name: string, known: string[]): TtsError {
  return new TtsError(
    'ERR_RECIPE',
    `${path}: ${key} "${name}" is unknown; did you mean "${nearest(name, known)}"? Known: ${known.join(', ')}`,
  );
}
