import type { ObjectKey } from './object-log';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a subject of the log begins with unless told; each log (objects, events) has its own. */
export const defaultSubjectPrefix = 'kube';

/**
 * The subject of a key: `<prefix>.<group>.<resource>.<namespace>.<name>`. Letters, digits and '-' stand for themselves, an
 * empty token is '_', everything else is percent-encoded UTF-8 (`%uXXXX` for an unpaired surrogate): one to one for any strings.
 */
export function subjectOf(key: ObjectKey, prefix: string = defaultSubjectPrefix): string {
  return `${prefix}.${escapeToken(key.group)}.${escapeToken(key.resource)}.${escapeToken(key.namespace)}.${escapeToken(key.name)}`;
}

/** The key of a subject that `subjectOf` made; undefined for any other, as for the log's own records. */
export function keyOf(subject: string, prefix: string = defaultSubjectPrefix): ObjectKey | undefined {
  if (!subject.startsWith(`${prefix}.`)) return undefined;
  const tokens = subject.slice(prefix.length + 1).split('.').map(unescapeToken);
  const [group, resource, namespace, name] = tokens;
  if (tokens.length !== 4 || group === undefined || resource === undefined || namespace === undefined || name === undefined) return undefined;
  return { group, resource, namespace, name };
}

/** `<resource>.<group> <namespace>/<name>`, for messages to people. */
export function describeKey(key: ObjectKey): string {
  return `${key.group ? `${key.resource}.${key.group}` : key.resource} ${key.namespace ? `${key.namespace}/` : ''}${key.name}`;
}

function escapeToken(text: string): string {
  if (text === '') return '_';
  return /^[A-Za-z0-9-]+$/.test(text) ? text : Array.from(text, escapeCharacter).join('');
}

function escapeCharacter(character: string): string {
  if (/^[A-Za-z0-9-]$/.test(character)) return character;
  const code = character.codePointAt(0) as number;
  if (code >= 0xd800 && code <= 0xdfff) return `%u${code.toString(16).toUpperCase()}`;
  return Array.from(encoder.encode(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function unescapeToken(token: string): string | undefined {
  if (token === '_') return '';
  if (/^[A-Za-z0-9-]+$/.test(token)) return token;
  if (!/^(?:[A-Za-z0-9-]|%[0-9A-F]{2}|%u[0-9A-F]{4})+$/.test(token)) return undefined;
  return token.replace(/%u([0-9A-F]{4})|(?:%[0-9A-F]{2})+/g, (run, unit: string | undefined) => (unit
    ? String.fromCharCode(parseInt(unit, 16))
    : decoder.decode(Uint8Array.from(run.slice(1).split('%'), (hex) => parseInt(hex, 16)))));
}
