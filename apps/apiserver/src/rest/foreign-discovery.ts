import type { JsonObject } from '@navarch/api';

import type { ForeignDocument } from '../core/foreign/foreign-apis';
import { compareVersionNames } from './discovery';

/** What other servers' APIs add to the documents of discovery. A group's versions come from one server or from several. */
function groupsOf(documents: readonly ForeignDocument[]): [string, ForeignDocument[]][] {
  const groups = new Map<string, ForeignDocument[]>();
  for (const document of documents) groups.set(document.group, [...(groups.get(document.group) ?? []), document]);
  const order = (versions: ForeignDocument[]): ForeignDocument[] => versions.sort((a, b) => b.versionPriority - a.versionPriority || compareVersionNames(a.version, b.version));
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, versions]) => [group, order(versions)]);
}

function groupDocument(group: string, versions: readonly ForeignDocument[]): JsonObject {
  const listed = versions.map(({ version }) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: listed, preferredVersion: listed[0] as JsonObject };
}

/** /apis. */
export function withForeignGroups(own: JsonObject, documents: readonly ForeignDocument[]): JsonObject {
  return { ...own, groups: [...(own['groups'] as JsonObject[]), ...groupsOf(documents).map(([group, versions]) => groupDocument(group, versions))] };
}

/** /apis/GROUP; undefined where nobody serves it. */
export function foreignGroup(documents: readonly ForeignDocument[], group: string): JsonObject | undefined {
  const versions = groupsOf(documents).find(([name]) => name === group)?.[1];
  return versions && { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(group, versions) };
}

/** Aggregated discovery: a server that does not answer is listed with what it said last, as stale. */
export function withForeignItems(own: JsonObject, documents: readonly ForeignDocument[]): JsonObject {
  const items = groupsOf(documents).map(([group, versions]) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: versions.map(({ version, resources, available }) => ({ version, freshness: available ? 'Current' : 'Stale', resources: aggregated(group, version, resources) })),
  }));
  return { ...own, items: [...(own['items'] as JsonObject[]), ...items] };
}

/** An APIResourceList's entries, where subresources are entries of their own, as aggregated ones. */
function aggregated(group: string, version: string, entries: readonly JsonObject[]): JsonObject[] {
  const kindOf = (entry: JsonObject): JsonObject => ({ group: text(entry['group']) || group, version: text(entry['version']) || version, kind: text(entry['kind']) });
  const named = entries.map((entry) => ({ entry, name: text(entry['name']).split('/') }));
  return named.filter(({ name }) => name.length === 1).map(({ entry, name: [plural = ''] }): JsonObject => {
    const subresources = named.filter(({ name }) => name.length === 2 && name[0] === plural).map(({ entry: below, name }): JsonObject => ({ subresource: name[1] ?? '', responseKind: kindOf(below), verbs: below['verbs'] ?? [] }));
    return {
      resource: plural, responseKind: kindOf(entry), scope: entry['namespaced'] === true ? 'Namespaced' : 'Cluster', singularResource: text(entry['singularName']), verbs: entry['verbs'] ?? [],
      ...(entry['shortNames'] !== undefined && { shortNames: entry['shortNames'] }), ...(entry['categories'] !== undefined && { categories: entry['categories'] }),
      ...(subresources.length > 0 && { subresources }),
    };
  });
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
