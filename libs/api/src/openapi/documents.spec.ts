import { schemaJson } from '@navarch/proto/schema';

import { kindMergeSchema } from '../patch/kind-merge-schema';
import type { JsonObject, JsonValue } from '../resource';
import { groupVersionPath, openApiV2, openApiV3, type DocumentedResource } from './documents';
import type { SchemaTables } from './schemas';

const messages = JSON.parse(schemaJson) as SchemaTables['messages'];
const tables: SchemaTables = {
  messages, merge: kindMergeSchema(), describe: (name) => (name === 'k8s.io.api.core.v1.Pod.spec' ? 'What is wanted of the pod.' : undefined),
};
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const pods: DocumentedResource = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true, verbs, subresources: ['status', 'log'], codec: { message: 'k8s.io.api.core.v1.Pod' } };
const deployments: DocumentedResource = { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', namespaced: true, verbs, subresources: ['status'], codec: { message: 'k8s.io.api.apps.v1.Deployment' } };
const resources = [pods, deployments];

function at(value: JsonValue, ...path: string[]): JsonValue {
  return path.reduce<JsonValue>((part, key) => (part as JsonObject)[key] as JsonValue, value);
}

function references(value: JsonValue): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => (key === '$ref' ? [String(member)] : references(member as JsonValue)));
}

describe('OpenAPI documents', () => {
  const v3 = openApiV3(resources, pods, tables, '1.36.0');
  const v2 = openApiV2(resources, tables, '1.36.0');

  it.each([['v3', v3, '#/components/schemas/'], ['v2', v2, '#/definitions/']])('refer only to schemas that they hold (%s)', (_style, document, prefix) => {
    const held = prefix === '#/definitions/' ? at(document, 'definitions') : at(document, 'components', 'schemas');
    const missing = [...new Set(references(document))].filter((ref) => !ref.startsWith(prefix) || !Object.hasOwn(held as JsonObject, ref.slice(prefix.length)));
    expect(missing).toEqual([]);
  });

  it('tells kubectl which kind a path takes and that it can validate fields', () => {
    const patch = at(v3, 'paths', '/api/v1/namespaces/{namespace}/pods/{name}', 'patch') as JsonObject;
    expect(patch['x-kubernetes-group-version-kind']).toEqual({ group: '', version: 'v1', kind: 'Pod' });
    expect((patch['parameters'] as JsonObject[]).map(({ name }) => name)).toContain('fieldValidation');
  });

  it('holds one group version in a document of version 3, and all in version 2', () => {
    expect(Object.keys(at(v3, 'paths') as JsonObject).every((path) => path.startsWith('/api/v1/'))).toBe(true);
    expect(Object.keys(at(v2, 'paths') as JsonObject)).toContain('/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status');
  });

  it('marks merge keys, list types, required members and kinds', () => {
    const spec = at(v3, 'components', 'schemas', 'io.k8s.api.core.v1.PodSpec') as JsonObject;
    expect(at(spec, 'properties', 'containers')).toMatchObject({ 'x-kubernetes-list-map-keys': ['name'], 'x-kubernetes-patch-merge-key': 'name', 'x-kubernetes-patch-strategy': 'merge' });
    expect(spec['required']).toEqual(['containers']);
    expect(at(v3, 'components', 'schemas', 'io.k8s.api.core.v1.Pod')).toMatchObject({ 'x-kubernetes-group-version-kind': [{ group: '', version: 'v1', kind: 'Pod' }] });
  });

  it('hoists inline members and gives special scalars their JSON form', () => {
    const schemas = at(v3, 'components', 'schemas');
    expect(Object.keys(at(schemas, 'io.k8s.api.core.v1.Volume', 'properties') as JsonObject)).toEqual(expect.arrayContaining(['name', 'emptyDir', 'hostPath']));
    expect(at(schemas, 'io.k8s.apimachinery.pkg.apis.meta.v1.Time')).toEqual({ type: 'string', format: 'date-time' });
    expect(at(schemas, 'io.k8s.apimachinery.pkg.util.intstr.IntOrString')).toMatchObject({ format: 'int-or-string' });
  });

  it('carries descriptions, beside a reference by allOf', () => {
    expect(at(v3, 'components', 'schemas', 'io.k8s.api.core.v1.Pod', 'properties', 'spec')).toEqual({
      description: 'What is wanted of the pod.', allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.PodSpec' }],
    });
  });

  it('knows the two kinds of paths', () => {
    expect([groupVersionPath(pods), groupVersionPath(deployments)]).toEqual(['/api/v1', '/apis/apps/v1']);
  });
});
