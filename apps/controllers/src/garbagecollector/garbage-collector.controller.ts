/**
 * Garbage collection by owner references, after Kubernetes: an object goes when its last owner has gone (background), an owner waits
 * for those that block it (foreground), or leaves them behind (orphan). It watches the metadata of every kind, keeps the graph of
 * owners (owner-graph.ts), and acts on nothing but what a write's own conditions (uid and version) or a current read confirm.
 */
import type { ApiObject, Resource } from '@navarch/api';
import { startController, type ObjectChange } from '@navarch/client';

import type { StartController } from '../dependencies';
import { GarbageCollector, requestFor } from './garbage-collector';
import { MetadataWatches } from './metadata-watches';
import { itemOf, orphansDependents, OwnerGraph, waitsForDependents, type Item } from './owner-graph';
import { OwnerLookup } from './owner-lookup';

/** As in Kubernetes (concurrent-gc-syncs). */
const workers = 20;
/** All objects of a large cluster may wait at once. */
const queueCapacity = 1_000_000;
const loadingMs = 200;
/** What keeps failing (an owner that cannot be asked for) is tried so often. */
const maxBackoffMs = 60_000;

export const startGarbageCollection: StartController = (dependencies, signal) => {
  const { client, clock, random, logger, recorder, resources, observe } = dependencies;
  const graph = new OwnerGraph();
  const onChange = (resource: Resource, change: ObjectChange<ApiObject>): void => {
    for (const uid of concerned(graph, resource, change)) controller.enqueue(requestFor(uid));
  };
  const onUnserved = (gone: Resource): void => {
    for (const { uid, resource } of [...graph.all()]) if (resource === gone) graph.remove(uid);
  };
  const watches = new MetadataWatches({ client, clock, random, logger, resources, onChange, onUnserved });
  const collector = new GarbageCollector({
    client, clock, logger, recorder, graph, lookup: new OwnerLookup(client), resources,
    complete: () => watches.complete, wake: (request) => controller.enqueue(request),
  });
  const controller = startController({
    name: 'garbagecollector', clock, random, logger, signal, concurrency: workers, queueCapacity, maxBackoffMs, watches: [], ...(observe && { observe }),
    reconcile: async ({ name: uid }, context) => {
      // Owners that are merely not loaded yet need not be asked for one by one.
      if (!watches.usable) return { requeueAfterMs: loadingMs };
      return collector.collect(uid, context.signal);
    },
  });
  const watching = watches.run(signal);
  return { done: Promise.all([controller.done, watching]).then(() => undefined), enqueue: (request, afterMs) => controller.enqueue(request, afterMs) };
};

/** Takes a change into the graph, and answers which objects it concerns. */
function* concerned(graph: OwnerGraph, resource: Resource, { type, object }: ObjectChange<ApiObject>): Generator<string> {
  const item = itemOf(resource, object);
  const before = graph.get(item.uid);
  if (type === 'DELETED') graph.remove(item.uid);
  else graph.put(item);
  yield* goingOwners(graph, before);
  if (type === 'DELETED') {
    for (const { uid } of graph.dependentsOf(item.uid)) yield uid;
    return;
  }
  yield* goingOwners(graph, item);
  if (item.owners.length > 0 || orphansDependents(item)) yield item.uid;
  if (!waitsForDependents(item)) return;
  yield item.uid;
  if (!before || !waitsForDependents(before)) for (const { uid } of graph.dependentsOf(item.uid)) yield uid;
}

/** Owners that wait for this object, or for nothing but it. */
function* goingOwners(graph: OwnerGraph, item: Item | undefined): Generator<string> {
  for (const { uid = '' } of item?.owners ?? []) {
    const owner = graph.get(uid);
    if (owner && (waitsForDependents(owner) || orphansDependents(owner))) yield uid;
  }
}
