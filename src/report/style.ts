/** How many colours there are for systems; more systems use them again. */
const colours = 6;

/** The class that colours a system, by its number. */
export const seriesColour = (system: number): string => `s${system % colours}`;

/** The style sheet of all reports: light and dark, wide and narrow, no font or picture from elsewhere. */
export const style = `
:root { color-scheme: light dark; --page: #fff; --card: #f6f7f9; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de;
  --accent: #0969da; --s0: #0072b2; --s1: #c2540a; --s2: #00795a; --s3: #a3457b; --s4: #6b5bd2; --s5: #8a6d00; }
@media (prefers-color-scheme: dark) { :root { --page: #0f1318; --card: #181d24; --ink: #e6edf3; --soft: #9aa5b1;
  --line: #333b45; --accent: #6cb6ff; --s0: #5ab4ef; --s1: #ff9a57; --s2: #3fcf9f; --s3: #ee8fc4; --s4: #ac9ffc;
  --s5: #e2c044; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
h3 { font-size: 1.05rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p, dd, li { max-width: 46rem; }
p { margin: .5rem 0; }
a { color: var(--accent); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: 1rem 0 0; }
.soft, caption, figcaption { color: var(--soft); font-size: .875rem; }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2.25rem; margin: 1rem 0; }
.figures dt { margin: 0; color: var(--soft); font-size: .875rem; font-weight: 400; }
.figures dd { font-size: 1.5rem; font-weight: 600; line-height: 1.2; }
.scroll { overflow-x: auto; margin: .75rem 0; }
.scroll:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { padding: .3rem .75rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; position: sticky; left: 0; background: var(--page); }
.clip th:first-child { background: var(--card); }
thead th { vertical-align: bottom; white-space: normal; min-width: 5rem; }
tbody :is(th, td) { vertical-align: top; }
tbody th { font-weight: 500; }
.text { text-align: left; }
td.text { white-space: normal; min-width: 12rem; overflow-wrap: anywhere; }
b, .best { font-weight: 700; }
small { color: var(--soft); }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); }
.card, .clip { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem;
  margin: 0; }
.clip { margin-bottom: 1.25rem; }
.panels { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
  margin: .75rem 0; }
figure { margin: 0; }
figure img { display: block; width: 100%; height: 12rem; border-radius: .25rem; }
figcaption { margin: .25rem 0; }
audio { display: block; width: 100%; height: 2.5rem; margin-top: .35rem; }
.badge { display: inline-block; font-size: .8rem; font-weight: 500; border: 1px solid currentColor; border-radius: 1rem;
  padding: 0 .6rem; margin-left: .5rem; color: var(--soft); }
.key { display: inline-block; width: .75rem; height: .75rem; border-radius: 50%; background: currentColor;
  margin-right: .4rem; vertical-align: -.05rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; }
.wide { max-width: 56rem; }
@media (max-width: 40rem) { .wide text { font-size: 21px; } }
svg .name, svg .value { fill: var(--ink); stroke: var(--card); stroke-width: 4px; paint-order: stroke; }
svg .axis { stroke: var(--line); }
svg .compared { stroke: var(--soft); stroke-dasharray: 4 3; }
svg .box { fill: currentColor; opacity: .2; }
svg .dot { fill: currentColor; opacity: .45; }
svg .interval { stroke: currentColor; stroke-width: 3; stroke-linecap: round; }
svg .mean { fill: var(--page); stroke: currentColor; stroke-width: 2.5; }
svg .line { fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linejoin: round; }
.original { color: var(--ink); }
svg .line.original { stroke-width: 5; opacity: .28; }
${Array.from({ length: colours }, (_, i) => `.s${i} { color: var(--s${i}); }`).join('\n')}
dt { font-weight: 600; margin-top: .75rem; }
dd { margin: 0; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .75rem; }
@media print { audio, nav { display: none; } .card, .clip { break-inside: avoid; } }
`;
