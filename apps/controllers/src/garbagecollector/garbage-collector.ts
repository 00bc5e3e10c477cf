import type { Resource } from '@navarch/api';
import { isNotFound, type Clock, type Logger } from '@navarch/base';
import type { ApiClient, EventRecorder, Request } from '@navarch/client';
import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { inChunks, valuesOf } from '../in-chunks';
import { blocks, foregroundFinalizer, orphanFinalizer, orphansDependents, waitsForDependents, type Item, type OwnerGraph } from './owner-graph';
import type { OwnerLookup } from './owner-lookup';
import { planDependent, type DependentPlan, type OwnerState } from './plan-dependent';

export interface CollectorOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recorder: EventRecorder;
  readonly graph: OwnerGraph;
  readonly lookup: OwnerLookup;
  readonly resources: () => readonly Resource[];
  /** Whether the graph holds every kind: before that nobody can say that an owner has no dependents left. */
  readonly complete: () => boolean;
  /** Has the object looked at. */
  readonly wake: (request: Request) => void;
}

const mergePatch = 'application/merge-patch+json';
/** The owner is there, but not yet in the graph: until it is, nobody would tell that it goes. */
const unseenMs = 5_000;
/** Owners of a kind that is not served, or that cannot be looked for. */
const unknownMs = 300_000;
const incompleteMs = 1_000;
const patchesAtOnce = 16;

export const requestFor = (uid: string): Request => ({ namespace: '', name: uid });

/** What is done with one object: deleted with its last owner, released from owners that went, let go when its dependents are. */
export class GarbageCollector {
  constructor(private readonly options: CollectorOptions) {}

  async collect(uid: string, signal: AbortSignal): Promise<{ requeueAfterMs?: number }> {
    const item = this.options.graph.get(uid);
    if (!item) return {};
    try {
      if (orphansDependents(item)) return await this.orphan(item, signal);
      if (waitsForDependents(item)) return await this.letGo(item, signal);
      return item.deleting ? {} : await this.judge(item, signal);
    } catch (thrown) {
      // It went meanwhile: its event says so.
      if (isNotFound(thrown)) return {};
      throw thrown;
    }
  }

  // ---- as a dependent

  private async judge(item: Item, signal: AbortSignal): Promise<{ requeueAfterMs?: number }> {
    if (item.owners.length === 0) return {};
    const found = await Promise.all(item.owners.map((owner) => this.stateOf(item, owner, signal)));
    const dependents = this.options.graph.dependentsOf(item.uid);
    const plan = planDependent(item, found.map(({ state }) => state), dependents.some(waitsForDependents));
    await this.apply(item, plan, signal);
    if (found.some(({ state }) => state === 'unknown')) return { requeueAfterMs: unknownMs };
    return plan.type === 'keep' && found.some(({ unseen }) => unseen) ? { requeueAfterMs: unseenMs } : {};
  }

  private async stateOf(item: Item, owner: OwnerReference, signal: AbortSignal): Promise<{ state: OwnerState; unseen?: boolean }> {
    const { graph, lookup } = this.options;
    const resource = this.resourceOf(owner);
    if (!resource) return { state: 'unknown' };
    const seen = graph.get(owner.uid ?? '');
    const elsewhere = seen !== undefined && resource.namespaced && seen.namespace !== item.namespace;
    if (elsewhere || (resource.namespaced && item.namespace === '')) this.tellMisplaced(item, owner);
    if (resource.namespaced && item.namespace === '') return { state: 'misplaced' };
    const matches = seen && !elsewhere && seen.name === owner.name && seen.resource.kind === resource.kind && seen.resource.group === resource.group;
    if (matches) return { state: waitsForDependents(seen) ? 'waiting' : 'present' };
    const present = await lookup.find(resource, resource.namespaced ? item.namespace : '', owner, signal);
    if (!present) return { state: 'absent' };
    return { state: waitsForDependents(present) ? 'waiting' : 'present', unseen: true };
  }

  private resourceOf({ apiVersion = '', kind }: OwnerReference): Resource | undefined {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    return this.options.resources().find((resource) => resource.group === group && resource.kind === kind);
  }

