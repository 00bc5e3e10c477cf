import { configMaps, pods, type ApiObject, type Resource } from '@navarch/api';
import type { LogEntry, LogVerb } from '@navarch/store';
import * as fc from 'fast-check';

import { KindCache } from './kind-cache';
import { parseSelection, type Selection } from './selection';
import { firstField } from './wire-field';
import { Watcher } from './watchers';

const cm = configMaps as unknown as Resource;
const po = pods as unknown as Resource;

function entryOf(resource: Resource, sequence: number, verb: LogVerb, name: string, more: object = {}, uid = name): LogEntry {
  const object = { metadata: { name, namespace: 'default', uid }, ...more } as ApiObject;
  return { sequence, verb, uid, messageId: String(sequence), timeMs: sequence * 1_000, body: resource.codec.encode(object), key: { group: '', resource: resource.plural, namespace: 'default', name } };
}

const everything = (resource: Resource): Selection => parseSelection(resource, { group: '', version: 'v1', resource: resource.plural }, {});
const selecting = (fieldSelector: string): Selection => parseSelection(po, { group: '', version: 'v1', resource: 'pods' }, { fieldSelector });

function watch(cache: KindCache, selection: Selection): { watcher: Watcher; offered: () => number; drain: () => Promise<string[]> } {
  const watcher = new Watcher(selection, false, 1_000);
  const offer = jest.spyOn(watcher, 'offer');
  cache.watchers.add(watcher);
  return {
    watcher, offered: () => offer.mock.calls.length,
    drain: async () => {
      watcher.end();
      const items: string[] = [];
      for await (const { type, object, sequence } of watcher.queue) items.push(`${type} ${object.name}@${sequence}`);
      return items;
    },
  };
}

