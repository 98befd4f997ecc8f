import { closest, distance } from 'fastest-levenshtein';
import { type Document, isMap, isNode, isScalar, type LineCounter } from 'yaml';
import { z } from 'zod';
import { quoted, shortened } from './bounded_json.js';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** The known name with the most similar spelling. */
export const nearest = (name: string, known: readonly string[]): string => closest(name, known);

/**
 * One line on what `schema` found wrong in a YAML file: line, path, value, and what was expected. A value that is not
 * in the file is attributed to `--set`.
 */
export function describeIssues(
  issues: readonly Issue[],
  schema: z.ZodType,
  document: Document,
  lines: LineCounter,
): string {
  // A misspelt key makes two issues, one for itself and one for the key that is missing; the first one helps more.
  const unknownFirst = (issue: Issue): number => (issue.code === 'unrecognized_keys' ? 0 : 1);
  const [first, ...others] = issues.flatMap(withoutUnions).sort((a, b) => unknownFirst(a) - unknownFirst(b));
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return describe(first, schema, document, lines) + more;
}

function describe(issue: Issue, schema: z.ZodType, document: Document, lines: LineCounter): string {
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    // It may be a whole mapping, written out.
    const shown = [...issue.path, key.length > 60 || /[\p{C}\p{Z}]/u.test(key) ? quoted(key) : key];
    return (
      `${where([...issue.path, key], document, lines)}: unknown key ${shown.join('.')}; did you mean ` +
      `${nearestKey(shown.map(String), schema)}?`
    );
  }
  const value = plain(document.getIn(issue.path));
  const expected = issue.message.replace(/^(Invalid|Too)[^:]*: /, '').replace(/, received .*$/, '');
  const name = issue.path.join('.');
  if (value === undefined) return `${where(issue.path.slice(0, -1), document, lines)}: ${name} is missing; ${expected}`;
  return `${where(issue.path, document, lines)}: ${name} is ${value}; ${expected}`;
}

/** A union's issue says only that no alternative fits; the alternative that was meant is the one of the right type. */
function withoutUnions(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors.find((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  return meant?.flatMap((inner) => withoutUnions({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
}

function plain(value: unknown): string | undefined {
  const text = JSON.stringify(isNode(value) ? value.toJSON() : value) as string | undefined;
  return text === undefined ? text : shortened(text);
}

/** The line of a key in the file. What was set on the command line has none. */
function where(path: Path, document: Document, lines: LineCounter): string {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const pair = isMap(parent)
    ? parent.items.find(({ key }) => (isScalar(key) ? key.value : key) === path.at(-1))
    : undefined;
  const node = pair?.key ?? document.getIn(path, true);
  const fromFile = pair === undefined || !isNode(pair.value) || pair.value.range != null;
  return isNode(node) && node.range && fromFile ? `line ${lines.linePos(node.range[0]).line}` : '--set';
}

/** Every key that the schema knows, as a path; `*` stands for any name. */
function knownKeys(schema: z.core.JSONSchema.JSONSchema, path: string[] = []): string[][] {
  const inner = (value: z.core.JSONSchema._JSONSchema, key: string): string[][] => {
    const here = [...path, key];
    return [here, ...(typeof value === 'object' ? knownKeys(value, here) : [])];
  };
  const alternatives = [schema.anyOf, schema.oneOf, schema.allOf].flatMap((list) => list ?? []);
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, value]) => inner(value, key)),
    ...(typeof schema.additionalProperties === 'object' ? inner(schema.additionalProperties, '*') : []),
    ...alternatives.flatMap((alternative) => (typeof alternative === 'object' ? knownKeys(alternative, path) : [])),
  ];
}

/** The key with the most similar spelling; one in the same place wins unless another is much closer. */
function nearestKey(path: string[], schema: z.ZodType): string {
  const elsewhere = 2;
  const fits = (known: string[]): boolean =>
    known.length === path.length && known.slice(0, -1).every((key, depth) => key === '*' || key === path[depth]);
  const cost = (known: string[]): number =>
    distance(path[path.length - 1], known[known.length - 1]) + (fits(known) ? 0 : elsewhere);
  const known = knownKeys(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })).filter(
    (keys) => keys[keys.length - 1] !== '*',
  );
  const best = known.reduce((a, b) => (cost(b) < cost(a) ? b : a));
  return fits(best) ? [...path.slice(0, -1), best[best.length - 1]].join('.') : best.join('.');
}
