// The rooms of the house, left to right: a room imports only from itself and from rooms to its right. `evaluation` and
// `listening`, `http`, `report` and `text` stand side by side and do not see each other. `src/index.ts` and `src/browser.ts` are the doors.
const rooms = [
  ['cli'],
  ['cluster'],
  ['bench'],
  ['training'],
  ['evaluation', 'listening'],
  ['speech'],
  ['synthesis'],
  ['model'],
  ['sparsity'],
  ['data'],
  ['audio'],
  ['kernels'],
  ['http', 'report', 'text'],
  ['base'],
];

const inside = (names) => `^src/(${names.join('|')})/`;

module.exports = {
  forbidden: [
    ...rooms.flatMap((level, index) =>
      level.map((room) => {
        const right = [room, ...rooms.slice(index + 1).flat()];
        return {
          name: `${room}-looks-right`,
          comment: `src/${room} imports only from the rooms to its right`,
          severity: 'error',
          from: { path: inside([room]), pathNot: '\\.test\\.ts$' },
          to: { path: '^(src|test)/', pathNot: inside(right) },
        };
      }),
    ),
    { name: 'no-circles', severity: 'error', from: { path: '^src' }, to: { circular: true } },
    {
      name: 'kernels-through-the-door',
      comment: 'nothing outside src/kernels knows which kernels run: import src/kernels/index.ts or its interface',
      severity: 'error',
      from: { path: '^src', pathNot: ['^src/kernels/', '^src/browser\\.ts$', '\\.test\\.ts$'] },
      to: { path: '^src/kernels/', pathNot: ['^src/kernels/index\\.ts$', '^src/kernels/interface/'] },
    },
    {
      name: 'page-is-its-own',
      comment: 'the listening page runs in a browser and shares only the protocol',
      severity: 'error',
      from: { path: '^src/listening/page/' },
      to: { pathNot: ['^src/listening/page/', '^src/listening/protocol\\.ts$'] },
    },
    {
      name: 'page-of-speech-is-its-own',
      comment: 'the page of tts-speak serve runs in a browser and shares nothing',
      severity: 'error',
      from: { path: '^src/speech/page/' },
      to: { pathNot: '^src/speech/page/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
