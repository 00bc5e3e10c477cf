/** Empties terminating namespaces of every kind there is, and lets them go when nothing is left. */
import { deepEqual, namespaces, type ApiObject, type Resource } from '@navarch/api';
import { hasReason, inParallel, isConflict, isNotFound, toError } from '@navarch/base';
import { startController, watching, type ReconcileContext } from '@navarch/client';
import type { Namespace } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../../dependencies';
import { nextLook, sameConditions, terminationConditions, type Look, type Remaining } from './plan-namespace';

const finalizer = 'kubernetes';
/** Enough to keep a server busy, few enough to leave room for others. */
const deletesAtOnce = 32;

class NamespaceLifecycle {
  /** By uid, while it terminates. */
  private readonly looks = new Map<string, Look>();

  constructor(private readonly dependencies: ControllerDependencies) {}

  async reconcile(name: string, context: ReconcileContext): Promise<{ requeueAfterMs?: number }> {
    const { informers, resources } = this.dependencies;
    const namespace = informers.namespaces.get('', name);
    if (!namespace?.metadata?.deletionTimestamp || !namespace.spec?.finalizers?.includes(finalizer)) return {};
    let kinds: readonly Resource[];
    try {
      kinds = resources().filter(({ namespaced, verbs }) => namespaced && verbs.includes('list') && verbs.includes('delete'));
    } catch (thrown) {
      await this.report(namespace, [], context, toError(thrown).message);
      throw thrown;
    }
    const { uid = '' } = namespace.metadata;
    const last = this.looks.get(uid);
    const known = last ? kinds.filter((resource) => last.left.has(idOf(resource))) : kinds;
    let left = await this.emptyAll(known, name, context);
    // What seemed empty is looked at once more before the namespace goes: that is the moment that counts.
    if (left.length === 0 && known.length < kinds.length) left = await this.emptyAll(kinds, name, context);
    if (left.length === 0) {
      await this.finalize(namespace, context);
      this.looks.delete(uid);
      return {};
    }
    const look = nextLook(left, last);
    this.looks.set(uid, look);
    await this.report(namespace, left, context);
    return { requeueAfterMs: look.delayMs };
  }

  /** Those that have something left, or cannot be emptied now. */
  private async emptyAll(kinds: readonly Resource[], namespace: string, context: ReconcileContext): Promise<Remaining[]> {
    const remaining = await Promise.all(kinds.map((resource) => this.empty(resource, namespace, context)));
    return remaining.filter(({ count, failures }) => count > 0 || failures.length > 0);
  }

  /** Deletes what one kind has there, and tells what is left of it. */
  private async empty(resource: Resource, namespace: string, { signal }: ReconcileContext): Promise<Remaining> {
    const client = this.dependencies.client.resource(resource);
    const id = idOf(resource);
    try {
      const { items } = await client.list({ namespace, signal });
      const pending = items.filter(({ metadata }) => !metadata?.deletionTimestamp);
      const results = await inParallel(pending, deletesAtOnce, ({ metadata }) => client.delete(namespace, metadata?.name ?? '', { signal }).then(() => undefined, toError));
      const failures = results.flatMap((error) => (error && !isNotFound(error) ? [`${id}: ${error.message}`] : []));
      const left = items.length > 0 ? (await client.list({ namespace, signal })).items : [];
      return { resource: id, count: left.length, finalizers: countFinalizers(left), failures };
    } catch (thrown) {
      // A kind that is no longer served has no objects to delete.
      if (isNotFound(thrown) || hasReason(thrown, 'MethodNotAllowed')) return { resource: id, count: 0, finalizers: {}, failures: [] };
      return { resource: id, count: 0, finalizers: {}, failures: [`${id}: ${toError(thrown).message}`] };
    }
  }

  private async finalize(namespace: Namespace, { logger }: ReconcileContext): Promise<void> {
    const finalizers = namespace.spec?.finalizers?.filter((name) => name !== finalizer) ?? [];
    const spec = { ...namespace.spec, ...(finalizers.length > 0 ? { finalizers } : { finalizers: undefined }) };
    try {
      await this.dependencies.client.resource(namespaces).update({ ...namespace, spec }, { subresource: 'finalize' });
      logger.info('namespace is empty and goes', { namespace: namespace.metadata?.name });
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
  }

  private async report(namespace: Namespace, remaining: readonly Remaining[], { wrote }: ReconcileContext, undiscovered?: string): Promise<void> {
    const { client, clock, informers } = this.dependencies;
    const previous = namespace.status?.conditions ?? [];
    const conditions = terminationConditions(remaining, previous, clock.now(), undiscovered);
    if (sameConditions(conditions, previous)) return;
    try {
      await wrote(informers.namespaces, await client.resource(namespaces).updateStatus({ ...namespace, status: { ...namespace.status, conditions } }));
    } catch (thrown) {
      // Only a report: the next look writes it again.
      if (!isNotFound(thrown) && !isConflict(thrown)) throw thrown;
    }
  }
}

/** Plural with group, such as leases.coordination.k8s.io. */
const idOf = ({ group, plural }: Resource): string => (group === '' ? plural : `${plural}.${group}`);

function countFinalizers(objects: readonly ApiObject[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { metadata } of objects) for (const name of metadata?.finalizers ?? []) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

export const startNamespaceLifecycle: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const lifecycle = new NamespaceLifecycle(dependencies);
  return startController({
    name: 'namespace/lifecycle', clock, random, logger, signal, concurrency: 4, maxBackoffMs: 30_000, ...(observe && { observe }),
    watches: [watching(informers.namespaces, {
      keys: ({ metadata }) => [{ namespace: '', name: metadata?.name ?? '' }],
      // Its own reports are no reason to look again.
      when: ({ type, object, old }) => type !== 'DELETED' && object.metadata?.deletionTimestamp !== undefined
        && (old?.metadata?.deletionTimestamp === undefined || !deepEqual(object.spec, old.spec)),
    })],
    reconcile: ({ name }, context) => lifecycle.reconcile(name, context),
  });
};
