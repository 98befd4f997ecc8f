import type { FastifyInstance } from 'fastify';
import { TtsError } from '../base/errors.js';
import { endingSignals } from '../base/temporary.js';

/**
 * Listens until Ctrl-C.
 * @param announce says where
 * @throws {TtsError} ERR_ARGUMENT for an address or port that cannot be had
 */
export async function serve(
  server: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
  announce: (address: string) => void,
): Promise<void> {
  const address = await server.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw new TtsError(
      'ERR_ARGUMENT',
      `cannot listen on ${host} port ${port}: ` +
        `${error.code === 'EADDRINUSE' ? 'it is taken; expected another --port' : error.message}`,
      { cause: error },
    );
  });
  announce(address);
  await new Promise((resolve) => endingSignals.forEach((signal) => process.once(signal, resolve)));
  await server.close();
}
