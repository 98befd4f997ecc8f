import type { FuzzedReader } from './reader.js';

/** Every reader by its name, and the module it is in, so that a process sets up only what it fuzzes. */
const modules = {
  npy: () => import('./features.js'),
  settings: () => import('./features.js'),
  voice: () => import('./models.js'),
  acoustic: () => import('./models.js'),
  classifier: () => import('./models.js'),
  wav: () => import('./sound.js'),
  flac: () => import('./sound.js'),
  mp3: () => import('./sound.js'),
  ogg: () => import('./sound.js'),
  recipe: () => import('./texts.js'),
  test: () => import('./texts.js'),
  csv: () => import('./texts.js'),
  idx: () => import('./pictures.js'),
  cifar: () => import('./pictures.js'),
  checkpoint: () => import('./runs.js'),
  run: () => import('./runs.js'),
  answers: () => import('./answers.js'),
  textgrid: () => import('./alignments.js'),
  state: () => import('./queue.js'),
  part: () => import('./queue.js'),
  answer: () => import('./queue.js'),
  files: () => import('./queue.js'),
  job: () => import('./queue.js'),
  clips: () => import('./queue.js'),
} as const;

export type ReaderName = keyof typeof modules;

export const readerNames = Object.keys(modules) as ReaderName[];

/** A reader, set up. */
export async function readerOf(name: ReaderName): Promise<FuzzedReader> {
  const found = (await modules[name]()) as unknown as Record<string, FuzzedReader>;
  return found[name];
}
