import { ApiError, randomInt, seededRandom } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { container, node, pod } from './testing/builders';
import { Harness } from './testing/harness';

let world: Harness;
beforeEach(() => {
  world = new Harness();
});
afterEach(() => world.close());

/** A pod as a client hands it in: the server gives uid and defaults. */
function fresh(name: string, shape: Parameters<typeof pod>[1] = {}): Pod {
  const { metadata: { uid: _uid, ...metadata } = {}, ...rest } = pod(name, shape);
  return { metadata, ...rest };
}

async function create(...pods: readonly Pod[]): Promise<void> {
  for (const each of pods) await world.pods.create(each);
}

/** Holds the bind calls back until told, in order. */
function holdBinds(): { release(fail?: Error, landed?: boolean): Promise<void>; readonly held: string[] } {
  const waiting: ((outcome: { fail?: Error; landed?: boolean }) => void)[] = [];
  const held: string[] = [];
  world.onBind = async (binding, pass) => {
    held.push(`${binding.metadata?.name} → ${binding.target?.name}`);
    const { fail, landed } = await new Promise<{ fail?: Error; landed?: boolean }>((resolve) => waiting.push(resolve));
    if (!fail || landed) await pass();
    if (fail) throw fail;
  };
  return {
    held,
    release: async (fail, landed = false) => {
      waiting.shift()?.({ ...(fail && { fail }), landed });
      await world.settle();
    },
  };
}

describe('a pod that fits', () => {
  it('is bound to a node, and an event says so', async () => {
    await world.nodes.create(node('n1'));
    await world.start();
    await create(fresh('p', { cpu: '100m' }));
    await world.settle();
    expect(await world.nodeOf('p')).toBe('n1');
    expect(await world.eventTexts()).toEqual(['Scheduled: Successfully assigned default/p to n1']);
    expect(world.attempts.map(({ outcome }) => outcome)).toEqual(['scheduled']);
  });

  it('is left to others when it names another scheduler', async () => {
    await world.nodes.create(node('n1'));
    const scheduler = await world.start();
    await create(fresh('p', { spec: { containers: [container({})], schedulerName: 'someone-else' } }));
    await world.settle();
    expect(await world.nodeOf('p')).toBeUndefined();
    expect(scheduler.counts()).toMatchObject({ active: 0, inFlight: 0 });
  });

  it('is bound by the profile that bears its scheduler’s name', async () => {
    await world.nodes.create(node('n1', { taints: [{ key: 'k', effect: 'NoSchedule' }] }));
    const tolerant = { schedulerName: 'tolerant', plugins: { disabled: [{ name: 'TaintToleration' }] } };
    await world.start({ config: { profiles: [{ schedulerName: 'default-scheduler' }, tolerant] } });
    await create(fresh('strict'), fresh('lax', { spec: { containers: [container({})], schedulerName: 'tolerant' } }));
    await world.settle();
    expect([await world.nodeOf('strict'), await world.nodeOf('lax')]).toEqual([undefined, 'n1']);
  });

  it('takes its place before it is bound: the next decision counts it', async () => {
    await world.nodes.create(node('n1', { cpu: '1' }));
    const binds = holdBinds();
    await world.start();
    await create(fresh('a', { cpu: '600m' }), fresh('b', { cpu: '600m' }));
    await world.settle();
    expect(binds.held).toEqual(['a → n1']);
    expect((await world.condition('b'))?.message).toBe('0/1 nodes are available: 1 Insufficient cpu.');
    await binds.release();
    expect(await world.nodeOf('a')).toBe('n1');
  });

  it('is bound beside others, up to the limit of binds in flight', async () => {
    await world.nodes.create(node('n1'));
    const binds = holdBinds();
    await world.start({ config: { maxBindsInFlight: 3 } });
    await create(...Array.from({ length: 5 }, (_, i) => fresh(`p${i}`)));
    await world.settle();
    expect(binds.held).toHaveLength(3);
    await binds.release();
    expect(binds.held).toHaveLength(4);
    for (let i = 0; i < 4; i++) await binds.release();
    expect(world.bindings).toHaveLength(5);
  });
});

