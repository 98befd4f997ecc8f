import type { FastifyInstance } from 'fastify';
import { reportPolicy } from '../../report/page.js';
import { analyse, type Results } from '../analysis/analysis.js';
import { ratingsCsv } from '../analysis/export.js';
import { reportHtml } from '../analysis/report_html.js';
import type { RunningTest } from '../study/live_study.js';
import { hasKey, limits } from './access.js';

/** The results so far, for who has the key: /results, /results/report.json and /results/ratings.csv. */
export function resultRoutes(server: FastifyInstance, { store, key }: RunningTest): void {
  const serve = (path: string, type: string, text: (results: Results) => string) =>
    server.get(path, { config: { rateLimit: { max: limits.listener } } }, (request, reply) => {
      void reply.header('cache-control', 'no-store');
      if (tooOften(request.ip)) return reply.code(429).send({ error: 'too many wrong keys; try again in a minute' });
      if (!hasKey(key, request)) {
        if (request.headers.authorization !== undefined) remember(request.ip);
        return reply
          .code(401)
          .header('www-authenticate', 'Basic realm="results", charset="UTF-8"')
          .send({ error: 'expected the key that tts-listen serve prints, as the password' });
      }
      return reply
        .header('content-security-policy', `${reportPolicy}; frame-ancestors 'none'`)
        .type(type)
        .send(text(analyse(store)));
    });
  const { tooOften, remember } = wrongKeys();
  serve('/results', 'text/html; charset=utf-8', reportHtml);
  serve('/results/report.json', 'application/json; charset=utf-8', (results) => JSON.stringify(results));
  serve('/results/ratings.csv', 'text/csv; charset=utf-8', ratingsCsv);
}

/** Counts wrong keys by address, a minute at a time. */
function wrongKeys(): { tooOften: (address: string) => boolean; remember: (address: string) => void } {
  let minute = 0;
  let counts = new Map<string, number>();
  const current = () => {
    const now = Math.floor(Date.now() / 60_000);
    if (now !== minute) [minute, counts] = [now, new Map()];
    return counts;
  };
  return {
    tooOften: (address) => (current().get(address) ?? 0) >= limits.wrongKeys,
    remember: (address) => void current().set(address, (current().get(address) ?? 0) + 1),
  };
}
