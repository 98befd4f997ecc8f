import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { blockEnergies } from '../../audio/loudness.js';
import { readWithFaults } from '../../audio/read.js';
import { treat } from '../../audio/treatment.js';
import type { LoudnessData, LoudnessResult } from './corpus_gain.js';
import { answerTasks } from './workers.js';

const { sampleRate, treatment } = workerData as LoudnessData;

async function measure(path: string): Promise<LoudnessResult> {
  const content = createHash('sha256').update(readFileSync(path)).digest('hex');
  const { samples, faults } = await readWithFaults(path, { sampleRate });
  // Those that are left out have no say in the gain.
  if (faults.some(({ usable }) => !usable)) return { content, energies: new Float64Array(0) };
  const filtered = treat(samples, sampleRate, { ...treatment, level: null });
  return { content, energies: blockEnergies([filtered], sampleRate) };
}

answerTasks(measure, ({ energies }) => [energies.buffer]);