describe('a pod that does not fit', () => {
  it('says why in its condition, in an event and per node, and is scheduled when a node comes that it fits on', async () => {
    await world.nodes.create(node('small', { cpu: '1' }));
    await world.nodes.create(node('tainted', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }));
    const scheduler = await world.start();
    await create(fresh('p', { cpu: '2' }));
    await world.settle();
    const message = '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {k: v}.';
    expect(await world.condition('p')).toMatchObject({ status: 'False', reason: 'Unschedulable', message });
    expect(await world.eventTexts()).toEqual([`FailedScheduling: ${message}`]);
    const diagnosis = scheduler.diagnose('default', 'p')?.diagnosis;
    expect(Object.fromEntries(diagnosis?.nodesByReason ?? [])).toEqual({ 'Insufficient cpu': ['small'], 'node(s) had untolerated taint {k: v}': ['tainted'] });
    await world.nodes.create(node('big'));
    await world.clock.advance(1_000);
    await world.settle();
    expect(await world.nodeOf('p')).toBe('big');
    expect(scheduler.diagnose('default', 'p')).toBeUndefined();
  });

  it('has its condition written once while the reason stays the same', async () => {
    await world.nodes.create(node('small', { cpu: '1' }));
    await world.start();
    await create(fresh('p', { cpu: '2' }));
    await world.settle();
    for (let i = 0; i < 3; i++) await world.clock.advance(301_000);
    expect(world.attempts.length).toBeGreaterThan(2);
    expect(world.api.writes.filter((write) => write.startsWith('update pods'))).toHaveLength(1);
  });

  it('keeps the time of the transition when only the reason’s text changes', async () => {
    await world.nodes.create(node('small', { cpu: '1' }));
    await world.start();
    await create(fresh('p', { cpu: '2' }));
    await world.settle();
    const since = async () => (await world.pods.get('default', 'p')).status?.conditions?.find(({ type }) => type === 'PodScheduled')?.lastTransitionTime;
    const first = await since();
    await world.nodes.create(node('other', { cpu: '1', unschedulable: true }));
    await world.clock.advance(301_000);
    expect((await world.condition('p'))?.message).toMatch(/^0\/2 nodes/);
    expect(await since()).toEqual(first);
  });

  it('is not overwritten by a stale writer: its other conditions stay', async () => {
    await world.start();
    await create(fresh('p'));
    const release = world.api.pauseWatches();
    await world.settle();
    const now = await world.pods.get('default', 'p');
    await world.pods.updateStatus({ ...now, status: { ...now.status, conditions: [...(now.status?.conditions ?? []), { type: 'example.com/gate', status: 'True' }] } });
    release();
    await world.clock.advance(2_000);
    await world.settle();
    const types = (await world.pods.get('default', 'p')).status?.conditions?.map(({ type }) => type).sort();
    expect(types).toEqual(['PodScheduled', 'example.com/gate']);
  });

  it('waits with 999 others on a full cluster; each goes as soon as there is room, exactly once', async () => {
    await world.nodes.create(node('full', { cpu: '1', pods: '2000' }));
    const scheduler = await world.start();
    await create(fresh('hog', { cpu: '1' }));
    await world.settle();
    await create(...Array.from({ length: 1_000 }, (_, i) => fresh(`p${i}`, { cpu: '1m' })));
    await world.settle();
    expect(scheduler.counts()).toMatchObject({ unschedulable: 1_000 });
    expect((await world.condition('p999'))?.reason).toBe('Unschedulable');
    await world.pods.delete('default', 'hog', { deleteOptions: { gracePeriodSeconds: 0 } });
    await world.clock.advance(2_000);
    await world.settle();
    expect(scheduler.counts()).toMatchObject({ active: 0, backoff: 0, unschedulable: 0, inFlight: 0 });
    expect(new Set(world.bindings).size).toBe(1_001);
    expect(world.bindings).toHaveLength(1_001);
  }, 60_000);

  it('with a scheduling gate waits until the gate is removed', async () => {
    await world.nodes.create(node('n1'));
    await world.start();
    await create(fresh('p', { spec: { containers: [container({})], schedulingGates: [{ name: 'example.com/hold' }] } }));
    await world.clock.advance(600_000);
    expect(await world.nodeOf('p')).toBeUndefined();
    const { spec: { schedulingGates: _gates, ...spec } = {}, ...rest } = await world.pods.get('default', 'p');
    await world.pods.update({ ...rest, spec });
    await world.settle();
    expect(await world.nodeOf('p')).toBe('n1');
  });
});

