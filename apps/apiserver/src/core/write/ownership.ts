import { apiVersionOf, applyIntent, fromFieldsV1, kindMergeSchema, recordUpdate, type ApiObject, type FieldSet, type JsonObject, type JsonValue, type RecordOptions, type Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { ManagedFieldsEntry } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { badRequest } from '../errors';
import type { Kind } from '../kinds';
import type { ApiRequest } from '../request';
import { decodeJson } from './body';

/**
 * Who owns which field (metadata.managedFields), for the two ways to write. Writes that name no field manager (Navarch's own
 * parts, through gRPC) are recorded only on objects whose fields are owned already: tracking costs several conversions, and
 * what nobody has claimed counts as owned by `before-first-apply` once somebody applies.
 */
const statusFields = fromFieldsV1({ 'f:status': {} });
const allButStatus = fromFieldsV1({ 'f:spec': {}, 'f:metadata': {}, 'f:data': {} });

/** Of a kind, what ownership needs: its rules, and the other forms of its objects. */
export type Owned = Pick<Kind, 'resource' | 'versions'> & Partial<Pick<Kind, 'extension'>>;

function ignoredFields({ resource, extension }: Owned, subresource: string): FieldSet | undefined {
  const view = extension?.views?.[subresource];
  if (view) return view.notWritten;
  if (subresource === 'status') return allButStatus;
  return subresource === '' && resource.status ? statusFields : undefined;
}

function managerOf(kind: Owned, { options, target, user }: ApiRequest, nowMs: number): RecordOptions {
  const { resource, versions } = kind;
  const subresource = target.subresource ?? '';
  const ignored = ignoredFields(kind, subresource);
  const time = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return { manager: options.fieldManager ?? user.name, apiVersion: apiVersionOf(resource), subresource, time, versions, ...(ignored && { ignored }) };
}

/**
 * Sets `next`'s managedFields after a create (without `previous`), update or patch by this request. `claimed` are those the
 * caller sent: whoever may change an object may hand its fields over, as kubectl does from client-side to server-side apply.
 */
export function recordOwnership(kind: Owned, request: ApiRequest, next: ApiObject, previous: ApiObject | undefined, nowMs: number, claimed?: ManagedFieldsEntry[]): void {
  const { resource } = kind;
  const isOwned = (previous?.metadata?.managedFields?.length ?? 0) > 0;
  if (request.options.fieldManager === undefined && !isOwned) return;
  if (claimed && !request.target.subresource) next.metadata = { ...next.metadata, managedFields: claimed };
  const [before, after] = [previous && resource.codec.toJson(previous), resource.codec.toJson(next)];
  const recorded = recordUpdate(before, after, resource.codec.message, kindMergeSchema(), managerOf(kind, request, nowMs));
  takeManagedFields(resource, next, recorded);
}

function takeManagedFields(resource: Resource, object: ApiObject, json: JsonObject): void {
  const { managedFields } = json['metadata'] as JsonObject;
  const decoded = resource.codec.fromJson({ metadata: managedFields === undefined ? {} : { managedFields } });
  object.metadata = { ...object.metadata, managedFields: decoded.metadata?.managedFields };
}

/** What server-side apply makes of the present object (of nothing, where it does not exist yet). */
export interface AppliedIntent {
  readonly object: ApiObject;
  /** Sets the ownership that the apply brings; after everything else has been done to the object. */
  own(next: ApiObject): void;
}

/** Reads an apply request once. Throws Invalid without a field manager, BadRequest for an intent that is none. */
export function readIntent(kind: Owned, request: ApiRequest, intent: JsonValue, nowMs: number): (previous: ApiObject | undefined) => AppliedIntent {
  const { resource } = kind;
  const { fieldManager, force = false, fieldValidation } = request.options;
  if (!fieldManager) {
    throw new ApiError('Invalid', 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      { kind: 'PatchOptions', group: 'meta.k8s.io', causes: [{ reason: 'FieldValueRequired', field: 'fieldManager', message: 'Required value: is required for apply patch' }] });
  }
  if (intent === null || typeof intent !== 'object' || Array.isArray(intent)) throw badRequest('an applied configuration must be an object');
  // Unknown fields are judged by what the caller wrote, not by what stands in the object.
  decodeJson(resource, intent, fieldValidation, request.warn);
  const { apiVersion: _apiVersion, kind: _kind, ...wanted } = intent;
  return (previous) => {
    const merged = applyIntent(previous && resource.codec.toJson(previous), wanted, resource.codec.message, kindMergeSchema(), { ...managerOf(kind, request, nowMs), force });
    return { object: decodeJson(resource, merged, 'Ignore'), own: (next) => takeManagedFields(resource, next, merged) };
  };
}
