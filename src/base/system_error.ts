import { TtsError } from './errors.js';

/** What the codes of the system mean to the user. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EDQUOT: 'the quota of the disk is used up',
  EEXIST: 'something of that name is there already',
  EFBIG: 'the file would be larger than the system allows',
  EIO: 'the disk or the device reports an error',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead round in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'no such file or folder',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is a file, not a folder',
  ENXIO: 'nothing can be written to it (a socket, or a device that is not there)',
  EPERM: 'the system does not permit it',
  EPIPE: 'its reader has gone',
  EROFS: 'the disk is read-only',
  ETXTBSY: 'it is a program that runs now',
  EXDEV: 'it lies on another disk',
};

/** Calls that only write: what fails in them is no failure of reading. */
const writing =
  /^(f?chmod|f?chown|copyfile|f?datasync|fsync|f?truncate|link|mkdir|mkdtemp|rename|rm|rmdir|symlink|unlink|write|writev)$/;

/** Whether an error is one that the operating system reported: `ENOSPC`, not `ERR_INVALID_ARG_TYPE`. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return error instanceof Error && typeof code === 'string' && /^E[A-Z0-9]+$/.test(code);
}

/**
 * What to tell the user of an error that the system reported; other errors, ours among them, come back as they are.
 * @param action what failed; told from the call of the system unless given
 * @returns a TtsError: ERR_RESOURCES for too few file handles or too little memory, ERR_FILE_NOT_FOUND,
 * ERR_FILE_READ, ERR_FILE_WRITE
 */
export function explainSystemError(path: string | undefined, error: unknown, action?: 'read' | 'written'): unknown {
  if (error instanceof TtsError || !isSystemError(error)) return error;
  const code = error.code as string;
  const name = path ?? error.path ?? 'a file';
  if (code === 'EMFILE' || code === 'ENFILE')
    return new TtsError(
      'ERR_RESOURCES',
      `${name} cannot be opened: this process has as many files open as the system allows; expected a higher limit ` +
        '(ulimit -n 4096)',
      { cause: error },
    );
  if (code === 'ENOMEM' || code === 'EAGAIN')
    return new TtsError('ERR_RESOURCES', `${name}: the system has too little memory left, or too many processes`, {
      cause: error,
    });
  const how =
    action ??
    (writing.test(error.syscall ?? '') || /^(ENOSPC|EROFS|EDQUOT|EFBIG|EPIPE)$/.test(code) ? 'written' : 'read');
  if (how === 'read' && code === 'ENOENT')
    return new TtsError('ERR_FILE_NOT_FOUND', `${name}: no such file`, { cause: error });
  return new TtsError(
    how === 'read' ? 'ERR_FILE_READ' : 'ERR_FILE_WRITE',
    `${name} cannot be ${how}: ${how === 'written' && code === 'ENOENT' ? 'its folder does not exist' : (reasons[code] ?? code)}`,
    { cause: error },
  );
}

/** Whether something was written to a pipe that nobody reads any more: the reader had enough. */
export function readerHasGone(error: unknown): boolean {
  for (let inner = error; inner instanceof Error; inner = inner.cause)
    if (isSystemError(inner) && inner.code === 'EPIPE') return true;
  return false;
}