  private tellMisplaced({ resource, namespace, name, uid, resourceVersion }: Item, owner: OwnerReference): void {
    const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
    const regarding = { apiVersion, kind: resource.kind, name, uid, resourceVersion, ...(namespace && { namespace }) };
    const said = `[${owner.apiVersion}/${owner.kind}, namespace: ${namespace}, name: ${owner.name}, uid: ${owner.uid}]`;
    this.options.recorder.event(regarding, 'Warning', 'OwnerRefInvalidNamespace', `ownerRef ${said} does not exist in namespace "${namespace}"`);
  }

  private async apply(item: Item, plan: DependentPlan, signal: AbortSignal): Promise<void> {
    if (plan.type === 'keep') return;
    if (plan.type === 'release') return this.setOwners(item, plan.owners, signal);
    const { client, logger } = this.options;
    const judged = plan.unblock ? await this.unblock(item, signal) : item;
    // The version it was judged by: who gave it another owner meanwhile makes this a Conflict.
    const preconditions = { uid: item.uid, resourceVersion: judged.resourceVersion };
    await client.resource(item.resource).delete(item.namespace, item.name, { signal, deleteOptions: { preconditions, propagationPolicy: plan.policy } });
    logger.info('object without owners deleted', { resource: item.resource.plural, namespace: item.namespace, name: item.name, policy: plan.policy });
  }

  /** In a circle of owners all would wait for each other. */
  private async unblock(item: Item, signal: AbortSignal): Promise<Pick<Item, 'resourceVersion'>> {
    const owners = item.owners.map(({ blockOwnerDeletion: _block, ...owner }) => owner);
    const patched = await this.patch(item, { ownerReferences: owners.map(plain) }, signal);
    return { resourceVersion: patched ?? item.resourceVersion };
  }

  private async setOwners(item: Item, owners: readonly OwnerReference[], signal: AbortSignal): Promise<void> {
    await this.patch(item, { ownerReferences: owners.length > 0 ? owners.map(plain) : null }, signal);
  }

  // ---- as an owner on its way out

  /** Takes the owner's reference from all that depend on it, then lets it go. */
  private async orphan(owner: Item, signal: AbortSignal): Promise<{ requeueAfterMs?: number }> {
    const { graph, complete } = this.options;
    if (!complete()) return { requeueAfterMs: incompleteMs };
    const dependents = graph.dependentsOf(owner.uid);
    const results = await inChunks(dependents, patchesAtOnce, (dependent) => this.release(dependent, owner.uid, signal));
    valuesOf(results);
    await this.dropFinalizer(owner, orphanFinalizer, signal);
    return {};
  }

  private async release(dependent: Item, ownerUid: string, signal: AbortSignal): Promise<void> {
    try {
      await this.setOwners(dependent, dependent.owners.filter(({ uid }) => uid !== ownerUid), signal);
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
  }

  private async letGo(owner: Item, signal: AbortSignal): Promise<{ requeueAfterMs?: number }> {
    const { graph, complete, wake } = this.options;
    const blocking = graph.dependentsOf(owner.uid).filter((dependent) => blocks(dependent, owner.uid));
    for (const dependent of blocking) if (!dependent.deleting) wake(requestFor(dependent.uid));
    if (blocking.length > 0) return {};
    if (!complete()) return { requeueAfterMs: incompleteMs };
    await this.dropFinalizer(owner, foregroundFinalizer, signal);
    return {};
  }

  private async dropFinalizer(owner: Item, finalizer: string, signal: AbortSignal): Promise<void> {
    const left = owner.finalizers.filter((name) => name !== finalizer);
    await this.patch(owner, { finalizers: left.length > 0 ? left : null }, signal);
  }

  /** On the very object that was judged, in the state it was judged in; answers its new version. */
  private async patch({ resource, namespace, name, uid, resourceVersion }: Item, metadata: { readonly [field: string]: null | string[] | ReturnType<typeof plain>[] }, signal: AbortSignal): Promise<string | undefined> {
    const patch = { metadata: { ...metadata, uid, resourceVersion } };
    const patched = await this.options.client.resource(resource).patch(namespace, name, mergePatch, patch, { signal });
    return patched.metadata?.resourceVersion;
  }
}

function plain({ apiVersion = '', kind = '', name = '', uid = '', controller, blockOwnerDeletion }: OwnerReference) {
  return { apiVersion, kind, name, uid, ...(controller !== undefined && { controller }), ...(blockOwnerDeletion !== undefined && { blockOwnerDeletion }) };
}
