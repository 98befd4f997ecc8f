// Damages files of answers: node dist/test/fuzz_answers.js [runs] [first seed]. A hundred at a time in a process of its
// own, so that a crash or a hang is seen; the same seed gives the same damage.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeImages, type Outcome, tryDamaged } from './support/damaged_answers.js';

const batch = 100;
const [runs = '10000', first = '1', child] = process.argv.slice(2);

if (child === undefined) {
  const counts: Record<string, number> = { runs: 0, whole: 0, part: 0, refused: 0, failed: 0, crashed: 0, hung: 0 };
  const begun = Date.now();
  for (let seed = Number(first); seed < Number(first) + Number(runs); seed += batch) {
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      [
        fileURLToPath(import.meta.url),
        String(Math.min(batch, Number(first) + Number(runs) - seed)),
        String(seed),
        'child',
      ],
      { encoding: 'utf8', timeout: 600_000, killSignal: 'SIGKILL' },
    );
    for (const [name, n] of Object.entries(JSON.parse(/^\{.*\}$/m.exec(stdout)?.[0] ?? '{}') as Record<string, number>))
      counts[name] += n;
    if (signal === 'SIGKILL') counts.hung++;
    else if (status !== 0) counts.crashed++;
    if (status !== 0 || stderr !== '') console.error(`seeds from ${seed}: status ${status} ${signal ?? ''}\n${stderr}`);
  }
  console.log(JSON.stringify({ ...counts, seconds: Math.round((Date.now() - begun) / 1000) }));
  process.exitCode = counts.failed + counts.crashed + counts.hung === 0 ? 0 : 1;
} else {
  // In memory where there is such a folder: what is tested is not the disk.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'answers-'));
  const images = await makeImages(folder);
  const counts: Record<Outcome | 'runs' | 'failed', number> = { runs: 0, whole: 0, part: 0, refused: 0, failed: 0 };
  for (let seed = Number(first); seed < Number(first) + Number(runs); seed++) {
    counts.runs++;
    try {
      counts[await tryDamaged(folder, images[seed % images.length], seed)]++;
    } catch (error) {
      counts.failed++;
      console.error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  rmSync(folder, { recursive: true });
  console.log(JSON.stringify(counts));
}
