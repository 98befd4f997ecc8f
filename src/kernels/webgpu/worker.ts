import { type MessagePort, workerData } from 'node:worker_threads';
import { TtsError } from '../../base/errors.js';
import { type OpenDevice, openDevice } from './device.js';
import { type Answer, type GpuMessage, type OpenedGpu, type WorkerInput } from './protocol.js';
import { GpuSequence } from './sequence.js';

// The thread that has the GPU. WebGPU answers later, kernels answer at once: the thread that calls sleeps meanwhile; see
// gpu.ts.

const { port, signal, most } = workerData as WorkerInput;
let opened: OpenDevice | undefined;
let sequence: GpuSequence | undefined;
let lost: string | undefined;

async function open(): Promise<OpenedGpu> {
  opened = await openDevice(most);
  const { device, limits, adapter, timestamps } = opened;
  void device.lost.then(({ reason, message }) => (lost = message || reason));
  sequence = new GpuSequence(device, limits, timestamps);
  return { adapter, limits, timestamps };
}

async function answerTo(message: GpuMessage): Promise<Answer> {
  try {
    if (message.kind === 'open') return { value: await open() };
    if (message.kind === 'close') {
      opened?.device.destroy();
      await opened?.device.lost;
      return { value: null };
    }
    if (lost !== undefined) throw gone();
    return { value: await sequence!.run(message.request) };
  } catch (error) {
    // The promise of the loss is kept before or after that of the work that fails with it.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const { code, message: text } = (lost === undefined ? error : gone()) as { code?: unknown; message: string };
    return { error: { ...(typeof code === 'string' && { code }), message: text } };
  }
}

const gone = (): TtsError =>
  new TtsError('ERR_GPU_LOST', `the GPU is gone: ${lost}; expected one that stays until the work is done`);

function reply(port: MessagePort, answer: Answer): void {
  port.postMessage(answer, transferred(answer));
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
}

/** The arrays of an answer go over; they are not copied. */
function transferred(answer: Answer): ArrayBuffer[] {
  const value = 'value' in answer ? answer.value : null;
  return Object.values(value ?? {}).flatMap((each) =>
    ArrayBuffer.isView(each) && each.buffer instanceof ArrayBuffer ? [each.buffer] : [],
  );
}

port.on('message', (message: GpuMessage) => void answerTo(message).then((answer) => reply(port, answer)));
process.on('uncaughtException', (error) =>
  reply(port, { error: { message: `the GPU's thread failed: ${error.message}` } }),
);
