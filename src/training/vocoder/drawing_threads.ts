import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { type ErrorCode, TtsError } from '../../base/errors.js';
import { type ClipSource, clipSource } from '../../data/store/clip.js';
import { chooseKernels, type Kernels } from '../../kernels/index.js';
import { drawLanes, type DrawnLanes, type Lanes, type LaneTools, type LaneUse } from './lanes.js';

/** With fewer lanes a thread is asked and answers for longer than it draws. */
const leastLanes = 16;

/** Lanes that the excitation's kernels code side by side, and whose noise fills whole blocks of random numbers. */
const together = 4;

export interface DrawWorkerInput {
  readonly port: MessagePort;
  /** [1]: threads that have not answered. */
  readonly pending: Int32Array;
}

export interface DrawRequest {
  readonly use: LaneUse;
  readonly lanes: Lanes<ClipSource>;
}

export type DrawAnswer =
  { readonly drawn: DrawnLanes } | { readonly error: { readonly code?: string; readonly message: string } };

/** How many threads draw lanes beside a device: one of those that the kernels have is left to it. */
export const drawingThreads = ({ threads }: Pick<Kernels, 'threads'>, lanes: number): number =>
  Math.max(1, Math.min(threads - 1, Math.floor(lanes / leastLanes)));

/**
 * Threads that draw lanes, this one among them. Those beside it hold no clips: they are told where the lanes lie, and
 * read them from the files. This one draws its own lanes and then sleeps until theirs are there; see webgpu/gpu.ts.
 */
class DrawingThreads {
  private readonly ports: MessagePort[] = [];
  private readonly pending = new Int32Array(new SharedArrayBuffer(4));
  private readonly kernels = chooseKernels({ threads: 1 });

  /** As `drawTogether`. */
  draw(lanes: Lanes, use: LaneUse, { codec }: LaneTools, threads: number): DrawnLanes[] {
    const [own, ...others] = shared(lanes, threads);
    const requests = others.map((some): DrawRequest => ({ use, lanes: { ...some, places: sourced(some) } }));
    while (this.ports.length < others.length) this.ports.push(this.start());
    const ports = this.ports.slice(0, others.length);
    Atomics.store(this.pending, 0, ports.length);
    ports.forEach((port, i) => port.postMessage(requests[i]));
    let drawn: DrawnLanes;
    let answers: DrawAnswer[];
    try {
      drawn = drawLanes(own, use, { codec, kernels: this.kernels });
    } finally {
      // Even if this thread fails: what is answered now is not taken for the answer to another call.
      for (let left; (left = Atomics.load(this.pending, 0)) > 0;) Atomics.wait(this.pending, 0, left);
      answers = ports.map((port) => (receiveMessageOnPort(port) as { message: DrawAnswer }).message);
    }
    return [drawn, ...answers.map(valueOf)];
  }

  private start(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const workerData: DrawWorkerInput = { port: port2, pending: this.pending };
    new Worker(new URL('./draw_worker.js', import.meta.url), {
      workerData,
      transferList: [port2],
      execArgv: [],
    }).unref();
    return port1;
  }
}

/** Those of this process, which are there from their first use on, for all that train in it. */
let drawers: DrawingThreads | undefined;

/**
 * Draws lanes by several threads. All are done when it returns, and they are the same by any number of threads.
 * @param threads this one among them. Where clips do not lie in files it draws everything itself
 * @returns the lanes in parts, in their order
 */
export function drawTogether(lanes: Lanes, use: LaneUse, tools: LaneTools, threads: number): DrawnLanes[] {
  if (threads <= 1 || !lanes.places.every(({ clip }) => clipSource(clip))) return [drawLanes(lanes, use, tools)];
  drawers ??= new DrawingThreads();
  return drawers.draw(lanes, use, tools, threads);
}

/** Lanes in parts of equal sizes, but for the lanes that are coded side by side. */
function shared(lanes: Lanes, parts: number): Lanes[] {
  const groups = Math.ceil(lanes.places.length / together);
  const count = Math.min(parts, groups);
  const bound = (part: number) => Math.floor((part * groups) / count) * together;
  return Array.from({ length: count }, (_, part) => ({
    ...lanes,
    places: lanes.places.slice(bound(part), bound(part + 1)),
    before: lanes.before + bound(part),
  }));
}

const sourced = ({ places }: Lanes): Lanes<ClipSource>['places'] =>
  places.map(({ clip, frame }) => ({ clip: clipSource(clip) as ClipSource, frame }));

function valueOf(answer: DrawAnswer): DrawnLanes {
  if ('drawn' in answer) return answer.drawn;
  const { code, message } = answer.error;
  throw code === undefined ? new Error(message) : new TtsError(code as ErrorCode, message);
}
