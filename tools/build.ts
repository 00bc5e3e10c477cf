/** Bundles apps into dist/apps/<app>/main.js (and x-main.ts into x-main.js): our own code in one file, packages from node_modules as they are. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { build } from 'esbuild';

const root = join(__dirname, '..');

async function buildApp(app: string): Promise<void> {
  const source = join(root, 'apps', app, 'src');
  if (!existsSync(join(source, 'main.ts'))) throw new Error(`no such app: ${app} (${join(source, 'main.ts')} does not exist)`);
  const entries = readdirSync(source).filter((file) => /^(?:.+-)?main\.ts$/.test(file));
  await build({
    entryPoints: entries.map((file) => join(source, file)),
    outdir: join(root, 'dist', 'apps', app),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    packages: 'external',
    alias: {},
    tsconfig: join(root, 'tsconfig.base.json'),
    sourcemap: 'linked',
    logLevel: 'warning',
  });
}

void Promise.all(process.argv.slice(2).map(buildApp)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
