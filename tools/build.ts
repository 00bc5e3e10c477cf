/** Bundles apps into dist/apps/<app>/main.js: our own code in one file, packages from node_modules as they are. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { build } from 'esbuild';

const root = join(__dirname, '..');

async function buildApp(app: string): Promise<void> {
  const entry = join(root, 'apps', app, 'src', 'main.ts');
  if (!existsSync(entry)) throw new Error(`no such app: ${app} (${entry} does not exist)`);
  await build({
    entryPoints: [entry],
    outfile: join(root, 'dist', 'apps', app, 'main.js'),
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
