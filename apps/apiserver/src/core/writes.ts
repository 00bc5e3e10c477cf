import type { ApiObject } from '@navarch/api';
import { hasReason, isNotFound, type Clock, type Random } from '@navarch/base';

import { admit, validateAdmission, type AdmissionAttributes, type AdmissionPlugin } from './admission/admission';
import type { Selection } from './cache/selection';
import type { StoredObject } from './cache/stored-object';
import type { Kind } from './kinds';
import type { ApiRequest, ApiResponse } from './request';
import { decodeBody } from './write/body';
import { createdByUpdate } from './write/create-by-update';
import { generateName, prepareCreate, validateCreate, wantsGeneratedName } from './write/create';
import { checkDeleteOptions, checkPreconditions, isReleased, planDeletion } from './write/deletion';
import type { Decision } from './write/mutate';
import { readIntent, recordOwnership } from './write/ownership';
import { applyPatchType, patchTypeOf, readApplyBody, readPatch } from './write/patch';
import { ReservedWrite, type CommonReservations } from './write/reserved-write';
import { checkIdentity, prepareUpdate, validateUpdate, type UpdateStrategy } from './write/update';
import type { WriteContext } from './write/writer';

/** Tries at a name nobody has yet (Kubernetes 1.30: 8). */
const maxGeneratedNames = 8;
/** Deletes of a collection under way at once. */
const deleteConcurrency = 10;

export interface WritesDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly admission: readonly AdmissionPlugin[];
  /** What a write needs beyond what its kind reserves: its place in the namespace's quotas. */
  readonly reservations?: CommonReservations;
}

/** What a request makes of the present state, and how its fields are owned once all else is done to it. */
type FormChange = (previous: ApiObject) => { readonly incoming: ApiObject; own(next: ApiObject): void };

/** Writes of every kind: decode, default, admit, validate, compare and set. What differs by kind, the kind's own value says. */
export class Writes {
  constructor(private readonly deps: WritesDependencies) {}

  create(kind: Kind, request: ApiRequest, ctx: WriteContext): Promise<StoredObject> {
    const nowMs = this.deps.clock.now();
    const { body } = request;
    // Only a name that the server makes up may have to be tried again.
    const again = body && 'object' in body && wantsGeneratedName(body.object) ? () => ownCopy(request) : () => request;
    return this.createObject(kind, request, () => decodeBody(kind.resource, again()), (object) => recordOwnership(kind, request, object, undefined, nowMs), ctx);
  }

  /** `form` gives the object anew for each name tried, because preparing it builds on its name. */
  private async createObject(kind: Kind, request: ApiRequest, form: () => ApiObject, own: (object: ApiObject) => void, ctx: WriteContext): Promise<StoredObject> {
    const { clock, random, admission } = this.deps;
    const { resource, store } = kind;
    for (let tries = 1; ; tries++) {
      const object = form();
      checkIdentity(resource, object, request.target, request.options.namespaceOverrides);
      const generated = wantsGeneratedName(object);
      if (generated) generateName(object, random);
      prepareCreate(resource, object, clock, random);
      kind.extension?.prepare?.(object);
      const attributes = this.attributes(kind, request, ctx, 'CREATE', object, undefined);
      await admit(admission, attributes);
      validateCreate(resource, object);
      await validateAdmission(admission, attributes);
      own(object);
      const reserved = new ReservedWrite(kind, ctx, this.deps.reservations);
      await reserved.begin(object, undefined);
      try {
        const created = await reserved.settle(store.create(object, ctx));
        ctx.onCreated?.();
        return created;
      } catch (error) {
        if (!generated || tries >= maxGeneratedNames || !hasReason(error, 'AlreadyExists')) throw error;
      }
    }
  }

  /** `strategy` is the kind's own for the object, its status or another view of it. */
  async update(kind: Kind, request: ApiRequest, strategy: UpdateStrategy, ctx: WriteContext): Promise<StoredObject> {
    try {
      // Each try needs a copy of its own, because forming the next state changes it.
      return await this.change(kind, request, strategy, this.recorded(kind, request, () => decodeBody(kind.resource, ownCopy(request))), ctx);
    } catch (error) {
      if (!isNotFound(error) || !createdByUpdate(kind, request)) throw error;
      ctx.authorizeCreate?.();
      return this.create(kind, request, ctx);
    }
  }

  patch(kind: Kind, request: ApiRequest, strategy: UpdateStrategy, ctx: WriteContext): Promise<StoredObject> {
    if (patchTypeOf(request) === applyPatchType) return this.apply(kind, request, strategy, ctx);
    return this.change(kind, request, strategy, this.recorded(kind, request, readPatch(kind.resource, request)), ctx);
  }

