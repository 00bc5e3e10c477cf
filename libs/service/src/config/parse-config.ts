import { readFileSync } from 'node:fs';

import type { ConfigFields, ConfigOf } from './field';
import { readConfig } from './read-config';

/** Exit code for wrong configuration, as shells use it for wrong usage. */
const usageError = 2;

/**
 * The configuration of this process, frozen. --help prints the fields and exits with 0; anything wrong prints one line per
 * problem to stderr, which names the field and what would be right, and exits with 2.
 *
 *     const config = parseConfig({ ...processFields, server: { type: 'string', default: '127.0.0.1:7443', description: '…' } },
 *       { name: 'navarch-scheduler', argv: process.argv.slice(2), env: process.env });
 */
export function parseConfig<const F extends ConfigFields>(
  fields: F, { name, argv, env }: { readonly name: string; readonly argv: readonly string[]; readonly env: Readonly<Record<string, string | undefined>> },
): ConfigOf<F> {
  const result = readConfig(name, fields, { argv, env, readFile: (path) => readFileSync(path, 'utf8') });
  if (result.outcome === 'config') return result.config;
  if (result.outcome === 'help') {
    process.stdout.write(result.text);
    process.exit(0);
  }
  process.stderr.write(result.problems.map((problem) => `${name}: ${problem}\n`).join(''));
  process.exit(usageError);
}
