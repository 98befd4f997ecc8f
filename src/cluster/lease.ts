import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { TtsError } from '../base/errors.js';
import { holderOf, markOfProcess } from '../base/lock.js';
import { keys } from './names.js';

/** Milliseconds for which a coordinator leads without saying so again. */
const leaseTime = 15_000;

/** Seconds for which the number of the last lease is remembered. */
const fenceTime = 30 * 86_400;

/**
 * Takes or renews a lease. KEYS: the lease, the number of the newest one. ARGV: our mark, milliseconds, our number (0:
 * none yet), the mark of a holder that is gone. Returns our number and nothing, or 0 and the mark of who leads.
 */
const script = `
local held = redis.call('GET', KEYS[1])
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local own = tonumber(ARGV[3])
if held and held ~= ARGV[1] and held ~= ARGV[4] then return {0, held} end
if own > 0 and last > own then return {0, held or ''} end
if own == 0 then own = last + 1 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], own, 'EX', ${fenceTime})
return {own, ''}`;

/**
 * The right to lead a run. Each lease has a number, higher than all before; jobs carry it, and workers do none that
 * carry an older one: a coordinator that was away and comes back can disturb nothing.
 */
export class Lease {
  private lost: TtsError | undefined;
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly redis: Redis,
    private readonly run: string,
    private readonly mark: string,
    readonly fence: number,
  ) {
    this.timer = setInterval(() => void this.renew().catch(() => undefined), leaseTime / 3);
    this.timer.unref();
  }

  /**
   * Takes the lease of a run; that of a coordinator that is gone is taken over, or waited for.
   * @throws {TtsError} ERR_IN_USE where another one leads
   */
  static async take(redis: Redis, run: string): Promise<Lease> {
    const mark = markOfProcess();
    let gone = '';
    let left = Infinity;
    for (;;) {
      const [fence, holder] = await ask(redis, run, mark, 0, gone);
      if (fence > 0) return new Lease(redis, run, mark, fence);
      const found = holderOf(holder);
      if (found?.gone) {
        gone = holder;
        continue;
      }
      // Who is alive renews: the time that is left grows.
      const now = await redis.pttl(keys.lease(run));
      if (now > left) throw inUse(run, holder);
      left = now;
      await sleep(250);
    }
  }

  /** @throws {TtsError} ERR_IN_USE where another coordinator has taken over */
  check(): void {
    if (this.lost) throw this.lost;
  }

  async renew(): Promise<void> {
    const [fence, holder] = await ask(this.redis, this.run, this.mark, this.fence, '');
    if (fence === 0) this.lost = inUse(this.run, holder);
  }

  async release(): Promise<void> {
    clearInterval(this.timer);
    if ((await this.redis.get(keys.lease(this.run))) === this.mark) await this.redis.del(keys.lease(this.run));
  }
}

async function ask(redis: Redis, run: string, mark: string, fence: number, gone: string): Promise<[number, string]> {
  const names = [keys.lease(run), keys.fence(run)] as const;
  return (await redis.eval(script, 2, ...names, mark, leaseTime, fence, gone)) as [number, string];
}

function inUse(run: string, mark: string): TtsError {
  const holder = holderOf(mark);
  return new TtsError(
    'ERR_IN_USE',
    `the run ${run} is led by ${holder ? `process ${holder.pid} on ${holder.host} since ${holder.since}` : 'another one'}; ` +
      'expected one coordinator: wait for it, stop it, or give --out another folder',
  );
}