  /** Server-side apply: merges the intent into what is there, or creates it. */
  private async apply(kind: Kind, request: ApiRequest, strategy: UpdateStrategy, ctx: WriteContext): Promise<StoredObject> {
    const intent = readIntent(kind, request, readApplyBody(request), this.deps.clock.now());
    for (let tries = 1; ; tries++) {
      try {
        return await this.change(kind, request, strategy, (previous) => {
          const { object, own } = intent(previous);
          return { incoming: object, own };
        }, ctx);
      } catch (error) {
        if (!isNotFound(error) || request.target.subresource) throw error;
      }
      try {
        ctx.authorizeCreate?.();
        const { object, own } = intent(undefined);
        return await this.createObject(kind, request, () => object, own, ctx);
      } catch (error) {
        // Somebody created it in between: it is there to be merged with.
        if (!hasReason(error, 'AlreadyExists') || tries >= maxGeneratedNames) throw error;
      }
    }
  }

  /** An update or patch whose fields become the caller's. */
  private recorded(kind: Kind, request: ApiRequest, incomingFor: (previous: ApiObject) => ApiObject): FormChange {
    const nowMs = this.deps.clock.now();
    return (previous) => {
      const incoming = incomingFor(previous);
      const claimed = incoming.metadata?.managedFields;
      return { incoming, own: (next) => recordOwnership(kind, request, next, previous, nowMs, claimed) };
    };
  }

  async delete(kind: Kind, request: ApiRequest, ctx: WriteContext): Promise<StoredObject> {
    const { resource, store, extension } = kind;
    const { target, options } = request;
    checkDeleteOptions(options);
    const attributes = this.attributes(kind, request, ctx, 'DELETE', undefined, undefined);
    await admit(this.deps.admission, attributes);
    await validateAdmission(this.deps.admission, attributes);
    const nowMs = this.deps.clock.now();
    const reserved = new ReservedWrite(kind, ctx, this.deps.reservations);
    return reserved.settle(store.mutate(target.namespace ?? '', target.name ?? '', async ({ object }) => {
      checkPreconditions(resource, object, options);
      const decision = extension?.planDeletion?.(object, nowMs) ?? planDeletion(resource, object, options, nowMs);
      if (decision.type === 'remove') await reserved.removing(decision.last);
      return decision;
    }, ctx));
  }

  /** Deletes what is selected now; what others delete meanwhile is as good as deleted. */
  async deleteCollection(kind: Kind, request: ApiRequest, selection: Selection, ctx: WriteContext): Promise<ApiResponse> {
    checkDeleteOptions(request.options);
    const selected = [...kind.cache.select(selection)];
    const deleted: StoredObject[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let object = selected[next++]; object; object = selected[next++]) {
        const { namespace, name } = object;
        const target = { ...request.target, namespace: namespace || undefined, name };
        try {
          deleted.push(await this.delete(kind, { ...request, verb: 'delete', target }, ctx));
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: deleteConcurrency }, worker));
    return { type: 'list', items: deleted, resourceVersion: String(kind.feed.position) };
  }

  private change(kind: Kind, request: ApiRequest, strategy: UpdateStrategy, form: FormChange, ctx: WriteContext): Promise<StoredObject> {
    const { resource, store } = kind;
    const { target, options } = request;
    const reserved = new ReservedWrite(kind, ctx, this.deps.reservations);
    return reserved.settle(store.mutate(target.namespace ?? '', target.name ?? '', async ({ object: previous }): Promise<Decision> => {
      const { incoming, own } = form(previous);
      checkIdentity(resource, incoming, target, options.namespaceOverrides);
      const next = prepareUpdate(resource, strategy, incoming, previous);
      if (!target.subresource) kind.extension?.prepare?.(next, previous);
      const attributes = this.attributes(kind, request, ctx, 'UPDATE', next, previous);
      await admit(this.deps.admission, attributes);
      validateUpdate(resource, strategy, next, previous);
      await validateAdmission(this.deps.admission, attributes);
      own(next);
      const released = isReleased(next) && (kind.extension?.mayRelease?.(next) ?? true);
      if (released) await reserved.removing(next);
      else if (!target.subresource || target.subresource === 'resize') await reserved.begin(next, previous);
      return released ? { type: 'remove', last: next } : { type: 'update', next };
    }, ctx));
  }

  private attributes(
    { resource }: Kind, { target, user }: ApiRequest, ctx: WriteContext, operation: AdmissionAttributes['operation'],
    object: ApiObject | undefined, oldObject: ApiObject | undefined,
  ): AdmissionAttributes {
    return {
      resource, operation, user, object, oldObject, subresource: target.subresource ?? '', namespace: target.namespace ?? '',
      name: target.name ?? object?.metadata?.name ?? '', dryRun: ctx.dryRun, traceparent: ctx.traceparent, signal: ctx.deadline.caller,
    };
  }
}

/** The request with an object of its own, where it carries one that is not bytes. */
function ownCopy(request: ApiRequest): ApiRequest {
  const { body } = request;
  return body && 'object' in body ? { ...request, body: { object: structuredClone(body.object) } } : request;
}
