import type { CustomResourceDefinition, CustomResourceDefinitionSpec, JSONSchemaProps } from '@navarch/proto/k8s/io/apiextensions_apiserver/pkg/apis/apiextensions/v1/apiextensions';

import { judge } from '../../testing/judge';
import { apiServices } from '../apiregistration/apiservices';
import { customResourceDefinitions } from './customresourcedefinitions';

const { create, created, defaulted, update, updated, status } = judge(customResourceDefinitions);
const version = (name: string, more: object = {}) => ({ name, served: true, schema: { openAPIV3Schema: { type: 'object' } }, ...more });
const spec: CustomResourceDefinitionSpec = { group: 'example.com', scope: 'Namespaced', names: { plural: 'ships', kind: 'Ship' }, versions: [version('v1', { storage: true })] };
const definition = (more: object = {}): CustomResourceDefinition => ({ metadata: { name: 'ships.example.com' }, spec: { ...spec, ...more } });
const withSchema = (schema: JSONSchemaProps) => definition({ versions: [version('v1', { storage: true, schema: { openAPIV3Schema: schema } })] });

describe('custom resource definitions', () => {
  it('derive names from the kind, convert nothing and know where objects are stored', () => {
    expect(defaulted(definition()).spec).toMatchObject({ names: { singular: 'ship', listKind: 'ShipList' }, conversion: { strategy: 'None' } });
    expect(created({ ...definition(), status: { storedVersions: ['v7'] } })).toMatchObject({ metadata: { generation: 1 }, status: { storedVersions: ['v1'] } });
  });

  it.each<[string, CustomResourceDefinition, string[]]>([
    ['another name than what is defined', { ...definition(), metadata: { name: 'boats.example.com' } }, ['metadata.name: Invalid value: "boats.example.com": must be spec.names.plural+"."+spec.group']],
    ['no scope', definition({ scope: undefined }), ['spec.scope: Required value']],
    ['no version to store', definition({ versions: [version('v1')] }), ['spec.versions: Invalid value: ["v1"]: must have exactly one version marked as storage version']],
    ['a version twice, and without schema', definition({ versions: [version('v1', { storage: true }), version('v1', { schema: undefined })] }), [
      'spec.versions[1].schema.openAPIV3Schema: Required value: schemas are required', 'spec.versions: Invalid value: ["v1","v1"]: must contain unique version names',
    ]],
    ['kind and list of one name', definition({ names: { plural: 'ships', kind: 'Ship', listKind: 'Ship' } }), ['spec.names.listKind: Invalid value: "Ship": kind and listKind may not be the same']],
    ['unknown fields everywhere', definition({ preserveUnknownFields: true }), ['spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead']],
    ['a conversion by nobody', definition({ conversion: { strategy: 'Webhook' } }), [
      'spec.conversion.webhook.clientConfig: Required value: required when strategy is set to Webhook', 'spec.conversion.webhook.conversionReviewVersions: Required value',
    ]],
    ['columns without type and path', definition({ versions: [version('v1', { storage: true, additionalPrinterColumns: [{ name: 'A', type: 'text' }] })] }), [
      'spec.versions[0].additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string', 'spec.versions[0].additionalPrinterColumns[0].jsonPath: Required value',
    ]],
    ['a scale outside of spec and status', definition({ versions: [version('v1', { storage: true, subresources: { scale: { specReplicasPath: '.size', statusReplicasPath: '.status.size' } } })] }), [
      'spec.versions[0].subresources.scale.specReplicasPath: Invalid value: ".size": should be a json path under .spec',
    ]],
    ['the project’s own groups without review', { metadata: { name: 'ships.k8s.io' }, spec: { ...spec, group: 'k8s.io' } }, [expect.stringContaining('metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation') as string]],
    ['a root that is no object', withSchema({ type: 'string' }), ['spec.versions[0].schema.openAPIV3Schema.type: Invalid value: "string": must be object at the root']],
    ['values without a type', withSchema({ type: 'object', properties: { a: {}, b: { xKubernetesIntOrString: true }, c: { type: 'array' } } }), [
      'spec.versions[0].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields', 'spec.versions[0].schema.openAPIV3Schema.properties[c].items: Required value: must be specified',
    ]],
    ['references and quadratic work', withSchema({ type: 'object', ref: '#/x', uniqueItems: true }), [
      'spec.versions[0].schema.openAPIV3Schema.$ref: Forbidden: $ref is not supported',
      'spec.versions[0].schema.openAPIV3Schema.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    ]],
    ['a keyed list without keys', withSchema({ type: 'object', properties: { a: { type: 'array', xKubernetesListType: 'map', items: { schema: { type: 'object' } } } } }), [
      'spec.versions[0].schema.openAPIV3Schema.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map',
    ]],
  ])('refuse %s', (_, broken, complaints) => {
    expect(create(broken)).toEqual(complaints);
  });

  it('remember every version that objects were stored in', () => {
    const first = created(definition());
    const next = updated(definition({ versions: [version('v1'), version('v2', { storage: true })] }), first);
    expect(next).toMatchObject({ metadata: { generation: 2 }, status: { storedVersions: ['v1', 'v2'] } });
    expect(status({ ...next, status: { storedVersions: ['v1', 'v3'] } }, next)).toEqual([
      'status.storedVersions[1]: Invalid value: "v3": must appear in spec.versions', 'status.storedVersions: Invalid value: ["v1","v3"]: must have the storage version v2',
    ]);
  });

  it('keep their names, and once established their scope', () => {
    expect(update(definition({ scope: 'Cluster' }), definition())).toEqual([]);
    const established = { ...created(definition()), status: { storedVersions: ['v1'], conditions: [{ type: 'Established', status: 'True' }] } };
    const next = updated(definition({ scope: 'Cluster' }), established);
    expect(customResourceDefinitions.validateUpdate(next, established).map(({ field }) => field)).toEqual(['spec.scope']);
  });
});

describe('API services', () => {
  const judged = judge(apiServices);
  const local = { group: 'example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 15 };
  const metadata = { name: 'v1.example.com' };

  it('are available where this server answers itself', () => {
    expect(judged.created({ metadata, spec: local }).status?.conditions).toEqual([{ type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' }]);
    expect(judged.created({ metadata, spec: { ...local, service: { name: 'a', namespace: 'b' } } })).not.toHaveProperty('status');
  });

  it('are named for what they serve, with priorities in their bounds', () => {
    expect(judged.create({ metadata: { name: 'x' }, spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 20_001 } })).toEqual([
      'metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`', 'spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000',
      'spec.versionPriority: Invalid value: 0: must be positive and less than 1000',
    ]);
  });

  it('trust one way', () => {
    const trusting = { ...local, caBundle: Buffer.from('x'), insecureSkipTLSVerify: true };
    expect(judged.create({ metadata, spec: trusting })).toEqual(['spec.caBundle: Invalid value: "1 bytes": local APIServices may not have a caBundle', 'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify']);
    expect(judged.create({ metadata, spec: { ...trusting, service: { namespace: 'b' } } })).toEqual(['spec.service.name: Required value', 'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present']);
    expect(judged.defaulted({ metadata, spec: { ...local, service: {} } }).spec?.service?.port).toBe(443);
  });

  it('print where they are and whether they answer', () => {
    expect(judged.cells({ metadata, spec: local })).toMatchObject({ Service: 'Local', Available: 'Unknown' });
    expect(judged.cells({ metadata, spec: { service: { name: 'a', namespace: 'b' } }, status: { conditions: [{ type: 'Available', status: 'False', reason: 'Missing' }] } })).toMatchObject({ Service: 'b/a', Available: 'False (Missing)' });
  });
});
