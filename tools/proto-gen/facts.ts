import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One field as the fact files list it: number, name, type, label. */
export type FactField = readonly [number: number, name: string, type: string, label: 'optional' | 'repeated' | 'map'];

/** The message tables of one fact file, with the notes that start with an underscore taken apart. */
export interface MessageFacts {
  readonly messages: ReadonlyMap<string, readonly FactField[]>;
  readonly jsonInline: Readonly<Record<string, readonly string[]>>;
  readonly jsonName: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly jsonArray: readonly string[];
  readonly jsonCustom: readonly string[];
  readonly formerNumbers: Readonly<Record<string, readonly (readonly [number, string])[]>>;
}

export interface ResourceFacts {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly (readonly [name: string, kind: string, verbs: readonly string[]])[];
}

export interface CriFacts {
  readonly messages: ReadonlyMap<string, readonly FactField[]>;
  readonly services: Readonly<Record<string, readonly (readonly [string, string, string, boolean, boolean])[]>>;
  readonly enums: Readonly<Record<string, readonly (readonly [number, string])[]>>;
  readonly fieldOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface PresenceFacts {
  readonly pointer?: readonly string[];
  readonly always?: readonly string[];
  readonly omitzero?: readonly string[];
}

const factsDirectory = join(__dirname, '..', 'facts');

export function readFacts(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(factsDirectory, name), 'utf8')) as Record<string, unknown>;
}

function tablesOf(raw: Record<string, unknown>): Map<string, readonly FactField[]> {
  const rows = Object.entries(raw).filter(([name]) => !name.startsWith('_'));
  return new Map(rows as [string, readonly FactField[]][]);
}

/** All Kubernetes messages: the main fact file and its supplement as one table. */
export function readMessageFacts(): MessageFacts {
  const parts = ['k8s-messages.json', 'k8s-messages-extra.json'].map(readFacts);
  const merged = <T>(key: string): T => Object.assign({}, ...parts.map((part) => part[key])) as T;
  const joined = (key: string): string[] => parts.flatMap((part) => part[key] as string[]);
  return {
    messages: new Map(parts.flatMap((part) => [...tablesOf(part)])),
    jsonInline: merged('_jsonInline'),
    jsonName: merged('_jsonName'),
    jsonArray: joined('_jsonArray'),
    jsonCustom: joined('_jsonCustom'),
    formerNumbers: merged('_formerNumbers'),
  };
}

export function readCriFacts(): CriFacts {
  const raw = readFacts('cri-v1.json');
  return {
    messages: tablesOf(raw),
    services: raw['_services'] as CriFacts['services'],
    enums: raw['_enums'] as CriFacts['enums'],
    fieldOptions: raw['_fieldOptions'] as CriFacts['fieldOptions'],
  };
}

export function readResourceFacts(): readonly ResourceFacts[] {
  return readFacts('k8s-resources.json')['resources'] as readonly ResourceFacts[];
}

export function readPresenceFacts(): Readonly<Record<string, PresenceFacts>> {
  return readFacts('k8s-presence.json') as Record<string, PresenceFacts>;
}
