import { checkSignal, unlessAborted } from './abort.js';

/** So many may be in at once, and so many more may wait, in the order in which they came. */
export class Places {
  private taken = 0;
  private readonly line: (() => void)[] = [];

  constructor(
    private readonly places: number,
    private readonly waitingPlaces = Infinity,
  ) {}

  get inside(): number {
    return this.taken;
  }

  get waiting(): number {
    return this.line.length;
  }

  /**
   * Waits for a place and takes it.
   * @returns what gives it back, at the first call; undefined at once where no more may wait
   * @throws {AbortError} when the signal says stop before
   */
  async take(signal?: AbortSignal): Promise<(() => void) | undefined> {
    checkSignal(signal);
    if (this.taken < this.places) this.taken++;
    else {
      if (this.line.length >= this.waitingPlaces) return undefined;
      let mine = (): void => undefined;
      const turn = new Promise<void>((resolve) => (mine = resolve));
      this.line.push(mine);
      try {
        await unlessAborted(signal, turn);
      } catch (error) {
        const at = this.line.indexOf(mine);
        if (at >= 0) this.line.splice(at, 1);
        // The place was given already.
        else this.give();
        throw error;
      }
    }
    let given = false;
    return () => {
      if (!given) this.give();
      given = true;
    };
  }

  /** A place that is given back goes to the first in the line. */
  private give(): void {
    const next = this.line.shift();
    if (next) next();
    else this.taken--;
  }
}
