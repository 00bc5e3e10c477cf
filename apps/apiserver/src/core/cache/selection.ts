import { parseFieldSelector, parseLabelSelector, type Resource } from '@navarch/api';

import type { RequestOptions, RequestTarget } from '../request';
import type { StoredObject } from './stored-object';

/** Which objects of a kind a request means, and what of it an index can answer. */
export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  /** From metadata.name=X. */
  readonly name?: string;
  /** A requirement on an indexed field. */
  readonly indexed?: { readonly field: string; readonly value: string };
  /** The exact field requirements, for authorization. */
  readonly fields: Readonly<Record<string, string>>;
  /** The exact label requirements, for authorization. */
  readonly labels: Readonly<Record<string, string>>;
  /** No selector: all objects of the namespace (or of all). */
  readonly everything: boolean;
  matches(object: StoredObject): boolean;
}

/** Reads a request's selectors; BadRequest where they are malformed or the kind does not know a field. */
export function parseSelection(resource: Resource, target: RequestTarget, { labelSelector, fieldSelector }: RequestOptions): Selection {
  const labels = labelSelector ? parseLabelSelector(labelSelector) : undefined;
  const matcher = fieldSelector ? parseFieldSelector(fieldSelector, resource) : undefined;
  const fields = Object.fromEntries((matcher?.requirements ?? []).flatMap(({ field, operator, value }) => (operator === '=' ? [[field, value]] : [])));
  const namespace = resource.namespaced ? (target.namespace || fields['metadata.namespace']) : undefined;
  const name = fields['metadata.name'];
  const indexed = resource.indexedFields.find((field) => field in fields);
  const indexValue = indexed === undefined ? undefined : fields[indexed];
  return {
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(indexed !== undefined && indexValue !== undefined && { indexed: { field: indexed, value: indexValue } }),
    fields,
    labels: Object.fromEntries((labels?.requirements ?? []).flatMap(({ key, operator, values: [value, ...others] }) => (operator === 'In' && value !== undefined && others.length === 0 ? [[key, value]] : []))),
    everything: !labels && !matcher,
    matches: (object) =>
      (namespace === undefined || namespace === '' || object.namespace === namespace)
      && (labels?.matches(object.metadata.labels ?? {}) ?? true)
      && (matcher?.matches(object.object) ?? true),
  };
}
