import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { type ErrorCode, TtsError } from '../../base/errors.js';
import type { Answer, GpuMessage, MemoryLimits, OpenedGpu, WorkerInput } from './protocol.js';
import type { SequenceRequest, SequenceResult } from './sequence.js';

/**
 * A GPU with a face like that of the other kernels: it answers at once. WebGPU answers later, so a thread of its own has
 * the device, and the thread that calls sleeps until the answer is there. Nothing that calls kernels has to wait in
 * another way for it, least of all TensorFlow.js, whose gradients cannot.
 */
export class Gpu {
  readonly opened: OpenedGpu;
  /** Whether it has gone. */
  lost = false;
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly signal = new Int32Array(new SharedArrayBuffer(4));

  /**
   * @param most memory that may be used, where less than there is is wanted
   * @throws {TtsError} ERR_KERNELS where there is none, saying what to install
   */
  constructor(most: MemoryLimits = {}) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const workerData: WorkerInput = { port: port2, signal: this.signal, most };
    this.worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData,
      transferList: [port2],
      execArgv: [],
    });
    this.worker.unref();
    try {
      this.opened = this.ask({ kind: 'open' }) as OpenedGpu;
    } catch (error) {
      void this.worker.terminate();
      throw new TtsError('ERR_KERNELS', `no kernels "webgpu" on this machine: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /**
   * @param meanwhile called while the GPU works
   * @throws {TtsError} ERR_GPU_LOST, ERR_MEMORY
   */
  sequence(request: SequenceRequest, meanwhile?: () => void): SequenceResult {
    return this.ask({ kind: 'sequence', request }, meanwhile) as SequenceResult;
  }

  /** Gives the device back; every call after it is ERR_GPU_LOST. */
  close(): void {
    this.ask({ kind: 'close' });
    this.lost = true;
  }

  private ask(message: GpuMessage, meanwhile?: () => void): OpenedGpu | SequenceResult | null {
    Atomics.store(this.signal, 0, 0);
    this.port.postMessage(message);
    let answer: Answer;
    try {
      meanwhile?.();
    } finally {
      Atomics.wait(this.signal, 0, 0);
      answer = (receiveMessageOnPort(this.port) as { message: Answer }).message;
    }
    if ('value' in answer) return answer.value;
    const { code, message: text } = answer.error;
    if (code === 'ERR_GPU_LOST') this.lost = true;
    throw code === undefined ? new Error(text) : new TtsError(code as ErrorCode, text);
  }
}
