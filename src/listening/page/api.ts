import type { Answer, HeadphoneResult, PublicStudy, Session } from '../protocol.js';
import { byId } from './dom.js';

/** A request that the server refused. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

let tokenKey = '';
let token: string | null = null;

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  if (init.body !== undefined) headers.set('content-type', 'application/json');
  const response = await fetch(path, { ...init, headers });
  if (response.ok) return response;
  const { error = response.statusText } = (await response.json().catch(() => ({}))) as { error?: string };
  throw new Refused(response.status, error);
}

/** Storage may be switched off. Then a listener who closes the tab cannot come back; all else works. */
const storage = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key: string, value: string): void {
    try {
      localStorage.setItem(key, value);
    } catch {
      // See above.
    }
  },
};

export async function loadStudy(): Promise<PublicStudy> {
  const study = (await (await request('api/test')).json()) as PublicStudy;
  tokenKey = `listening-test ${study.id}${study.preview ? ' preview' : ''}`;
  token = storage.get(tokenKey);
  return study;
}

/** The session of an earlier visit, if the server still knows it. */
export async function resumeSession(): Promise<Session | null> {
  if (token === null) return null;
  try {
    return await loadSession();
  } catch (error) {
    if (!(error instanceof Refused && error.status === 401)) throw error;
    token = null;
    return null;
  }
}

/** Begins a session, once the listener has agreed. */
export async function beginSession(): Promise<Session> {
  const query = new URLSearchParams(location.search);
  const participant = query.get('participant') ?? query.get('PROLIFIC_PID') ?? query.get('workerId');
  // Characters that the server refuses are replaced: a strange number must not keep anybody from taking part.
  const known = (participant ?? '').replace(/[^\w.@-]/g, '_').slice(0, 64);
  const body = JSON.stringify({ consent: true, ...(known === '' ? {} : { participant: known }) });
  const answer = (await (await request('api/listeners', { method: 'POST', body })).json()) as { token: string };
  token = answer.token;
  storage.set(tokenKey, token);
  return loadSession();
}

async function loadSession(): Promise<Session> {
  return (await (await request('api/session')).json()) as Session;
}

export async function loadClip(trial: number, clip: number): Promise<ArrayBuffer> {
  return (await request(`api/trials/${trial}/clips/${clip}`)).arrayBuffer();
}

export async function saveHeadphones(result: HeadphoneResult): Promise<void> {
  await request('api/headphones', { method: 'PUT', body: JSON.stringify(result) });
}

export async function finish(comment: string): Promise<void> {
  await request('api/finish', { method: 'PUT', body: JSON.stringify({ comment }) });
}

const retryAfter = 2000;

/**
 * Saves answers, the newest of each trial, one request at a time, until the server has them. A refusal is final,
 * because sending the same again would not help.
 */
export class AnswerQueue {
  private readonly waiting = new Map<
    number,
    { answer: Answer; resolve: () => void; reject: (error: unknown) => void }
  >();
  private working = false;

  /** Resolves when this answer, or a newer one to the same trial, is on the server's disk. */
  save(trial: number, answer: Answer): Promise<void> {
    return new Promise((resolve, reject) => {
      const earlier = this.waiting.get(trial);
      this.waiting.set(trial, {
        answer,
        resolve: () => (earlier?.resolve(), resolve()),
        reject: (error) => (earlier?.reject(error), reject(error)),
      });
      void this.work();
    });
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    byId('saved').textContent = 'Saving …';
    for (let next = this.waiting.entries().next(); !next.done; next = this.waiting.entries().next()) {
      const [trial, job] = next.value;
      try {
        await request(`api/trials/${trial}/answer`, {
          method: 'PUT',
          body: JSON.stringify(job.answer),
          keepalive: true,
        });
        if (this.waiting.get(trial) === job) this.waiting.delete(trial);
        job.resolve();
      } catch (error) {
        // Too many requests, faults of the server and lost connections pass.
        if (error instanceof Refused && error.status < 500 && error.status !== 429) {
          if (this.waiting.get(trial) === job) this.waiting.delete(trial);
          job.reject(error);
        } else {
          byId('saved').textContent = 'No connection. Your answers will be saved when it is back.';
          await new Promise((resolve) => setTimeout(resolve, retryAfter));
        }
      }
    }
    byId('saved').textContent = 'Saved';
    this.working = false;
  }
}
