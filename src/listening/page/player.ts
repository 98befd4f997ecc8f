/**
 * ITU-R BS.1534-3, 5.3: switching and loops fade out and in over 5 ms with a raised cosine, never across; a loop lasts
 * at least 0.5 s.
 */
export const fadeSeconds = 0.005;
export const shortestLoop = 0.5;

const steps = 64;
const rise = Float32Array.from({ length: steps + 1 }, (_, i) => 0.5 - 0.5 * Math.cos((Math.PI * i) / steps));
const fall = Float32Array.from(rise).reverse();

/** What was heard of a clip is noted in this many parts. */
const parts = 100;
/**
 * Fades are scheduled this many seconds before they begin: the thread that renders is always a little ahead, and would
 * cut off a beginning in its past.
 */
const ahead = 0.01;
/** How often it is noted while a clip plays, in ms. */
const interval = 50;

/** Clips that play, started together. */
interface Deck {
  /** By clip; where clips are not aligned there is only the current one. */
  readonly sources: ReadonlyMap<number, AudioBufferSourceNode>;
  readonly gains: ReadonlyMap<number, GainNode>;
  /** Place in the region where they began. */
  readonly from: number;
  /** The time at which the beginning of the region was heard, or would have been. */
  begun: number;
}

/**
 * Plays one of several clips and switches between them. Aligned clips all run at once, in step to the sample, and only
 * one is heard, so that a switch keeps the position. Other clips start from the beginning. Everything fades over 5 ms,
 * so that nothing clicks, and nothing waits, because all clips are decoded.
 */
export class Player {
  current = 0;
  playing = false;
  /** Called whenever something that can be seen has changed. */
  onchange: () => void = () => undefined;

  private looping = false;
  private region: readonly [start: number, end: number] | null = null;
  private offset = 0;
  private deck: Deck | null = null;
  /** Until then a fade is under way, and the next one has to wait. */
  private busyUntil = 0;
  private timer: ReturnType<typeof setInterval> | undefined;
  private noted = 0;
  private readonly heardParts: readonly Uint8Array[];
  private readonly cuts = new Map<number, AudioBuffer>();

  constructor(
    private readonly context: BaseAudioContext,
    private readonly clips: readonly AudioBuffer[],
    private readonly aligned: boolean,
  ) {
    this.heardParts = clips.map(() => new Uint8Array(parts));
  }

  /** Length of the current clip in seconds. */
  get duration(): number {
    return this.clips[this.current].duration;
  }

  /** Place in the current clip in seconds. */
  get position(): number {
    return this.bounds[0] + this.inRegion();
  }

  get loop(): boolean {
    return this.looping;
  }

  /** The part that is played, in seconds. */
  get bounds(): readonly [number, number] {
    return this.region ?? [0, this.duration];
  }

  /** Share of each clip that has been heard. */
  get heard(): number[] {
    return this.heardParts.map((heard) => heard.reduce((sum, part) => sum + part, 0) / parts);
  }

  /** Restores what was heard on an earlier visit, as if it had been the beginning of each clip. */
  restoreHeard(shares: readonly number[]): void {
    shares.forEach((share, clip) => this.heardParts[clip]?.fill(1, 0, Math.round(share * parts)));
  }

  play(): void {
    if (this.playing) return;
    this.start(this.free(), this.offset);
    this.onchange();
  }

  pause(): void {
    if (!this.playing) return;
    this.note();
    const at = this.free();
    this.offset = this.inRegion(at + fadeSeconds);
    this.stop(at);
    this.playing = false;
    clearInterval(this.timer);
    this.onchange();
  }

  /** Makes another clip the one that is heard. */
  select(clip: number): void {
    if (clip === this.current) return;
    this.note();
    const earlier = this.current;
    this.current = clip;
    if (!this.aligned) this.offset = 0;
    if (this.playing && this.aligned) this.swap(earlier, clip);
    else if (this.playing) {
      const at = this.free();
      this.stop(at, earlier);
      this.start(at + fadeSeconds, 0);
    }
    this.noted = this.inRegion();
    this.onchange();
  }

  setLoop(loop: boolean): void {
    if (this.deck) this.deck.begun = this.context.currentTime - this.inRegion();
    this.looping = loop;
    for (const source of this.deck?.sources.values() ?? []) source.loop = loop;
    this.onchange();
  }

