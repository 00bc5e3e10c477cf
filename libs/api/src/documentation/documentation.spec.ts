import { schemaJson } from '@navarch/proto/schema';

import { groupVersionPath, openApiV2, openApiV3, type DocumentedResource } from '../openapi/documents';
import type { SchemaTables } from '../openapi/schemas';
import { kindMergeSchema } from '../patch/kind-merge-schema';
import type { JsonObject, JsonValue } from '../resource';
import { describeField } from './index';
import { packages } from './packages';

const messages = JSON.parse(schemaJson) as SchemaTables['messages'];
const packageOf = (message: string) => message.slice(0, message.lastIndexOf('.'));
const complete = [...new Set(Object.keys(messages).map(packageOf))];

/** Every message of a package, and its fields by JSON name; inline members belong to the message that declares them. */
function namesOf(packageName: string): string[] {
  return Object.entries(messages).filter(([message]) => packageOf(message) === packageName).flatMap(([message, table]) => [
    message,
    ...table.fields.filter(([, field]) => !table.inline?.includes(field)).map(([, field]) => `${message}.${table.jsonNames?.[field] ?? field}`),
  ]);
}

/** What only words the kind and version of a whole object does not do for a member that refers to another one. */
const wordsOfTypeMeta = ['apiVersion', 'kind'].map((field) => describeField(`k8s.io.api.core.v1.Pod.${field}`));

describe('field documentation of our own', () => {
  it.each(complete)('says something of every message and field of %s', (packageName) => {
    const names = namesOf(packageName);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => describeField(name) === undefined || wordsOfTypeMeta.includes(describeField(name)))).toEqual([]);
  });

  it.each(complete)('is one short sentence for each message and field of %s, and more than its name', (packageName) => {
    const bare = (text: string) => text.toLowerCase().replace(/^(the|a|an) |[^a-z]/g, '');
    const poor = namesOf(packageName).filter((name) => {
      const text = describeField(name) ?? '';
      return !/^[^\s.][^\n]*[^\s.]\.$/.test(text) || /[.!?] [A-Z]/.test(text) || text.length > 200 || bare(text) === bare(name.slice(name.lastIndexOf('.') + 1));
    });
    expect(poor).toEqual([]);
  });

  it('is written for nothing that the schema does not have', () => {
    const known = new Set(Object.keys(packages).flatMap(namesOf));
    const written = Object.entries(packages).flatMap(([name, texts]) => Object.entries(texts).flatMap(([message, [, fields]]) => [
      `${name}.${message}`, ...Object.keys(fields ?? {}).map((field) => `${name}.${message}.${field}`),
    ]));
    expect(written.filter((name) => !known.has(name))).toEqual([]);
  });

  it('is silent on names that nothing is written for', () => {
    for (const name of ['k8s.io.api.core.v1.Pod.nothing', 'k8s.io.api.core.v1.Nothing', 'k8s.io.api.none.v1.Pod', 'Pod', 'k8s.io.api.core.v1.Pod.constructor', '__proto__', '']) {
      expect(describeField(name)).toBeUndefined();
    }
  });

  it('is shown by both OpenAPI documents for kinds, members, referred messages and the kind and version themselves', () => {
    const verbs = ['create', 'get', 'list', 'watch'];
    const pods: DocumentedResource = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true, verbs, subresources: ['status'], codec: { message: 'k8s.io.api.core.v1.Pod' } };
    const tables: SchemaTables = { messages, merge: kindMergeSchema(), describe: describeField };
    expect(groupVersionPath(pods)).toBe('/api/v1');
    const held = [
      (openApiV3([pods], pods, tables, '1.36.0')['components'] as JsonObject)['schemas'] as JsonObject,
      openApiV2([pods], tables, '1.36.0')['definitions'] as JsonObject,
    ];
    for (const schemas of held) {
      const about = (message: string, field?: string): JsonValue | undefined => {
        const schema = schemas[`io.k8s.${message}`] as JsonObject;
        return (field === undefined ? schema : ((schema['properties'] as JsonObject)[field] as JsonObject))['description'];
      };
      expect(about('api.core.v1.Pod')).toBe('Containers that run together on one node and share network and volumes.');
      expect(about('api.core.v1.Pod', 'spec')).toBe('What is wanted of the pod.');
      expect(about('api.core.v1.Pod', 'kind')).toBe('Name of the kind of the object.');
      expect(about('api.core.v1.PodSpec', 'restartPolicy')).toBe('Always, OnFailure or Never, for all containers; default Always.');
      expect(about('api.core.v1.Probe', 'httpGet')).toBe('Sends an HTTP request.');
      expect(about('api.core.v1.PodStatus', 'conditions')).toBe('Aspects of the pod that hold or do not, one entry for each type.');
      expect(about('apimachinery.pkg.apis.meta.v1.ObjectMeta', 'labels')).toBe('Names and values that selectors choose by.');
    }
  });

  it('leaves no schema of a kind and none of its properties without a description', () => {
    const pods: DocumentedResource = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true, verbs: ['get'], subresources: [], codec: { message: 'k8s.io.api.core.v1.Pod' } };
    const document = openApiV3([pods], pods, { messages, merge: kindMergeSchema(), describe: describeField }, '1.36.0');
    const schemas = Object.entries((document['components'] as JsonObject)['schemas'] as JsonObject);
    const bare = schemas.flatMap(([name, schema]) => {
      const { description, properties } = schema as { description?: string; properties?: Record<string, { description?: string }> };
      return [...(description ? [] : [name]), ...Object.entries(properties ?? {}).filter(([, property]) => !property.description).map(([property]) => `${name}.${property}`)];
    });
    expect(bare).toEqual([]);
  });
});
