import type { JsonObject, Resource } from '../resource';
import { schemaName, schemaRef, schemasOf, type GroupVersionKind, type SchemaStyle, type SchemaTables } from './schemas';

/** What the documents tell of one resource; a Resource value has all of it. */
export type DocumentedResource = Pick<Resource, 'group' | 'version' | 'kind' | 'plural' | 'namespaced' | 'verbs' | 'subresources'> & { readonly codec: { readonly message: string } };

/** What a subresource takes and answers with, where that is not the object itself; and the methods it has. */
interface DocumentedSubresource {
  readonly suffix: string;
  readonly methods: Readonly<Record<string, string>>;
  readonly of?: GroupVersionKind & { readonly message: string };
}

const readAndWrite = { get: 'get', put: 'update', patch: 'patch' };
const documentedSubresources: Readonly<Record<string, DocumentedSubresource>> = {
  status: { suffix: 'Status', methods: readAndWrite },
  approval: { suffix: 'Approval', methods: readAndWrite },
  ephemeralcontainers: { suffix: 'Ephemeralcontainers', methods: readAndWrite },
  resize: { suffix: 'Resize', methods: readAndWrite },
  finalize: { suffix: 'Finalize', methods: { put: 'update' } },
  scale: { suffix: 'Scale', methods: readAndWrite, of: { group: 'autoscaling', version: 'v1', kind: 'Scale', message: 'k8s.io.api.autoscaling.v1.Scale' } },
  binding: { suffix: 'Binding', methods: { post: 'create' }, of: { group: '', version: 'v1', kind: 'Binding', message: 'k8s.io.api.core.v1.Binding' } },
  eviction: { suffix: 'Eviction', methods: { post: 'create' }, of: { group: 'policy', version: 'v1', kind: 'Eviction', message: 'k8s.io.api.policy.v1.Eviction' } },
  token: { suffix: 'Token', methods: { post: 'create' }, of: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', message: 'k8s.io.api.authentication.v1.TokenRequest' } },
};

function subresourcesOf(resource: DocumentedResource): (readonly [name: string, subresource: DocumentedSubresource])[] {
  return resource.subresources.flatMap((name) => {
    const found = Object.hasOwn(documentedSubresources, name) ? documentedSubresources[name] : undefined;
    return found ? [[name, found] as const] : [];
  });
}

const metaPackage = 'k8s.io.apimachinery.pkg.apis.meta.v1';
const patchTypes = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json'];
const queryParameters: Readonly<Record<string, readonly string[]>> = {
  get: [], put: ['dryRun', 'fieldManager', 'fieldValidation'], post: ['dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation', 'force'], delete: ['dryRun', 'gracePeriodSeconds', 'orphanDependents', 'propagationPolicy'],
  list: ['allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'timeoutSeconds', 'watch'],
};
const parameterTypes: Readonly<Record<string, string>> = {
  allowWatchBookmarks: 'boolean', sendInitialEvents: 'boolean', watch: 'boolean', force: 'boolean', orphanDependents: 'boolean',
  gracePeriodSeconds: 'integer', limit: 'integer', timeoutSeconds: 'integer',
};

/** /api/v1 for the core group, /apis/GROUP/VERSION for the others. */
export function groupVersionPath({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

function kindsOf(resources: readonly DocumentedResource[]): (message: string) => GroupVersionKind[] {
  const kinds = new Map<string, GroupVersionKind[]>();
  const add = (message: string, kind: GroupVersionKind): void => void kinds.set(message, [...(kinds.get(message) ?? []), kind]);
  for (const { group, version, kind, codec, verbs } of resources) {
    add(codec.message, { group, version, kind });
    if (verbs.includes('list')) add(`${codec.message}List`, { group, version, kind: `${kind}List` });
  }
  for (const { message, ...kind } of resources.flatMap((resource) => subresourcesOf(resource).flatMap(([, { of }]) => of ?? []))) if (!kinds.has(message)) add(message, kind);
  add(`${metaPackage}.Status`, { group: '', version: 'v1', kind: 'Status' });
  return (message) => kinds.get(message) ?? [];
}

/** One group version's document, as /openapi/v3/… serves it. */
export function openApiV3(all: readonly DocumentedResource[], of: { readonly group: string; readonly version: string }, tables: SchemaTables, serverVersion: string): JsonObject {
  const resources = all.filter(({ group, version }) => group === of.group && version === of.version);
  return {
    openapi: '3.0.0', info: { title: 'Navarch', version: serverVersion },
    paths: pathsOf(resources, 'v3'),
    components: {
      schemas: schemasOf(rootsOf(resources), tables, 'v3', kindsOf(resources)),
      securitySchemes: { BearerToken: { type: 'apiKey', in: 'header', name: 'authorization' } },
    },
  };
}

/** All group versions in one document of version 2, as /openapi/v2 serves it. */
export function openApiV2(resources: readonly DocumentedResource[], tables: SchemaTables, serverVersion: string): JsonObject {
  return {
    swagger: '2.0', info: { title: 'Navarch', version: serverVersion },
    paths: pathsOf(resources, 'v2'), definitions: schemasOf(rootsOf(resources), tables, 'v2', kindsOf(resources)),
  };
}

function rootsOf(resources: readonly DocumentedResource[]): string[] {
  return [...resources.flatMap((resource) => {
    const { codec, verbs } = resource;
    return [codec.message, ...(verbs.includes('list') ? [`${codec.message}List`] : []), ...subresourcesOf(resource).flatMap(([, { of }]) => of?.message ?? [])];
  }), `${metaPackage}.Status`, `${metaPackage}.DeleteOptions`];
}

function pathsOf(resources: readonly DocumentedResource[], style: SchemaStyle): JsonObject {
  const entries = resources.flatMap((resource): [string, JsonObject][] => {
    const base = groupVersionPath(resource);
    const collection = resource.namespaced ? `${base}/namespaces/{namespace}/${resource.plural}` : `${base}/${resource.plural}`;
    const everywhere: [string, JsonObject][] = resource.namespaced && resource.verbs.includes('list') ? [[`${base}/${resource.plural}`, { get: operation(resource, 'list', 'ForAllNamespaces', style) }]] : [];
    return [
      ...everywhere,
      [collection, item(resource, { get: 'list', post: 'create', delete: 'deletecollection' }, '', style)],
      [`${collection}/{name}`, item(resource, { get: 'get', put: 'update', patch: 'patch', delete: 'delete' }, '', style)],
      ...subresourcesOf(resource).map(([name, subresource]): [string, JsonObject] => [`${collection}/{name}/${name}`, subresourceItem(resource, subresource, style)]),
    ];
  });
  return Object.fromEntries(entries.filter(([, value]) => Object.keys(value).some((key) => key !== 'parameters')).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function item(resource: DocumentedResource, methods: Readonly<Record<string, string>>, suffix: string, style: SchemaStyle): JsonObject {
  const served = Object.entries(methods).filter(([, verb]) => resource.verbs.includes(verb));
  const names = [...(resource.namespaced ? ['namespace'] : []), ...(served.some(([, verb]) => !['list', 'create', 'deletecollection'].includes(verb)) ? ['name'] : [])];
  return {
    ...Object.fromEntries(served.map(([method, verb]) => [method, operation(resource, verb, suffix, style)])),
    ...(names.length > 0 && { parameters: names.map((name) => parameter(name, 'path', style)) }),
  };
}

function subresourceItem(resource: DocumentedResource, { suffix, methods, of }: DocumentedSubresource, style: SchemaStyle): JsonObject {
  const subject = of ? { ...resource, group: of.group, version: of.version, kind: of.kind, codec: { message: of.message } } : resource;
  const names = resource.namespaced ? ['namespace', 'name'] : ['name'];
  // Named for the kind it belongs to: several kinds have a scale.
  const operations = Object.entries(methods).map(([method, verb]) => [method, { ...operation(subject, verb, suffix, style), operationId: operationId(resource, verb, suffix) }]);
  return { ...Object.fromEntries(operations) as JsonObject, parameters: names.map((name) => parameter(name, 'path', style)) };
}

function operationId({ codec }: DocumentedResource, verb: string, suffix: string): string {
  const words = schemaName(codec.message).split('.').slice(-3).map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${verb}${words.join('')}${suffix}`;
}

function parameter(name: string, where: 'path' | 'query', style: SchemaStyle): JsonObject {
  const type = parameterTypes[name] ?? 'string';
  return { name, in: where, ...(where === 'path' && { required: true }), ...(style === 'v3' ? { schema: { type, ...(where === 'query' && { uniqueItems: true }) } } : { type, ...(where === 'query' && { uniqueItems: true }) }) };
}

function operation(resource: DocumentedResource, verb: string, suffix: string, style: SchemaStyle): JsonObject {
  const { group, version, kind, codec } = resource;
  const method = { list: 'list', create: 'post', update: 'put', get: 'get', patch: 'patch', delete: 'delete', deletecollection: 'delete' }[verb] ?? verb;
  const answer = verb === 'list' ? `${codec.message}List` : verb === 'deletecollection' ? `${metaPackage}.Status` : codec.message;
  const body = verb === 'create' || verb === 'update' ? codec.message : verb === 'patch' ? `${metaPackage}.Patch` : verb.startsWith('delete') ? `${metaPackage}.DeleteOptions` : undefined;
  const content = (schema: JsonObject): JsonObject => ({ content: { 'application/json': { schema } } });
  const bodySchema = body === `${metaPackage}.Patch` ? { type: 'object' } : body ? schemaRef(body, style) : undefined;
  const query = (queryParameters[method] ?? []).map((name) => parameter(name, 'query', style));
  return {
    operationId: operationId(resource, verb, suffix),
    'x-kubernetes-action': verb, 'x-kubernetes-group-version-kind': { group, version, kind },
    parameters: style === 'v2' && bodySchema ? [...query, { name: 'body', in: 'body', schema: bodySchema, ...(verb !== 'delete' && { required: true }) }] : query,
    ...(style === 'v3' && bodySchema && { requestBody: verb === 'patch' ? { content: Object.fromEntries(patchTypes.map((type) => [type, { schema: bodySchema }])) } : content(bodySchema) }),
    responses: { 200: { description: 'OK', ...(style === 'v3' ? content(schemaRef(answer, style)) : { schema: schemaRef(answer, style) }) } },
  };
}
