import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { JsonObject, JsonValue } from '@navarch/api';
import { parseAllDocuments } from 'yaml';

export interface Manifest {
  /** Where it was read, such as web.yaml#2. */
  readonly source: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly object: JsonObject;
}

/** A file, every .yaml, .yml and .json of a directory, or `-` for standard input. Throws for what is no object. */
export function readManifests(path: string): Manifest[] {
  if (path === '-') return parseManifests(readFileSync(0, 'utf8'), 'standard input');
  if (!statSync(path).isDirectory()) return parseManifests(readFileSync(path, 'utf8'), path);
  const files = readdirSync(path).filter((file) => /\.(ya?ml|json)$/.test(file)).sort();
  if (files.length === 0) throw new Error(`${path} has no .yaml, .yml or .json file`);
  return files.flatMap((file) => parseManifests(readFileSync(join(path, file), 'utf8'), join(path, file)));
}

/** Documents in their order; Lists are taken apart, empty documents left out. JSON is YAML too. */
export function parseManifests(text: string, source: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document, index) => {
    const where = `${source}#${index + 1}`;
    const problem = document.errors[0];
    if (problem) throw new Error(`${where}: ${problem.message}`);
    const value = document.toJS({ maxAliasCount: 100 }) as JsonValue;
    if (value === null) return [];
    return isObject(value) && value.kind === 'List' && Array.isArray(value.items)
      ? value.items.map((item, item0) => manifestOf(item, `${where}.items[${item0}]`))
      : [manifestOf(value, where)];
  });
}

function manifestOf(object: JsonValue, source: string): Manifest {
  if (!isObject(object)) throw new Error(`${source}: an object is wanted, with apiVersion, kind and metadata`);
  const metadata = isObject(object.metadata) ? object.metadata : {};
  const field = (name: string, value: JsonValue | undefined): string => {
    if (typeof value !== 'string' || value === '') throw new Error(`${source}: ${name} is missing`);
    return value;
  };
  return {
    source, object,
    apiVersion: field('apiVersion', object.apiVersion), kind: field('kind', object.kind), name: field('metadata.name', metadata.name),
    ...(typeof metadata.namespace === 'string' && { namespace: metadata.namespace }),
  };
}

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
