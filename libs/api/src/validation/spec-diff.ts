import { deepEqual } from '../deep-equal';

/** Where two specs differ, one line each, as `-` old and `+` new. */
export function specDiff(before: object, after: object): string {
  return differences(before, after, '').map(({ path, was, now }) => `- ${path}: ${print(was)}\n+ ${path}: ${print(now)}`).join('\n');
}

interface Difference {
  readonly path: string;
  readonly was: unknown;
  readonly now: unknown;
}

function differences(was: unknown, now: unknown, path: string): Difference[] {
  if (deepEqual(was, now)) return [];
  if (!isContainer(was) || !isContainer(now) || Array.isArray(was) !== Array.isArray(now)) return [{ path, was, now }];
  const keys = new Set([...Object.keys(was), ...Object.keys(now)]);
  return [...keys].flatMap((key) => differences(own(was, key), own(now, key), step(path, key, Array.isArray(was))));
}

function own(holder: object, key: string): unknown {
  return Object.hasOwn(holder, key) ? (holder as Record<string, unknown>)[key] : undefined;
}

function step(path: string, key: string, inArray: boolean): string {
  if (inArray) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

function print(value: unknown): string {
  return value === undefined ? '<unset>' : JSON.stringify(value);
}
