import { nodes } from '@navarch/api';
import { seededRandom, silentLogger, VirtualClock } from '@navarch/base';
import { createMemoryApi, type MemoryApi } from '@navarch/client/testing';

import { runProxy, type Proxy } from './app';
import { MemoryRouteTable } from './testing/memory-route-table';

describe('the route agent', () => {
  let clock: VirtualClock;
  let api: MemoryApi;
  let table: MemoryRouteTable;
  let proxy: Proxy | undefined;
  beforeEach(() => {
    clock = new VirtualClock(1_700_000_000_000, () => new Promise((resolve) => setImmediate(resolve)));
    api = createMemoryApi({ clock, random: seededRandom(1) });
    table = new MemoryRouteTable(['10.89.0.0/24']);
  });
  afterEach(() => proxy?.close());

  async function start(): Promise<Proxy> {
    proxy = runProxy({ client: api.client, clock, random: seededRandom(2), logger: silentLogger, nodeName: 'self', routes: table });
    await clock.advance(10);
    return proxy;
  }
  async function addNode(name: string, podCIDR: string | undefined, address: string): Promise<void> {
    const client = api.client.resource(nodes);
    const created = await client.create({ metadata: { name }, spec: { ...(podCIDR && { podCIDR, podCIDRs: [podCIDR] }) } });
    await client.updateStatus({ ...created, status: { addresses: [{ type: 'InternalIP', address }] } });
  }
  const routes = (): object => Object.fromEntries(table.own);

  it('sets a route for each other node, as soon as it has range and address', async () => {
    await addNode('self', '10.244.0.0/24', '10.89.0.1');
    await addNode('b', '10.244.1.0/24', '10.89.0.2');
    await start();
    expect(routes()).toEqual({ '10.244.1.0/24': '10.89.0.2' });
    await addNode('c', undefined, '10.89.0.3');
    await clock.advance(10);
    expect(routes()).toEqual({ '10.244.1.0/24': '10.89.0.2' });
    await api.client.resource(nodes).patch('', 'c', 'application/merge-patch+json', { spec: { podCIDR: '10.244.2.0/24', podCIDRs: ['10.244.2.0/24'] } });
    await clock.advance(10);
    expect([routes(), proxy?.ready]).toEqual([{ '10.244.1.0/24': '10.89.0.2', '10.244.2.0/24': '10.89.0.3' }, true]);
  });

  it('removes the route of a node that is gone, also of one that went while it was not running', async () => {
    table.own.set('10.244.9.0/24', '10.89.0.9');
    await addNode('b', '10.244.1.0/24', '10.89.0.2');
    await start();
    expect(routes()).toEqual({ '10.244.1.0/24': '10.89.0.2' });
    await api.client.resource(nodes).delete('', 'b');
    await clock.advance(10);
    expect(routes()).toEqual({});
  });

  it('in a cluster without nodes, what an earlier run left goes', async () => {
    table.own.set('10.244.9.0/24', '10.89.0.9');
    await start();
    expect(routes()).toEqual({});
  });

  it('sets again what someone changed, within its period', async () => {
    await addNode('b', '10.244.1.0/24', '10.89.0.2');
    await start();
    table.own.set('10.244.1.0/24', '10.89.0.66');
    table.own.set('10.244.7.0/24', '10.89.0.66');
    await clock.advance(30_000);
    expect(routes()).toEqual({ '10.244.1.0/24': '10.89.0.2' });
  });

  it('a heartbeat of a node costs no look at the kernel', async () => {
    await addNode('b', '10.244.1.0/24', '10.89.0.2');
    await start();
    const list = jest.spyOn(table, 'list');
    const node = await api.client.resource(nodes).get('', 'b');
    await api.client.resource(nodes).updateStatus({ ...node, status: { ...node.status, conditions: [{ type: 'Ready', status: 'True' }] } });
    await clock.advance(100);
    expect(list).not.toHaveBeenCalled();
  });

  it('a route that cannot be set is not ready, is tried again, and holds up no other', async () => {
    await addNode('far', '10.244.1.0/24', '203.0.113.5');
    await addNode('b', '10.244.2.0/24', '10.89.0.2');
    await start();
    expect([routes(), proxy?.ready]).toEqual([{ '10.244.2.0/24': '10.89.0.2' }, false]);
    const node = await api.client.resource(nodes).get('', 'far');
    await api.client.resource(nodes).updateStatus({ ...node, status: { addresses: [{ type: 'InternalIP', address: '10.89.0.5' }] } });
    await clock.advance(10);
    expect([routes(), proxy?.ready]).toEqual([{ '10.244.1.0/24': '10.89.0.5', '10.244.2.0/24': '10.89.0.2' }, true]);
  });

  it('close leaves the routes and nothing running', async () => {
    await addNode('b', '10.244.1.0/24', '10.89.0.2');
    await (await start()).close();
    expect([routes(), clock.pending]).toEqual([{ '10.244.1.0/24': '10.89.0.2' }, 0]);
  });
});
