import { workerData } from 'node:worker_threads';
import { storedClip } from '../../data/store/clip.js';
import { chooseKernels } from '../../kernels/index.js';
import { symbolCodec } from '../../model/wavernn/codecs.js';
import type { DrawAnswer, DrawRequest, DrawWorkerInput } from './drawing_threads.js';
import { drawLanes, type DrawnLanes, type LaneTools, type LaneUse } from './lanes.js';

// A thread that draws lanes, while the one that asked draws others; see drawing_threads.ts.

const { port, pending } = workerData as DrawWorkerInput;
let tools: LaneTools | undefined;
let toolsFor = '';

/** Made once, as long as lanes are drawn for the same. */
function toolsOf({ config, settings }: LaneUse): LaneTools {
  const key = JSON.stringify([config, settings]);
  if (!tools || key !== toolsFor)
    tools = { codec: symbolCodec(config, settings), kernels: chooseKernels({ threads: 1 }) };
  toolsFor = key;
  return tools;
}

function draw({ use, lanes }: DrawRequest): DrawAnswer {
  try {
    const places = lanes.places.map(({ clip: { shape, files }, frame }) => ({
      clip: storedClip(shape, files, false),
      frame,
    }));
    return { drawn: drawLanes({ ...lanes, places }, use, toolsOf(use)) };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    return { error: { ...(typeof code === 'string' && { code }), message } };
  }
}

/** The arrays of an answer go over; they are not copied. */
const transferred = (drawn: DrawnLanes): ArrayBuffer[] =>
  Object.values(drawn).flatMap((array: DrawnLanes[keyof DrawnLanes]) => (array ? [array.buffer as ArrayBuffer] : []));

port.on('message', (request: DrawRequest) => {
  const answer = draw(request);
  port.postMessage(answer, 'drawn' in answer ? transferred(answer.drawn) : []);
  if (Atomics.sub(pending, 0, 1) === 1) Atomics.notify(pending, 0);
});
