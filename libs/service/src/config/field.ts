/** The kinds of values a process is configured with, and how text becomes them. */
export type ConfigField =
  | (Base & { readonly type: 'string' } & Default<string>)
  | (Base & { readonly type: 'integer' | 'number'; readonly unit?: string; readonly min?: number; readonly max?: number } & Default<number>)
  /** Milliseconds in memory; written `500ms`, `10s`, `1m30s`, `2h`. */
  | (Base & { readonly type: 'duration'; readonly min?: number } & Default<number>)
  | (Base & { readonly type: 'boolean'; readonly default?: boolean })
  /** Separated by commas, or the flag given several times. */
  | (Base & { readonly type: 'list'; readonly default?: readonly string[]; readonly required?: boolean })
  | (Base & { readonly type: 'choice'; readonly choices: readonly string[] } & Default<string>)
  /** Never on the command line, where every process can read it: by NAVARCH_X, or a file named by --x-file or NAVARCH_X_FILE. */
  | (Base & { readonly type: 'secret'; readonly required?: boolean });

interface Base {
  readonly description: string;
}

interface Default<T> {
  readonly default?: T;
  readonly required?: boolean;
}

export type ConfigFields = Readonly<Record<string, ConfigField>>;

type ValueOf<F> =
  F extends { type: 'list' } ? readonly string[]
    : F extends { type: 'boolean' } ? boolean
      : F extends { type: 'integer' | 'number' | 'duration' } ? number
        : F extends { type: 'choice'; choices: readonly (infer Choice)[] } ? Choice
          : string;

type Given<F> = F extends { type: 'list' | 'boolean' } | { required: true } | { default: {} } ? ValueOf<F> : ValueOf<F> | undefined;

/** The configuration that these fields describe. */
export type ConfigOf<F extends ConfigFields> = { readonly [Name in keyof F]: Given<F[Name]> };

export type ConfigValue = string | number | boolean | readonly string[];

/** A value that the field does not take; the message says what would be right. */
export class BadValue extends Error {}

/** `nodeName` → `node-name`, as in --node-name. */
export const flagName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `nodeName` → `NAVARCH_NODE_NAME`. */
export const variableName = (name: string): string => `NAVARCH_${flagName(name).replaceAll('-', '_').toUpperCase()}`;

/** Reads one value as a flag, a variable or a YAML file gives it. Throws BadValue. */
export function parseValue(field: ConfigField, given: unknown): ConfigValue {
  switch (field.type) {
    case 'string':
    case 'secret':
      if (typeof given !== 'string' && typeof given !== 'number') throw new BadValue('give a text');
      return String(given);
    case 'integer':
    case 'number':
      return parseNumber(field, given);
    case 'duration':
      return parseDuration(field, given);
    case 'boolean':
      if (given === true || given === 'true') return true;
      if (given === false || given === 'false') return false;
      throw new BadValue('give true or false');
    case 'list':
      if (Array.isArray(given)) return Object.freeze(given.flatMap((each) => splitList(each)));
      return Object.freeze(splitList(given));
    case 'choice':
      if (typeof given === 'string' && field.choices.includes(given)) return given;
      throw new BadValue(`give one of: ${field.choices.join(', ')}`);
  }
}

function splitList(given: unknown): string[] {
  if (typeof given !== 'string' && typeof given !== 'number') throw new BadValue('give texts separated by commas');
  return String(given).split(',').map((item) => item.trim()).filter((item) => item !== '');
}

function parseNumber({ type, min = -Infinity, max = Infinity }: Extract<ConfigField, { type: 'integer' | 'number' }>, given: unknown): number {
  const text = String(given).trim();
  const value = /^[-+]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : NaN;
  const right = type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (right && value >= min && value <= max) return value;
  const range = min === -Infinity ? (max === Infinity ? '' : ` of at most ${max}`) : max === Infinity ? ` of at least ${min}` : ` from ${min} to ${max}`;
  throw new BadValue(`give a ${type === 'integer' ? 'whole ' : ''}number${range}`);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function parseDuration({ min = 0 }: Extract<ConfigField, { type: 'duration' }>, given: unknown): number {
  const text = String(given).trim();
  const example = 'give a duration such as 500ms, 10s or 1m30s';
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) throw new BadValue(example);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const ms = Math.round(parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0), 0));
  if (ms < min) throw new BadValue(`${example}, at least ${formatDuration(min)}`);
  return ms;
}

export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    const size = unitMs[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
