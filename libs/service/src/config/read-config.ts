import { toError } from '@navarch/base';
import { parse } from 'yaml';

import { BadValue, flagName, parseValue, variableName, type ConfigField, type ConfigFields, type ConfigOf, type ConfigValue } from './field';
import { helpText } from './help';

export interface ConfigSources {
  /** Without the node binary and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a text file; throws what fs throws. */
  readonly readFile: (path: string) => string;
}

export type ConfigResult<F extends ConfigFields> =
  | { readonly outcome: 'config'; readonly config: ConfigOf<F> }
  | { readonly outcome: 'help'; readonly text: string }
  /** One line each. */
  | { readonly outcome: 'problems'; readonly problems: readonly string[] };

/** A value with where it came from, for messages. */
interface Given {
  readonly source: string;
  readonly value: unknown;
}

/**
 * One rule for all processes: a flag wins over the environment, the environment over the file that --config (or
 * NAVARCH_CONFIG) names, the file over the default. Pure but for `readFile`. Variables of other names are left alone,
 * unknown flags and unknown keys of the file are problems.
 */
export function readConfig<F extends ConfigFields>(processName: string, fields: F, sources: ConfigSources): ConfigResult<F> {
  if (sources.argv.includes('--help') || sources.argv.includes('-h')) return { outcome: 'help', text: helpText(processName, fields) };
  const problems: string[] = [];
  const flags = readFlags(fields, sources.argv, problems);
  const file = readFileLayer(fields, flags.get('config')?.value ?? sources.env['NAVARCH_CONFIG'], sources, problems);
  const config: Record<string, ConfigValue | undefined> = {};
  for (const [name, field] of Object.entries(fields)) {
    const given = flags.get(name) ?? fromEnv(name, sources.env) ?? file.get(name);
    config[name] = valueOf(name, field, given ?? secretFromFile(name, field, flags, file, sources, problems), problems);
  }
  if (problems.length > 0) return { outcome: 'problems', problems };
  return { outcome: 'config', config: Object.freeze(config) as ConfigOf<F> };
}

function valueOf(name: string, field: ConfigField, given: Given | undefined, problems: string[]): ConfigValue | undefined {
  if (!given) {
    if ('required' in field && field.required) problems.push(`--${flagName(name)}${field.type === 'secret' ? '-file' : ''} is missing: ${field.description}`);
    if ('default' in field && field.default !== undefined) return field.default;
    return field.type === 'list' ? Object.freeze([]) : field.type === 'boolean' ? false : undefined;
  }
  try {
    return parseValue(field, given.value);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    problems.push(`${given.source}: ${field.type === 'secret' ? 'the value' : JSON.stringify(given.value)} is not right: ${error.message}`);
    return undefined;
  }
}

function readFlags(fields: ConfigFields, argv: readonly string[], problems: string[]): Map<string, Given> {
  const names = flagNames(fields);
  const given = new Map<string, Given>();
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    const [, flag = '', equals] = /^--([^=]+)(=.*)?$/s.exec(argument) ?? [];
    const negated = flag.startsWith('no-') && !names.has(flag) ? names.get(flag.slice(3)) : undefined;
    const name = names.get(flag) ?? (negated && fields[negated]?.type === 'boolean' ? negated : undefined);
    const field = name === undefined ? undefined : fields[name];
    if (name === undefined) {
      problems.push(flag ? `--${flag} is not a flag of this process; --help lists them` : `"${argument}" is not expected here: values are given as --flag value`);
      // What follows an unknown flag is most likely its value: one mistake, one line.
      if (flag && !equals && argv[index + 1]?.startsWith('--') === false) index++;
      continue;
    }
    let value: unknown = equals?.slice(1);
    if (field?.type === 'boolean' && !(negated && equals)) value ??= !negated;
    else if (value === undefined) value = argv[++index];
    if (negated && equals) problems.push(`--${flag} takes no value`);
    else if (value === undefined) problems.push(`--${flag}: give a value`);
    else if (field?.type === 'secret') problems.push(`--${flag} is not taken on the command line, where others can read it: use --${flag}-file or ${variableName(name)}`);
    else take(given, name, field, { source: `--${flag}`, value }, problems);
  }
  return given;
}

function take(given: Map<string, Given>, name: string, field: ConfigField | undefined, next: Given, problems: string[]): void {
  const before = given.get(name);
  if (!before) given.set(name, next);
  else if (field?.type === 'list') given.set(name, { source: next.source, value: [before.value, next.value].flat() });
  else problems.push(`${next.source} is given twice`);
}

/** Flag → field; `config` and the file flags of secrets are flags without a field of their own. */
function flagNames(fields: ConfigFields): Map<string, string> {
  const names = new Map([['config', 'config']]);
  for (const [name, field] of Object.entries(fields)) {
    names.set(flagName(name), name);
    if (field.type === 'secret') names.set(`${flagName(name)}-file`, `${name}File`);
  }
  return names;
}

function fromEnv(name: string, env: ConfigSources['env']): Given | undefined {
  const value = env[variableName(name)];
  return value === undefined || value === '' ? undefined : { source: variableName(name), value };
}

function readFileLayer(fields: ConfigFields, path: unknown, { readFile }: ConfigSources, problems: string[]): Map<string, Given> {
  const given = new Map<string, Given>();
  if (typeof path !== 'string' || path === '') return given;
  try {
    const content: unknown = parse(readFile(path)) ?? {};
    if (typeof content !== 'object' || Array.isArray(content)) throw new Error('it must hold "name: value" lines');
    const known = new Set(Object.entries(fields).flatMap(([name, field]) => (field.type === 'secret' ? [name, `${name}File`] : [name])));
    for (const [name, value] of Object.entries(content as Record<string, unknown>)) {
      if (!known.has(name)) problems.push(`${path}: ${name} is not a setting of this process; --help lists them`);
      else if (value !== null) given.set(name, { source: `${path}: ${name}`, value });
    }
  } catch (error) {
    problems.push(`--config ${path}: ${readProblem(error)}`);
  }
  return given;
}

function secretFromFile(
  name: string, field: ConfigField, flags: Map<string, Given>, file: Map<string, Given>, { env, readFile }: ConfigSources, problems: string[],
): Given | undefined {
  if (field.type !== 'secret') return undefined;
  const named = flags.get(`${name}File`) ?? fromEnv(`${name}File`, env) ?? file.get(`${name}File`);
  if (!named) return undefined;
  try {
    return { source: String(named.value), value: readFile(String(named.value)).trim() };
  } catch (error) {
    problems.push(`${named.source} ${String(named.value)}: ${readProblem(error)}`);
    return undefined;
  }
}

function readProblem(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'no such file' : (toError(error).message.split('\n')[0] ?? '');
}
