/** Empties terminating namespaces of every kind there is, and lets them go when nothing is left. */
import { namespaces, type ApiObject, type Resource } from '@navarch/api';
import { hasReason, isConflict, isNotFound, toError } from '@navarch/base';
import { startController, watching, type ReconcileContext } from '@navarch/client';
import type { Namespace } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../../dependencies';
import { inChunks } from '../../in-chunks';
import { sameConditions, terminationConditions, type Remaining } from './plan-namespace';

const finalizer = 'kubernetes';
/** Long enough for pods' grace, short enough for someone who waits. */
const lookAgainMs = 1_000;
const deletesAtOnce = 16;

class NamespaceLifecycle {
  constructor(private readonly dependencies: ControllerDependencies) {}

  async reconcile(name: string, context: ReconcileContext): Promise<{ requeueAfterMs?: number }> {
    const { informers, resources } = this.dependencies;
    const namespace = informers.namespaces.get('', name);
    if (!namespace?.metadata?.deletionTimestamp || !namespace.spec?.finalizers?.includes(finalizer)) return {};
    const kinds = resources().filter(({ namespaced, verbs }) => namespaced && verbs.includes('list') && verbs.includes('delete'));
    const remaining = await Promise.all(kinds.map((resource) => this.empty(resource, name, context)));
    const left = remaining.filter(({ count, failures }) => count > 0 || failures.length > 0);
    if (left.length === 0) {
      await this.finalize(namespace, context);
      return {};
    }
    await this.report(namespace, left, context);
    return { requeueAfterMs: lookAgainMs };
  }

  /** Deletes what one kind has there, and tells what is left of it. */
  private async empty(resource: Resource, namespace: string, { signal }: ReconcileContext): Promise<Remaining> {
    const client = this.dependencies.client.resource(resource);
    const id = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
    try {
      const { items } = await client.list({ namespace, signal });
      const pending = items.filter(({ metadata }) => !metadata?.deletionTimestamp);
      const results = await inChunks(pending, deletesAtOnce, ({ metadata }) => client.delete(namespace, metadata?.name ?? '', { signal }));
      const failures = results.flatMap((result) => (result.status === 'rejected' && !isNotFound(result.reason) ? [`${id}: ${toError(result.reason).message}`] : []));
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

  private async report(namespace: Namespace, remaining: readonly Remaining[], { wrote }: ReconcileContext): Promise<void> {
    const { client, clock, informers } = this.dependencies;
    const previous = namespace.status?.conditions ?? [];
    const conditions = terminationConditions(remaining, previous, clock.now());
    if (sameConditions(conditions, previous)) return;
    try {
      await wrote(informers.namespaces, await client.resource(namespaces).updateStatus({ ...namespace, status: { ...namespace.status, conditions } }));
    } catch (thrown) {
      // Only a report: the next look writes it again.
      if (!isNotFound(thrown) && !isConflict(thrown)) throw thrown;
    }
  }
}

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
      when: ({ type, object }) => type !== 'DELETED' && object.metadata?.deletionTimestamp !== undefined,
    })],
    reconcile: ({ name }, context) => lifecycle.reconcile(name, context),
  });
};