describe('the watch cache of a kind', () => {
  it('rewrites bytes once, with the version in its place, and shows metadata alone as a slice of them', () => {
    const cache = new KindCache(cm);
    cache.apply(entryOf(cm, 7, 'create', 'a', { data: { k: 'v' } }));
    const stored = cache.get('default', 'a');
    expect(cm.codec.decode(stored?.bytes ?? new Uint8Array())).toEqual({ metadata: { name: 'a', namespace: 'default', uid: 'a', resourceVersion: '7' }, data: { k: 'v' } });
    expect(cm.codec.decode(stored?.metadataBytes ?? new Uint8Array())).toEqual({ metadata: stored?.metadata });
    expect(stored?.object).toBe(stored?.object);
  });

  it('a change of one node’s pod is not even offered to another node’s watcher', async () => {
    const cache = new KindCache(po);
    const bound = (sequence: number, name: string, nodeName?: string) => cache.apply(entryOf(po, sequence, sequence === 1 ? 'create' : 'update', name, { spec: nodeName ? { nodeName } : {} }));
    const nodes = Array.from({ length: 100 }, (_, n) => watch(cache, selecting(`spec.nodeName=node-${n}`)));
    const full = watch(cache, everything(po));
    bound(1, 'p');
    bound(2, 'p', 'node-7');
    bound(3, 'p', 'node-7');
    bound(4, 'p', 'node-8');
    expect(nodes.map(({ offered }, n) => [n, offered()]).filter(([, offered]) => offered !== 0)).toEqual([[7, 3], [8, 1]]);
    expect(await nodes[7]?.drain()).toEqual(['ADDED p@2', 'MODIFIED p@3', 'DELETED p@4']);
    expect(await nodes[8]?.drain()).toEqual(['ADDED p@4']);
    expect(await full.drain()).toEqual(['ADDED p@1', 'MODIFIED p@2', 'MODIFIED p@3', 'MODIFIED p@4']);
  });

  it('watchers by name and by namespace meet only their own changes', () => {
    const cache = new KindCache(cm);
    const named = watch(cache, parseSelection(cm, { group: '', version: 'v1', resource: 'configmaps' }, { fieldSelector: 'metadata.name=a' }));
    const elsewhere = watch(cache, parseSelection(cm, { group: '', version: 'v1', resource: 'configmaps', namespace: 'kube-system' }, {}));
    cache.apply(entryOf(cm, 1, 'create', 'a'));
    cache.apply(entryOf(cm, 2, 'create', 'b'));
    expect([named.offered(), elsewhere.offered()]).toEqual([1, 0]);
    for (const { watcher } of [named, elsewhere]) cache.watchers.remove(watcher);
    expect(cache.watchers.size).toBe(0);
  });

  describe('when the log had to be loaded anew', () => {
    const before = (): KindCache => {
      const cache = new KindCache(cm);
      for (const [sequence, name] of [[1, 'stays'], [2, 'changes'], [3, 'goes'], [4, 'replaced']] as const) cache.apply(entryOf(cm, sequence, 'create', name));
      return cache;
    };
    const snapshot = [entryOf(cm, 1, 'create', 'stays'), entryOf(cm, 12, 'update', 'changes', { data: { n: '1' } }), entryOf(cm, 14, 'create', 'replaced', {}, 'other-uid'), entryOf(cm, 13, 'create', 'new')];

    it('watchers get the difference: made-up deletes first, then what changed, in order', async () => {
      const cache = before();
      const { drain } = watch(cache, everything(cm));
      cache.reset(snapshot, 20, 10);
      expect(await drain()).toEqual(['DELETED goes@10', 'DELETED replaced@10', 'MODIFIED changes@12', 'ADDED new@13', 'ADDED replaced@14']);
      expect([...cache.snapshot().values()].map(({ name }) => name)).toEqual(['changes', 'new', 'replaced', 'stays']);
    });

    it('nobody can resume across the gap, so that no made-up delete is lost between two of them', () => {
      const cache = before();
      cache.reset(snapshot, 20, 10);
      for (const version of [4, 10, 14, 19]) expect(() => cache.since(version)).toThrow(expect.objectContaining({ reason: 'Expired' }));
      expect(cache.since(20)).toEqual([]);
    });

    it('a snapshot that changes nothing tells nobody anything', async () => {
      const cache = before();
      const { drain } = watch(cache, everything(cm));
      cache.reset([1, 2, 3, 4].map((sequence, at) => entryOf(cm, sequence, 'create', ['stays', 'changes', 'goes', 'replaced'][at] ?? '')), 9, 4);
      expect(await drain()).toEqual([]);
    });
  });

  it('can go back to any version in its window, whatever happened since', () => {
    const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), remove: fc.boolean() });
    fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const cache = new KindCache(cm);
      const history: [number, string[]][] = [[0, []]];
      const state = new Map<string, number>();
      steps.forEach(({ name, remove }, at) => {
        const sequence = at + 1;
        if (remove && !state.has(name)) return;
        cache.apply(entryOf(cm, sequence, remove ? 'delete' : state.has(name) ? 'update' : 'create', name));
        if (remove) state.delete(name);
        else state.set(name, sequence);
        history.push([sequence, [...state].map(([key, value]) => `${key}@${value}`).sort()]);
      });
      for (const [sequence, expected] of history) expect([...cache.snapshotAt(sequence).values()].map(({ name, sequence: own }) => `${name}@${own}`)).toEqual(expected);
    }));
  });

  it('keeps events by age and count, and never less than its minimum', () => {
    const cache = new KindCache(cm, { keepMs: 5_000, minEvents: 3, maxEvents: 10 });
    for (let sequence = 1; sequence <= 30; sequence++) cache.apply(entryOf(cm, sequence, sequence === 1 ? 'create' : 'update', 'a', { data: { n: String(sequence) } }));
    expect(cache.since(cache.oldest).map(({ sequence }) => sequence)).toEqual([25, 26, 27, 28, 29, 30]);
    expect(() => cache.since(cache.oldest - 1)).toThrow(expect.objectContaining({ reason: 'Expired' }));
    cache.raiseFloor(28);
    expect(cache.oldest).toBe(28);
    expect(cache.since(28)).toHaveLength(2);
  });

  it('cuts fields out of messages, and finds none in an empty one', () => {
    expect(firstField(new Uint8Array(), 1)).toHaveLength(0);
    expect([...firstField(Uint8Array.from([0x10, 0x05, 0x0a, 0x01, 0x61, 0x1a, 0x00]), 1)]).toEqual([0x0a, 0x01, 0x61]);
  });
});
