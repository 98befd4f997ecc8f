import type { Mixtures } from './gaussians.js';
import type { Graph } from './graph.js';

/** The likeliest way through a graph. */
export interface Path {
  /** The node of each frame. */
  readonly nodes: Int32Array;
  /** The logarithm of its likelihood, with the chances of its steps. */
  readonly score: number;
}

/**
 * Viterbi's search, frame by frame, among the nodes whose score lies within a beam of the best. Densities are worked out
 * for the states that are met alone.
 *
 * @param data features, row-major [frames, dimensions]
 * @returns undefined if no way within the beam comes to the end
 */
export function bestPath(
  graph: Graph,
  mixtures: Mixtures,
  { data, frames }: { readonly data: Float32Array; readonly frames: number },
  beam: number,
): Path | undefined {
  const { states, first, next, chance, begin, end } = graph;
  const nodes = states.length;
  const scores = new Float64Array(nodes);
  const arrival = new Float64Array(nodes);
  const from = new Int32Array(nodes);
  const seenAt = new Int32Array(nodes).fill(-1);
  const densities = new Float64Array(mixtures.states);
  const knownAt = new Int32Array(mixtures.states).fill(-1);
  const history = new History();
  const active = new Int32Array(nodes);
  const arrived = new Int32Array(nodes);
  let entry = new Int32Array(nodes);
  let newEntry = new Int32Array(nodes);
  let count = 0;
  for (let frame = 0; frame < frames; frame++) {
    let arrivals = 0;
    if (frame === 0)
      for (const { node, chance: weight } of begin) {
        arrived[arrivals++] = node;
        arrival[node] = weight;
        from[node] = -1;
      }
    for (let i = 0; i < count; i++) {
      const node = active[i];
      const state = states[node];
      const staying = scores[node] + mixtures.stay[state];
      const leaving = scores[node] + mixtures.leave[state];
      // The node itself, then those that follow it.
      for (let link = first[node] - 1; link < first[node + 1]; link++) {
        const itself = link < first[node];
        const to = itself ? node : next[link];
        const score = itself ? staying : leaving + chance[link];
        if (seenAt[to] !== frame) {
          seenAt[to] = frame;
          arrived[arrivals++] = to;
        } else if (score <= arrival[to]) continue;
        arrival[to] = score;
        from[to] = entry[node];
      }
    }
    let best = -Infinity;
    for (let i = 0; i < arrivals; i++) {
      const node = arrived[i];
      const state = states[node];
      if (knownAt[state] !== frame) {
        knownAt[state] = frame;
        densities[state] = mixtures.logDensity(state, data, frame);
      }
      arrival[node] += densities[state];
      if (arrival[node] > best) best = arrival[node];
    }
    count = 0;
    for (let i = 0; i < arrivals; i++) {
      const node = arrived[i];
      if (arrival[node] < best - beam) continue;
      scores[node] = arrival[node];
      newEntry[node] = history.add(node, from[node]);
      active[count++] = node;
    }
    [entry, newEntry] = [newEntry, entry];
    if (count === 0) return undefined;
  }
  let score = -Infinity;
  let last = -1;
  const alive = new Set(active.subarray(0, count));
  for (const { node, chance: weight } of end) {
    if (!alive.has(node)) continue;
    const whole = scores[node] + mixtures.leave[states[node]] + weight;
    if (whole <= score) continue;
    score = whole;
    last = entry[node];
  }
  return last < 0 ? undefined : { nodes: history.trace(last, frames), score };
}

/** Who was where, and came from where. */
class History {
  private nodes = new Int32Array(1 << 14);
  private before = new Int32Array(1 << 14);
  private length = 0;

  add(node: number, before: number): number {
    if (this.length === this.nodes.length) {
      this.nodes = grown(this.nodes);
      this.before = grown(this.before);
    }
    this.nodes[this.length] = node;
    this.before[this.length] = before;
    return this.length++;
  }

  trace(last: number, frames: number): Int32Array {
    const nodes = new Int32Array(frames);
    for (let at = last, frame = frames - 1; frame >= 0; frame--, at = this.before[at]) nodes[frame] = this.nodes[at];
    return nodes;
  }
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(2 * array.length);
  longer.set(array);
  return longer;
}
