import tseslint from 'typescript-eslint';

// The rooms of the house, left to right. A room imports only from rooms to its right; `evaluation` and `listening`
// stand side by side. errors.ts and statistics.ts are the floor that all stand on.
const rooms = [
  ['cli'],
  ['bench'],
  ['training'],
  ['evaluation', 'listening'],
  ['synthesis'],
  ['model'],
  ['sparsity'],
  ['data'],
  ['audio'],
  ['kernels'],
];

const zones = rooms.flatMap((level, index) =>
  level.map((room) => ({
    files: [`src/${room}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                ...rooms
                  .slice(0, index)
                  .flat()
                  .map((left) => `**/${left}/**`),
                '**/index.js',
                '!./index.js',
                '!../kernels/index.js',
                '!**/kernels/index.js',
              ],
              message: `src/${room} imports only from the rooms to its right (see eslint.config.js).`,
            },
          ],
        },
      ],
    },
  })),
);

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'node_modules/', 'runs/', 'data/'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'prefer-const': 'error',
    },
  },
  { files: ['src/cli/**', 'scripts/**', 'test/**'], rules: { 'no-console': 'off' } },
  ...zones,
);