describe('when binding goes wrong', () => {
  it('a pod that another scheduler has bound stays where it is, and its place is counted there', async () => {
    await world.nodes.create(node('n1', { cpu: '1' }));
    const binds = holdBinds();
    await world.start();
    await create(fresh('p', { cpu: '1' }));
    await world.settle();
    await world.nodes.create(node('n2', { cpu: '1' }));
    const release = world.api.pauseWatches();
    await world.api.client.bindPod({ metadata: { namespace: 'default', name: 'p' }, target: { name: 'n2' } });
    await binds.release();
    expect(await world.nodeOf('p')).toBe('n2');
    release();
    await create(fresh('q', { cpu: '1' }));
    await world.settle();
    expect(binds.held).toEqual(['p → n1', 'q → n1']);
    await binds.release();
    expect(await world.nodeOf('q')).toBe('n1');
  });

  it('a refused bind gives the place back, says so, and the pod is tried again after back-off', async () => {
    await world.nodes.create(node('n1', { cpu: '1' }));
    const binds = holdBinds();
    await world.start();
    await create(fresh('p', { cpu: '1' }));
    await world.settle();
    await binds.release(new ApiError('Forbidden', 'not you'));
    expect(await world.condition('p')).toMatchObject({ status: 'False', reason: 'SchedulerError', message: 'binding rejected: not you' });
    expect(binds.held).toHaveLength(1);
    await world.clock.advance(1_000);
    await world.settle();
    expect(binds.held).toHaveLength(2);
    await binds.release();
    expect(await world.nodeOf('p')).toBe('n1');
  });

  it.each([['Unavailable'], ['Timeout'], ['Internal']] as const)('a bind that failed with %s yet landed counts as bound, and is not repeated', async (reason) => {
    await world.nodes.create(node('n1', { cpu: '1' }));
    const binds = holdBinds();
    await world.start();
    await create(fresh('p', { cpu: '1' }));
    await world.settle();
    await binds.release(new ApiError(reason, 'connection lost'), true);
    await world.clock.advance(60_000);
    expect(world.bindings).toEqual(['p → n1']);
    expect(await world.eventTexts()).toEqual(['Scheduled: Successfully assigned default/p to n1']);
  });

  it('keeps the place of a pod whose bind has an unknown outcome until the API answers again', async () => {
    await world.nodes.create(node('n1', { cpu: '1' }));
    const binds = holdBinds();
    await world.start();
    await create(fresh('p', { cpu: '1' }));
    await world.settle();
    for (let i = 0; i < 3; i++) world.api.failNext('get', new ApiError('Unavailable', 'down'), { plural: 'pods' });
    await binds.release(new ApiError('Unavailable', 'down'));
    await create(fresh('q', { cpu: '1' }));
    await world.settle();
    expect(binds.held).toEqual(['p → n1']);
    await world.clock.advance(30_000);
    expect(binds.held.length).toBeGreaterThan(1);
    for (let i = 0; i < 3; i++) await binds.release();
    expect(world.bindings).toHaveLength(1);
  });

  it.each([['landed', true], ['got lost', false]])('a bind without an answer that %s is given up after 30 s, and the API is asked what became of it', async (_name, landed) => {
    await world.nodes.create(node('n1'));
    world.onBind = async (_binding, pass) => {
      world.onBind = (_next, passNext) => passNext();
      if (landed) await pass();
      return new Promise(() => undefined);
    };
    await world.start();
    await create(fresh('p'));
    await world.clock.advance(29_000);
    expect(world.attempts).toEqual([]);
    await world.clock.advance(5_000);
    expect(world.attempts.map(({ outcome }) => outcome)).toEqual(landed ? ['scheduled'] : ['error', 'scheduled']);
    expect(world.bindings).toEqual(['p → n1']);
  });

  it.each(Array.from({ length: 20 }, (_, seed) => seed))('whatever binds fail how, each pod is bound once and no node over-committed (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    for (let i = 0; i < 4; i++) await world.nodes.create(node(`n${i}`, { cpu: '1' }));
    world.onBind = async (_binding, pass) => {
      const fate = random.next();
      if (fate < 0.5) return pass();
      const reason = (['Unavailable', 'Timeout', 'Conflict', 'Internal', 'Forbidden'] as const)[randomInt(random, 5)] ?? 'Internal';
      // What is refused outright has not happened; all else may have.
      if (fate < 0.75 && reason !== 'Forbidden') await pass();
      if (fate < 0.6) world.api.failNext('get', new ApiError('Unavailable', 'down'), { plural: 'pods' });
      throw new ApiError(reason, 'fault');
    };
    await world.start();
    await create(...Array.from({ length: 14 }, (_, i) => fresh(`p${i}`, { cpu: '300m' })));
    await world.clock.advance(300_000);
    const { items } = await world.pods.list();
    const perNode = new Map<string, number>();
    for (const { spec } of items) if (spec?.nodeName) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
    expect([...perNode.values()]).toEqual([3, 3, 3, 3]);
    expect(new Set(world.bindings.map((each) => each.split(' ')[0])).size).toBe(world.bindings.length);
  });

  it('a node deleted between decision and bind takes no second pod, and a refused pod goes elsewhere', async () => {
    await world.nodes.create(node('n1', { cpu: '1' }));
    const binds = holdBinds();
    await world.start();
    await create(fresh('p', { cpu: '1' }));
    await world.settle();
    await world.nodes.delete('', 'n1');
    await world.nodes.create(node('n2', { cpu: '1' }));
    await world.settle();
    await binds.release(new ApiError('Invalid', 'node "n1" not found'));
    await world.clock.advance(1_000);
    await world.settle();
    await binds.release();
    expect(binds.held).toEqual(['p → n1', 'p → n2']);
    expect(await world.nodeOf('p')).toBe('n2');
  });

  it('a pod deleted while its bind is under way leaves its place to the next', async () => {
    await world.nodes.create(node('n1', { cpu: '1' }));
    const binds = holdBinds();
    const scheduler = await world.start();
    await create(fresh('p', { cpu: '1' }));
    await world.settle();
    await world.pods.delete('default', 'p', { deleteOptions: { gracePeriodSeconds: 0 } });
    await create(fresh('q', { cpu: '1' }));
    await binds.release();
    await world.clock.advance(2_000);
    await world.settle();
    await binds.release();
    expect(await world.nodeOf('q')).toBe('n1');
    expect(scheduler.counts()).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0, inFlight: 0 });
  });

  it('a pod being deleted is not scheduled', async () => {
    await create(fresh('p', { spec: { containers: [container({})], terminationGracePeriodSeconds: 30 } }));
    await world.pods.delete('default', 'p', { deleteOptions: { gracePeriodSeconds: 30 } });
    await world.nodes.create(node('n1'));
    await world.start();
    await world.clock.advance(5_000);
    expect(world.bindings).toEqual([]);
  });

  it('asks the API when the watch does not show a bound pod for long, and goes on counting it', async () => {
    await world.nodes.create(node('n1', { cpu: '1' }));
    await world.start();
    await create(fresh('p', { cpu: '1' }));
    await world.clock.advance(0);
    const release = world.api.pauseWatches();
    await world.clock.advance(120_000);
    release();
    await create(fresh('q', { cpu: '1' }));
    await world.settle();
    expect(world.bindings).toEqual(['p → n1']);
    expect((await world.condition('q'))?.message).toBe('0/1 nodes are available: 1 Insufficient cpu.');
  });
});