  /** Plays only a part, in seconds; null for all. Only for aligned clips. */
  setRegion(region: readonly [number, number] | null): void {
    const position = this.position;
    const playing = this.playing;
    const at = this.free();
    if (playing) {
      this.note();
      this.stop(at);
    }
    this.region = region;
    this.cuts.clear();
    const [start, end] = this.bounds;
    this.offset = position >= start && position < end ? position - start : 0;
    if (playing) this.start(at + fadeSeconds, this.offset);
    this.onchange();
  }

  /** Stops for good. */
  dispose(): void {
    this.pause();
    this.onchange = () => undefined;
  }

  /** The earliest time at which a fade can begin. */
  private free(): number {
    return Math.max(this.context.currentTime + ahead, this.busyUntil);
  }

  private inRegion(at = this.context.currentTime): number {
    if (!this.playing || this.deck === null) return this.offset;
    const [start, end] = this.bounds;
    const elapsed = Math.max(this.deck.from, at - this.deck.begun);
    return this.looping ? elapsed % (end - start) : Math.min(elapsed, end - start);
  }

  private start(at: number, offset: number): void {
    const sources = new Map<number, AudioBufferSourceNode>();
    const gains = new Map<number, GainNode>();
    for (const clip of this.aligned ? this.clips.keys() : [this.current]) {
      const gain = this.context.createGain();
      gain.gain.value = 0;
      gain.connect(this.context.destination);
      const source = this.context.createBufferSource();
      source.buffer = this.cut(clip);
      source.loop = this.looping;
      source.connect(gain);
      source.start(at, offset);
      sources.set(clip, source);
      gains.set(clip, gain);
    }
    const deck = { sources, gains, from: offset, begun: at - offset };
    this.deck = deck;
    const [first] = sources.values();
    first.onended = () => this.deck === deck && this.ended();
    gains.get(this.current)?.gain.setValueCurveAtTime(rise, at, fadeSeconds);
    this.busyUntil = at + fadeSeconds;
    this.playing = true;
    this.noted = offset;
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      this.note();
      this.onchange();
    }, interval);
  }

  /** Fades out what is heard, and ends all sources. */
  private stop(at: number, clip = this.current): void {
    this.deck?.gains.get(clip)?.gain.setValueCurveAtTime(fall, at, fadeSeconds);
    for (const source of this.deck?.sources.values() ?? []) source.stop(at + fadeSeconds);
    this.deck = null;
    this.busyUntil = at + fadeSeconds;
  }

  private swap(from: number, to: number): void {
    const at = this.free();
    this.deck?.gains.get(from)?.gain.setValueCurveAtTime(fall, at, fadeSeconds);
    this.deck?.gains.get(to)?.gain.setValueCurveAtTime(rise, at + fadeSeconds, fadeSeconds);
    this.busyUntil = at + 2 * fadeSeconds;
  }

  /** Called when a clip has reached its end. */
  private ended(): void {
    this.markHeard(this.noted, this.bounds[1] - this.bounds[0]);
    this.deck = null;
    this.playing = false;
    this.offset = 0;
    clearInterval(this.timer);
    this.onchange();
  }

  /** Notes what was heard since the last time. */
  private note(): void {
    if (!this.playing) return;
    const now = this.inRegion();
    if (now >= this.noted) this.markHeard(this.noted, now);
    else {
      this.markHeard(this.noted, this.bounds[1] - this.bounds[0]);
      this.markHeard(0, now);
    }
    this.noted = now;
  }

  private markHeard(from: number, to: number): void {
    const part = (seconds: number) => ((this.bounds[0] + seconds) / this.duration) * parts;
    this.heardParts[this.current].fill(1, Math.floor(part(from)), Math.ceil(part(to) - 1e-6));
  }

  /** The part of a clip that is played, its ends faded, so that a loop does not click. */
  private cut(clip: number): AudioBuffer {
    const known = this.cuts.get(clip);
    if (known) return known;
    const buffer = this.clips[clip];
    const [start, end] = this.region ?? [0, buffer.duration];
    const rate = buffer.sampleRate;
    const first = Math.round(start * rate);
    const length = Math.max(1, Math.min(buffer.length, Math.round(end * rate)) - first);
    const cut = this.context.createBuffer(buffer.numberOfChannels, length, rate);
    const fade = Math.min(Math.round(fadeSeconds * rate), length >> 1);
    for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
      const samples = buffer.getChannelData(channel).slice(first, first + length);
      for (let i = 0; i < fade; i++) {
        const gain = 0.5 - 0.5 * Math.cos((Math.PI * i) / fade);
        samples[i] *= gain;
        samples[length - 1 - i] *= gain;
      }
      cut.copyToChannel(samples, channel);
    }
    this.cuts.set(clip, cut);
    return cut;
  }
}
