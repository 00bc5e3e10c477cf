import { encodeEnvelope, type JsonObject, type Resource } from '@navarch/api';
import { ListMeta } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import { stringify } from 'yaml';

import type { StoredObject } from '../core/cache/stored-object';
import type { ListResponse } from '../core/request';
import type { Negotiated } from './negotiation';
import { listMetadata, partialMetadata, tableOf, type TableOptions } from './table';

/** How answers look on the wire: objects and lists as JSON, YAML or protobuf, whole, as metadata alone, or as a Table. */
export interface RenderOptions extends Omit<TableOptions, 'version'> {
  readonly negotiated: Negotiated;
  readonly pretty: boolean;
}

function apiVersionOf({ group, version }: Pick<Resource, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

/** A document that has no protobuf form here, as JSON or YAML. */
export function renderJson(document: JsonObject, { negotiated, pretty }: Pick<RenderOptions, 'negotiated' | 'pretty'>): Buffer {
  if (negotiated.encoding === 'yaml') return Buffer.from(stringify(document, { aliasDuplicateObjects: false }));
  return Buffer.from(pretty ? `${JSON.stringify(document, undefined, 2)}\n` : `${JSON.stringify(document)}\n`);
}

const parsed = (stored: StoredObject): JsonObject => JSON.parse(stored.json.toString()) as JsonObject;

export function renderObject(stored: StoredObject, options: RenderOptions): Buffer {
  const { encoding, transform, transformVersion = 'v1' } = options.negotiated;
  if (transform === 'Table') {
    return renderJson(tableOf(stored.resource, [stored], { resourceVersion: stored.resourceVersion }, { ...options, version: transformVersion }), options);
  }
  if (encoding === 'protobuf') {
    return transform
      ? Buffer.from(encodeEnvelope({ apiVersion: `meta.k8s.io/${transformVersion}`, kind: transform, raw: stored.metadataBytes }))
      : Buffer.from(encodeEnvelope({ apiVersion: apiVersionOf(stored.resource), kind: stored.resource.kind, raw: stored.bytes }));
  }
  if (transform) return renderJson(partialMetadata(parsed(stored), transformVersion), options);
  if (encoding === 'json' && !options.pretty) return Buffer.concat([stored.json, Buffer.from('\n')]);
  return renderJson(parsed(stored), options);
}

export function renderList(resource: Resource, list: ListResponse, options: RenderOptions): Buffer {
  const { encoding, transform, transformVersion = 'v1' } = options.negotiated;
  if (transform === 'Table') return renderJson(tableOf(resource, list.items, list, { ...options, version: transformVersion }), options);
  if (encoding === 'protobuf') {
    const head = transform ? { apiVersion: `meta.k8s.io/${transformVersion}`, kind: transform } : { apiVersion: apiVersionOf(resource), kind: `${resource.kind}List` };
    const raw = protobufList(list, transform ? (item) => item.metadataBytes : (item) => item.bytes);
    return Buffer.from(encodeEnvelope({ ...head, raw }));
  }
  if (transform) {
    const items = list.items.map((item) => partialMetadata(parsed(item), transformVersion));
    return renderJson({ kind: transform, apiVersion: `meta.k8s.io/${transformVersion}`, metadata: listMetadata(list), items }, options);
  }
  if (encoding === 'json' && !options.pretty) return jsonList(resource, list);
  const items = list.items.map((item) => JSON.parse(withoutHead(resource, item).toString()) as JsonObject);
  return renderJson({ kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata: listMetadata(list), items }, options);
}

/** A list message: its metadata as field 1, each item as field 2, whose bytes are there already. */
function protobufList(list: ListResponse, bytesOf: (item: StoredObject) => Uint8Array): Uint8Array {
  const metadata = ListMeta.encode({
    resourceVersion: list.resourceVersion, ...(list.continue !== undefined && { continue: list.continue }),
    ...(list.remainingItemCount !== undefined && { remainingItemCount: list.remainingItemCount }),
  }).finish();
  return Buffer.concat([...lengthDelimited(1, metadata), ...list.items.flatMap((item) => lengthDelimited(2, bytesOf(item)))]);
}

function lengthDelimited(field: number, bytes: Uint8Array): Uint8Array[] {
  return [Buffer.from([(field << 3) | 2, ...varint(bytes.length)]), bytes];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}

const itemHeads = new WeakMap<Resource, number>();

/** An item's JSON as lists have it: without apiVersion and kind, which stand first. */
function withoutHead(resource: Resource, item: StoredObject): Buffer {
  let length = itemHeads.get(resource);
  if (length === undefined) {
    length = Buffer.byteLength(JSON.stringify({ apiVersion: apiVersionOf(resource), kind: resource.kind })) - 1;
    itemHeads.set(resource, length);
  }
  const rest = item.json.subarray(length);
  return rest[0] === 0x2c ? Buffer.concat([Buffer.from('{'), rest.subarray(1)]) : Buffer.concat([Buffer.from('{'), rest]);
}

function jsonList(resource: Resource, list: ListResponse): Buffer {
  const head = JSON.stringify({ kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata: listMetadata(list) });
  const parts: Buffer[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)];
  list.items.forEach((item, index) => {
    if (index > 0) parts.push(Buffer.from(','));
    parts.push(withoutHead(resource, item));
  });
  parts.push(Buffer.from(']}\n'));
  return Buffer.concat(parts);
}
