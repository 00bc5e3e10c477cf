import type { JsonObject, Resource } from '@navarch/api';

/** The documents by which clients learn which resources there are: per version, per group, and aggregated (KEP-3352). */
const preferredOrder = ['', 'apps', 'batch', 'autoscaling'];

function groupsOf(resources: readonly Resource[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { group, version } of resources) {
    const versions = groups.get(group) ?? [];
    if (!versions.includes(version)) groups.set(group, [...versions, version].sort(compareVersionNames));
  }
  const rank = (group: string): number => (preferredOrder.includes(group) ? preferredOrder.indexOf(group) : preferredOrder.length);
  return new Map([...groups].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)));
}

/** Newest and stablest first: v2, v1, v1beta1, v1alpha1. */
export function compareVersionNames(a: string, b: string): number {
  const parts = (name: string): number[] => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(name);
    return match ? [match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0, Number(match[1]), Number(match[3] ?? 0)] : [-1, 0, 0];
  };
  const [left, right] = [parts(a), parts(b)];
  const at = left.findIndex((value, index) => value !== right[index]);
  return at < 0 ? 0 : (right[at] as number) - (left[at] as number);
}

function groupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** /api. */
export function coreVersions(serverAddress: string): JsonObject {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] };
}

function groupDocument(group: string, versions: readonly string[]): JsonObject {
  const listed = versions.map((version) => ({ groupVersion: groupVersion(group, version), version }));
  return { name: group, versions: listed, preferredVersion: listed[0] as JsonObject };
}

/** /apis. */
export function groupList(resources: readonly Resource[]): JsonObject {
  const groups = [...groupsOf(resources)].filter(([group]) => group !== '').map(([group, versions]) => groupDocument(group, versions));
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** /apis/GROUP; undefined where there is no such group. */
export function groupInfo(resources: readonly Resource[], group: string): JsonObject | undefined {
  const versions = groupsOf(resources).get(group);
  return versions && group !== '' ? { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(group, versions) } : undefined;
}

/** What discovery tells of a subresource: its own kind, where that is not the parent's, and its verbs. */
export interface SubresourceInfo {
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}
export type SubresourceTable = (resource: Resource, subresource: string) => SubresourceInfo;

/** /api/v1, /apis/GROUP/VERSION; undefined where nothing is served there. */
export function resourceList(resources: readonly Resource[], group: string, version: string, subresourceOf: SubresourceTable): JsonObject | undefined {
  const served = resources.filter((resource) => resource.group === group && resource.version === version);
  if (served.length === 0) return undefined;
  const entries = served.flatMap((resource): JsonObject[] => [
    {
      name: resource.plural, singularName: resource.singular, namespaced: resource.namespaced, kind: resource.kind, verbs: [...resource.verbs],
      ...(resource.shortNames.length > 0 && { shortNames: [...resource.shortNames] }), ...(resource.categories.length > 0 && { categories: [...resource.categories] }),
    },
    ...resource.subresources.map((subresource): JsonObject => {
      const info = subresourceOf(resource, subresource);
      return {
        name: `${resource.plural}/${subresource}`, singularName: '', namespaced: resource.namespaced, kind: info.kind, verbs: [...info.verbs],
        ...(info.version !== undefined && { group: info.group ?? '', version: info.version }),
      };
    }),
  ]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: groupVersion(group, version), resources: entries };
}

/** /api and /apis in one document each, with everything in it. */
export function aggregatedDiscovery(resources: readonly Resource[], core: boolean, discoveryVersion: string, subresourceOf: SubresourceTable): JsonObject {
  const groups = [...groupsOf(resources)].filter(([group]) => (group === '') === core);
  return {
    kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${discoveryVersion}`, metadata: {},
    items: groups.map(([group, versions]) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: versions.map((version) => ({
        version, freshness: 'Current',
        resources: resources.filter((resource) => resource.group === group && resource.version === version).map((resource) => aggregatedResource(resource, subresourceOf)),
      })),
    })),
  };
}

function aggregatedResource(resource: Resource, subresourceOf: SubresourceTable): JsonObject {
  const { group, version, kind } = resource;
  return {
    resource: resource.plural, responseKind: { group, version, kind }, scope: resource.namespaced ? 'Namespaced' : 'Cluster', singularResource: resource.singular,
    verbs: [...resource.verbs], ...(resource.shortNames.length > 0 && { shortNames: [...resource.shortNames] }), ...(resource.categories.length > 0 && { categories: [...resource.categories] }),
    ...(resource.subresources.length > 0 && {
      subresources: resource.subresources.map((subresource): JsonObject => {
        const info = subresourceOf(resource, subresource);
        return { subresource, responseKind: { group: info.group ?? group, version: info.version ?? version, kind: info.kind }, verbs: [...info.verbs] };
      }),
    }),
  };
}
