import type { Column, JsonObject, JsonValue, Resource } from '@navarch/api';

import type { StoredObject } from '../core/cache/stored-object';

/** A kind's objects as kubectl get prints them (meta.k8s.io Table). Cells come from the kind's own columns. */
export interface TableOptions {
  readonly version: string;
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  readonly nowMs: number;
  /** Watch events after the first leave them out. */
  readonly withoutColumns?: boolean;
}

export function columnDefinitions(columns: readonly Column<never>[]): JsonObject[] {
  return columns.map(({ name, type, format, priority, description }) => ({
    name, type, format: format ?? '', description: description ?? '', priority: priority ?? 0,
  }));
}

function row(stored: StoredObject, { includeObject, nowMs, version }: TableOptions): JsonObject {
  const cells = stored.resource.columns.map((column): JsonValue => column.value(stored.object, nowMs));
  if (includeObject === 'None') return { cells };
  const whole = JSON.parse(stored.json.toString()) as JsonObject;
  return { cells, object: includeObject === 'Object' ? whole : partialMetadata(whole, version) };
}

export function partialMetadata(whole: JsonObject, version: string): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: whole['metadata'] ?? {} };
}

export interface ListMetadata {
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export function listMetadata({ resourceVersion, continue: token, remainingItemCount }: ListMetadata): JsonObject {
  return {
    ...(resourceVersion !== undefined && { resourceVersion }), ...(token !== undefined && { continue: token }), ...(remainingItemCount !== undefined && { remainingItemCount }),
  };
}

export function tableOf(resource: Resource, objects: readonly StoredObject[], metadata: ListMetadata, options: TableOptions): JsonObject {
  return {
    kind: 'Table', apiVersion: `meta.k8s.io/${options.version}`, metadata: listMetadata(metadata),
    columnDefinitions: options.withoutColumns ? [] : columnDefinitions(resource.columns as readonly Column<never>[]),
    rows: objects.map((stored) => row(stored, options)),
  };
}
