import nx from '@nx/eslint-plugin';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

// What a deterministic layer may not reach by itself (docs: "Built to be simulated"): clock, random and timers are injected.
const noAmbient = {
  'no-restricted-globals': ['error',
    ...['setTimeout', 'setInterval', 'setImmediate', 'performance', 'crypto', 'fetch'].map((name) => ({ name, message: 'inject a Clock, Random or transport (libs/base)' }))],
  'no-restricted-properties': ['error',
    { object: 'Date', property: 'now', message: 'use the injected Clock' },
    { object: 'Math', property: 'random', message: 'use the injected Random' },
    { object: 'AbortSignal', property: 'timeout', message: 'use deadlineSignal with the injected Clock' }],
  'no-restricted-syntax': ['error',
    { selector: 'ExportAllDeclaration', message: 'name what a module exports' },
    { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'use the injected Clock' }],
  'no-restricted-imports': ['error', {
    paths: ['node:crypto', 'node:net', 'node:http', 'node:https', 'node:tls', 'node:fs', 'node:fs/promises', 'node:child_process', 'node:timers', 'node:timers/promises', 'node:perf_hooks', 'node:dgram', 'node:os']
      .map((name) => ({ name, message: 'deterministic layers do not touch the machine' })),
    patterns: [{ regex: '^@opentelemetry/(?!api$)', message: 'libraries import @opentelemetry/api only' }, { regex: '^(@grpc|@nats-io)/', message: 'transports live in adapters' }],
  }],
};

const layers = [
  ['layer:proto', []],
  ['layer:base', ['layer:proto']],
  ['layer:api', ['layer:proto', 'layer:base']],
  ['layer:core', ['layer:proto', 'layer:base', 'layer:api', 'layer:core']],
  ['layer:adapter', ['layer:proto', 'layer:base', 'layer:api', 'layer:core', 'layer:adapter']],
  ['layer:app', ['layer:proto', 'layer:base', 'layer:api', 'layer:core', 'layer:adapter']],
];

export default tseslint.config(
  { ignores: ['node_modules', 'dist', '.nx', '.navarch', 'libs/proto/gen', 'coverage', '**/*.js', '**/*.mjs'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.base],
    plugins: { '@nx': nx, 'import-x': importX },
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    settings: { 'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] }, 'import-x/extensions': ['.ts'], 'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })] },
    rules: {
      '@nx/enforce-module-boundaries': ['error', {
        enforceBuildableLibDependency: false,
        allow: [],
        depConstraints: layers.map(([sourceTag, onlyDependOnLibsWithTags]) => ({ sourceTag, onlyDependOnLibsWithTags })),
      }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'no-restricted-syntax': ['error', { selector: 'ExportAllDeclaration', message: 'name what a module exports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      'prefer-const': 'error',
      'no-var': 'error',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 450, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ['**/*.spec.ts', '**/testing/**/*.ts', '**/testdata/**/*.ts'], rules: { 'max-lines': 'off' } },
  // Sentences as data.
  { files: ['libs/api/src/documentation/*.ts'], rules: { 'max-lines': 'off' } },
  // Benchmarks and the simulation put several apps into one process.
  { files: ['tools/**/*.ts'], rules: { '@nx/enforce-module-boundaries': 'off' } },
  {
    files: ['libs/{base,api,store,client}/src/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/testing/**', 'libs/base/src/system-clock.ts', 'libs/base/src/system-random.ts'],
    rules: noAmbient,
  },
);
