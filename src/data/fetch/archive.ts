import { spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { TtsError } from '../../base/errors.js';

/**
 * Unpacks a tar archive (any compression the system's `tar` knows) into the folder `into`, which is made anew and must
 * be on the same drive. Throws ERR_DOWNLOAD with the program's own words if it is missing or fails, and leaves no
 * folder then.
 */
export async function unpack(archive: string, into: string): Promise<void> {
  await rm(into, { recursive: true, force: true });
  await mkdir(into, { recursive: true });
  try {
    await runTar(archive, into);
  } catch (error) {
    await rm(into, { recursive: true, force: true });
    throw error;
  }
}

function runTar(archive: string, into: string): Promise<void> {
  const folder = dirname(archive);
  // Relative names: GNU tar takes the colon of an absolute Windows path for a host.
  const args = ['-xf', `./${basename(archive)}`, '-C', relative(folder, into), '--no-same-owner'];
  return new Promise((resolve, reject) => {
    const child = spawn('tar', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'ENOENT' ? 'the program tar was not found; install it' : cause.message;
      reject(
        new TtsError('ERR_DOWNLOAD', `cannot unpack ${archive}: ${why}, or unpack the archive by hand`, { cause }),
      );
    });
    child.on('close', (status) => {
      if (status === 0) resolve();
      else
        reject(
          new TtsError(
            'ERR_DOWNLOAD',
            `cannot unpack ${archive}: tar stopped with status ${status}: ${said.trim() || 'no message'} ` +
              '(.tar.bz2 also needs the program bzip2)',
          ),
        );
    });
  });
}
