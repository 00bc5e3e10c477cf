import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(__dirname, '..', '..');

/** Files that break the rules, each in the layer whose rules it breaks. They exist only while ESLint reads them. */
const probes = {
  'libs/store/src/lint-probe-ambient.ts': [
    "import { connect } from 'node:net';", "import type { Server } from '@grpc/grpc-js';",
    'export const now = (): number => Date.now() + Math.random();', 'export const date = (): Date => new Date();',
    'export const later = (f: () => void): unknown => setTimeout(f, 1);', 'export const c = connect; export type S = Server;',
    'export const signal = (): AbortSignal => AbortSignal.timeout(5);', 'export const at = (): number => performance.now();',
  ],
  'libs/base/src/lint-probe-upward.ts': ["import type { ApiClient } from '@navarch/client';", 'export type A = ApiClient;'],
  'apps/proxy/src/lint-probe-sideways.ts': ["import { probe } from '../../scheduler/src/lint-probe-target';", 'export const p = probe;'],
  'apps/scheduler/src/lint-probe-target.ts': ['export const probe = 1;'],
  'libs/base/src/lint-probe-style.ts': [
    "export * from './index';", 'export const f = async (x: any): Promise<void> => { await x; };', 'f(1);',
  ],
  'libs/base/src/lint-probe-cycle.ts': ["import { b } from './lint-probe-cycle-back';", 'export const a = 1 + Number(b);'],
  'libs/base/src/lint-probe-cycle-back.ts': ["import { a } from './lint-probe-cycle';", 'export const b = a;'],
} as const;

describe('the lint rules that hold the architecture', () => {
  let broken: Readonly<Record<string, string[]>>;

  beforeAll(() => {
    const paths = Object.keys(probes).map((file) => join(root, file));
    for (const [file, lines] of Object.entries(probes)) writeFileSync(join(root, file), `${lines.join('\n')}\n`);
    try {
      const run = spawnSync(join(root, 'node_modules/.bin/eslint'), ['--format', 'json', ...paths], { cwd: root, env: { ...process.env, NX_DAEMON: 'false' } });
      const results = JSON.parse(run.stdout.toString()) as { filePath: string; messages: { ruleId: string }[] }[];
      broken = Object.fromEntries(results.map(({ filePath, messages }) => [relative(root, filePath), messages.map(({ ruleId }) => ruleId)]));
    } finally {
      for (const path of paths) rmSync(path);
    }
  }, 120_000);

  it('reject clock, random, timers and sockets in a deterministic layer', () => {
    expect(broken['libs/store/src/lint-probe-ambient.ts']).toEqual(expect.arrayContaining(
      ['no-restricted-globals', 'no-restricted-imports', 'no-restricted-properties', 'no-restricted-syntax']));
  });

  it('reject an import against the layers, and any import of one app by another', () => {
    expect(broken['libs/base/src/lint-probe-upward.ts']).toContain('@nx/enforce-module-boundaries');
    expect(broken['apps/proxy/src/lint-probe-sideways.ts']).toContain('@nx/enforce-module-boundaries');
  });

  it('reject export *, any and floating promises', () => {
    expect(broken['libs/base/src/lint-probe-style.ts']).toEqual(expect.arrayContaining(
      ['@typescript-eslint/no-explicit-any', '@typescript-eslint/no-floating-promises', 'no-restricted-syntax']));
  });

  it('reject an import cycle between files', () => {
    expect(broken['libs/base/src/lint-probe-cycle.ts']).toContain('import-x/no-cycle');
  });
});
