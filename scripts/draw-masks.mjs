// Draws how masks developed, from the events of runs of tts-train, as an SVG:
//   node scripts/draw-masks.mjs OUT.svg TITLE=RUN...
// For each run the share of blocks that each layer, or gate, keeps over the steps, on a logarithmic scale, and below it
// what share of the mask each exchange replaced, and of how many blocks it ever was.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [out, ...runs] = process.argv.slice(2);
if (runs.length === 0) {
  console.error('usage: node scripts/draw-masks.mjs OUT.svg TITLE=RUN...');
  process.exit(2);
}

/** The fields of a protobuf message: [number, value], values as numbers or bytes. */
function* fieldsOf(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    const length = wire === 2 ? varint() : wire === 1 ? 8 : 4;
    yield [key >>> 3, wire === 0 ? varint() : bytes.subarray(at, (at += length))];
  }
}

/** Scalars of a run's events by their tags: [step, value] each. */
function scalarsOf(run) {
  const scalars = new Map();
  const logs = join(run, 'logs');
  for (const name of readdirSync(logs).sort()) {
    const file = readFileSync(join(logs, name));
    // TFRecord: length, checksum, data, checksum.
    for (let at = 0; at + 16 <= file.length;) {
      const length = Number(file.readBigUInt64LE(at));
      const event = new Map(fieldsOf(file.subarray(at + 12, at + 12 + length)));
      at += length + 16;
      if (!(event.get(5) instanceof Buffer)) continue;
      for (const [, value] of fieldsOf(event.get(5))) {
        const parts = new Map(fieldsOf(value));
        if (!parts.has(2)) continue;
        const tag = parts.get(1).toString();
        if (!scalars.has(tag)) scalars.set(tag, []);
        scalars.get(tag).push([event.get(2) ?? 0, parts.get(2).readFloatLE(0)]);
      }
    }
  }
  return scalars;
}

const gateNames = new Map([
  ['recurrent/0', 'update gate'],
  ['recurrent/1', 'reset gate'],
  ['recurrent/2', 'candidate'],
]);
// Okabe and Ito: told apart by everyone.
const colours = ['#0072b2', '#56b4e9', '#009e73', '#d55e00', '#e69f00', '#cc79a7', '#000000'];
const [width, height, left, right, top, bottom] = [760, 250, 52, 118, 30, 34];
const strip = 90;

function panel(title, run, offset) {
  const scalars = scalarsOf(run);
  const densities = [...scalars].filter(([tag]) => tag.startsWith('masks/density/'));
  if (densities.length === 0) throw new Error(`${run} has no densities of masks in its events`);
  const named = densities.map(([tag, points]) => [tag.slice('masks/density/'.length), points]);
  // Where a layer's gates are there, the layer as a whole is left out.
  const groups = named.filter(([name]) => !named.some(([other]) => other.startsWith(`${name}/`)));
  const last = Math.max(...groups.map(([, points]) => points.at(-1)[0]));
  const lowest = Math.min(...groups.flatMap(([, points]) => points.map(([, share]) => share)));
  const decades = Math.min(4, Math.max(2, Math.ceil(-Math.log10(lowest))));
  const least = 10 ** -decades;
  const x = (step) => left + ((width - left - right) * step) / last;
  const y = (share) => top + (height - top - bottom) * (Math.log(Math.max(least, share)) / Math.log(least));
  const ticks = Array.from({ length: decades + 1 }, (_, decade) => 10 ** -decade).map(
    (share) =>
      `<path d="M${left} ${y(share)}H${width - right}" stroke="#ddd"/>` +
      `<text x="${left - 6}" y="${y(share) + 4}" text-anchor="end">${Number((share * 100).toPrecision(1))}%</text>`,
  );
  const steps = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<text x="${x(share * last)}" y="${height - bottom + 18}" text-anchor="middle">` +
      `${Math.round(share * last).toLocaleString('en-US')}</text>`,
  );
  const line = (points, placeOf, colour) => {
    const every = Math.ceil(points.length / 200);
    const kept = points.filter((_, at) => at % every === 0 || at === points.length - 1);
    const path = kept.map(([step, share]) => `${x(step).toFixed(1)} ${placeOf(share).toFixed(1)}`).join('L');
    return `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="1.8"/>`;
  };
  const lines = groups.map(([, points], i) => line(points, y, colours[i % colours.length]));
  // Names at the ends of their lines, moved apart.
  const labels = groups
    .map(([name, points], i) => ({ name: gateNames.get(name) ?? name, i, at: y(points.at(-1)[1]) }))
    .sort((a, b) => a.at - b.at || a.i - b.i);
  labels.forEach((label, i) => (label.at = Math.max(label.at, (labels[i - 1]?.at ?? 0) + 13)));
  const over = Math.max(0, labels.at(-1).at - (height - bottom));
  const names = labels.map(
    ({ name, i, at }) =>
      `<text x="${width - right + 6}" y="${at - over + 4}" fill="${colours[i % colours.length]}">${name}</text>`,
  );
  const low = height + strip - 24;
  const part = (share) => low - (strip - 34) * share;
  const below = [
    ...[0, 0.5, 1].map(
      (share) =>
        `<path d="M${left} ${part(share)}H${width - right}" stroke="#ddd"/>` +
        `<text x="${left - 6}" y="${part(share) + 4}" text-anchor="end">${share * 100}%</text>`,
    ),
    ...[
      ['masks/ever_active', 'ever in the mask', '#000000'],
      ['masks/churn', 'exchanged', '#d55e00'],
    ].map(([tag, name, colour]) => {
      const points = scalars.get(tag);
      const at = part(points.at(-1)[1]) + 4;
      return line(points, part, colour) + `<text x="${width - right + 6}" y="${at}" fill="${colour}">${name}</text>`;
    }),
  ];
  const heading = `<text x="${left}" y="18" font-weight="bold">${title}</text>`;
  return `<g transform="translate(0 ${offset})">${[heading, ...ticks, ...steps, ...lines, ...names, ...below].join('\n')}</g>`;
}

const panels = runs.map((run, i) => {
  const [title, folder] = run.split('=');
  return panel(title, folder, i * (height + strip));
});
const size = `width="${width}" height="${(height + strip) * panels.length}"`;
writeFileSync(
  out,
  `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12" fill="#333">\n` +
    `<rect ${size} fill="#fff"/>\n${panels.join('\n')}\n</svg>\n`,
);