describe('starting and stopping', () => {
  it('a scheduler that starts anew knows from the watch alone which places are taken', async () => {
    await world.nodes.create(node('n1', { cpu: '1' }));
    const first = await world.start();
    await create(fresh('a', { cpu: '600m' }), fresh('b', { cpu: '600m' }));
    await world.settle();
    const closed = first.close();
    await world.clock.advance(1);
    await closed;
    await world.start();
    await world.settle();
    expect(world.bindings).toHaveLength(1);
    await world.pods.delete('default', 'a', { deleteOptions: { gracePeriodSeconds: 0 } });
    await world.clock.advance(1_000);
    await world.settle();
    expect(world.bindings).toEqual(['a → n1', 'b → n1']);
  });

  it('counts pods that ended as gone', async () => {
    await world.nodes.create(node('n1', { cpu: '1' }));
    await world.start();
    await create(fresh('a', { cpu: '1' }));
    await world.settle();
    const done = await world.pods.get('default', 'a');
    await world.pods.updateStatus({ ...done, status: { ...done.status, phase: 'Succeeded' } });
    await create(fresh('b', { cpu: '1' }));
    await world.settle();
    expect(await world.nodeOf('b')).toBe('n1');
  });

  it('of two schedulers one works, the other takes over when it stops', async () => {
    await world.nodes.create(node('n1'));
    const first = await world.start({ leaderElection: { identity: 'one' } });
    const second = world.launch({ leaderElection: { identity: 'two' } });
    await world.clock.advance(5_000);
    expect([first.leading, second.leading]).toEqual([true, false]);
    await create(fresh('a'));
    await world.settle();
    const closed = first.close();
    await world.clock.advance(1);
    await closed;
    await create(fresh('b'));
    await world.clock.advance(20_000);
    expect(second.leading).toBe(true);
    expect(world.bindings).toEqual(['a → n1', 'b → n1']);
  });

  it('two schedulers that both believe to lead bind no pod twice', async () => {
    await world.nodes.create(node('n1', { cpu: '1' }));
    await world.nodes.create(node('n2', { cpu: '1' }));
    await world.start();
    await world.start();
    await create(...Array.from({ length: 2 }, (_, i) => fresh(`p${i}`, { cpu: '500m' })));
    await world.clock.advance(20_000);
    expect(world.bindings.map((each) => each.split(' ')[0]).sort()).toEqual(['p0', 'p1']);
  });

  it('stops with binds under way', async () => {
    await world.nodes.create(node('n1'));
    const binds = holdBinds();
    const scheduler = await world.start();
    await create(fresh('p'));
    await world.settle();
    expect(binds.held).toHaveLength(1);
    const closed = scheduler.close();
    await binds.release(new ApiError('Canceled', 'stopping'));
    await closed;
    expect(scheduler.leading).toBe(false);
  });

  it('refuses a bad configuration at once', () => {
    expect(() => world.launch({ config: { profiles: [{ schedulerName: 'x', plugins: { enabled: [{ name: 'Nonsense' }] } }] } })).toThrow('unknown plugin "Nonsense"');
  });
});
