import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { container, node, pod } from '../testing/builders';
import { Harness } from '../testing/harness';
import { Action } from './cluster-event';
import type {
  EnqueueExtensions, PermitPlugin, Plugin, PluginHandle, PostBindPlugin, PostFilterPlugin, PreBindPlugin, PreEnqueuePlugin, PreFilterPlugin, PreScorePlugin, ReservePlugin,
} from './plugin';

let world: Harness;
let handle: PluginHandle | undefined;
beforeEach(() => {
  world = new Harness();
});
afterEach(() => world.close());

function fresh(name: string): Pod {
  const { metadata: { uid: _uid, ...metadata } = {}, ...rest } = pod(name, { spec: { containers: [container({ cpu: '1' })] } });
  return { metadata, ...rest };
}

/** Runs a scheduler with these plugins behind the default ones, on a cluster with these nodes. */
async function startWith(plugins: readonly Plugin[], ...nodes: readonly Node[]): Promise<void> {
  for (const each of nodes) await world.nodes.create(each);
  await world.start({
    config: { profiles: [{ schedulerName: 'default-scheduler', plugins: { enabled: plugins.map(({ name }) => ({ name })) } }] },
    plugins: Object.fromEntries(plugins.map((plugin) => [plugin.name, (_args: unknown, given: PluginHandle) => {
      handle = given;
      return plugin;
    }])),
  });
}

async function submit(name: string): Promise<void> {
  await world.pods.create(fresh(name));
  await world.settle();
}

it('runs every extension point of a plugin, in the framework’s order', async () => {
  const calls: string[] = [];
  const note = (point: string) => (): undefined => void calls.push(point);
  const spy: PreEnqueuePlugin & PreFilterPlugin & PreScorePlugin & ReservePlugin & PermitPlugin & PreBindPlugin & PostBindPlugin = {
    name: 'Spy', preEnqueue: note('PreEnqueue'), preFilter: note('PreFilter'), preScore: note('PreScore'), reserve: note('Reserve'), unreserve: note('Unreserve'),
    permit: note('Permit'), preBind: async () => note('PreBind')(), postBind: note('PostBind'),
  };
  const full = Object.assign(spy, {
    filter: () => { note('Filter')(); return 0 as const; }, explain: () => [], score: () => { note('Score')(); return 1; }, normalize: note('NormalizeScore'),
  });
  await startWith([full], node('n1'), node('n2'));
  await submit('p');
  expect([...new Set(calls)]).toEqual(['PreEnqueue', 'PreFilter', 'Filter', 'PreScore', 'Score', 'NormalizeScore', 'Reserve', 'Permit', 'PreBind', 'PostBind']);
});

describe('Reserve', () => {
  it('is undone in reverse order when a later step refuses, and the place is free again', async () => {
    const calls: string[] = [];
    const reserving = (name: string): ReservePlugin => ({ name, reserve: () => void calls.push(`reserve ${name}`), unreserve: () => void calls.push(`unreserve ${name}`) });
    let refuse = true;
    const preBind: PreBindPlugin & EnqueueExtensions = {
      name: 'Refusing', preBind: async () => (refuse ? { code: 'unschedulable', reasons: ['not yet'] } : undefined), eventsToRegister: () => [{ resource: 'Node', actions: Action.add }],
    };
    await startWith([reserving('a'), reserving('b'), preBind], node('n1', { cpu: '1' }));
    await submit('p');
    expect(calls).toEqual(['reserve a', 'reserve b', 'unreserve b', 'unreserve a']);
    expect(await world.condition('p')).toMatchObject({ status: 'False', reason: 'Unschedulable', message: 'not yet' });
    refuse = false;
    await world.nodes.create(node('n2', { cpu: '100m' }));
    await world.clock.advance(2_000);
    await world.settle();
    expect(await world.nodeOf('p')).toBe('n1');
  });

  it('that throws is an error of the attempt, which backs off', async () => {
    let throws = true;
    const plugin: ReservePlugin = { name: 'Throwing', unreserve: () => undefined, reserve: () => { if (throws) throw new Error('out of order'); return undefined; } };
    await startWith([plugin], node('n1'));
    await submit('p');
    expect(await world.condition('p')).toMatchObject({ reason: 'SchedulerError', message: 'out of order' });
    throws = false;
    await world.clock.advance(1_000);
    await world.settle();
    expect(await world.nodeOf('p')).toBe('n1');
  });
});

describe('Permit', () => {
  const waiting: PermitPlugin & EnqueueExtensions = { name: 'Gang', permit: () => ({ waitMs: 10_000 }), eventsToRegister: () => [] };

  it('holds a pod until it is allowed, while others are scheduled', async () => {
    const first: PermitPlugin = { name: 'Gang', permit: (_state, info) => (info.name === 'p' ? { waitMs: 10_000 } : undefined) };
    await startWith([first], node('n1'));
    await submit('p');
    await submit('q');
    expect([await world.nodeOf('p'), await world.nodeOf('q')]).toEqual([undefined, 'n1']);
    for (const held of handle?.waitingPods() ?? []) held.allow('Gang');
    await world.settle();
    expect(await world.nodeOf('p')).toBe('n1');
  });

  it('refuses a pod whose time ran out, and frees its place', async () => {
    await startWith([waiting], node('n1', { cpu: '1' }));
    await submit('p');
    await world.clock.advance(10_000);
    expect((await world.condition('p'))?.message).toBe('timed out after waiting 10000 ms');
    expect(handle?.nodes.podCount[0]).toBe(0);
  });

  it('holds more pods than binds may be in flight without a standstill', async () => {
    const gang: PermitPlugin = {
      name: 'Gang',
      permit: () => {
        const held = [...(handle?.waitingPods() ?? [])];
        if (held.length < 300) return { waitMs: 60_000 };
        for (const each of held) each.allow('Gang');
        return undefined;
      },
    };
    await startWith([gang], node('n1', { cpu: '1000', pods: '1000' }));
    for (let i = 0; i <= 300; i++) await world.pods.create(fresh(`p${i}`));
    await world.settle();
    expect(world.bindings).toHaveLength(301);
  }, 60_000);

  it('lets go of a pod that is deleted while it waits', async () => {
    await startWith([waiting], node('n1', { cpu: '1' }));
    await submit('p');
    await world.pods.delete('default', 'p', { deleteOptions: { gracePeriodSeconds: 0 } });
    await world.settle();
    expect([...(handle?.waitingPods() ?? [])]).toEqual([]);
    expect(handle?.nodes.podCount[0]).toBe(0);
  });
});

it('PostFilter adds its word to the condition and may nominate a node', async () => {
  const postFilter: PostFilterPlugin = { name: 'Room', postFilter: () => ({ message: 'room: made on n1.', nominatedNode: 'n1' }) };
  await startWith([postFilter], node('n1', { cpu: '100m' }));
  await submit('p');
  expect((await world.condition('p'))?.message).toBe('0/1 nodes are available: 1 Insufficient cpu. room: made on n1.');
  expect((await world.pods.get('default', 'p')).status?.nominatedNodeName).toBe('n1');
});

it('a filter that throws is an error of the attempt, and the next attempt is made', async () => {
  let throws = true;
  await startWith([Object.assign({ name: 'Broken' }, { filter: () => { if (throws) throw new Error('broken'); return 0; }, explain: () => [] })], node('n1'));
  await submit('p');
  expect(await world.condition('p')).toMatchObject({ reason: 'SchedulerError', message: 'broken' });
  throws = false;
  await world.clock.advance(1_000);
  await world.settle();
  expect(await world.nodeOf('p')).toBe('n1');
});
