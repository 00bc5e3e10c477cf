import { createIpRouteTable } from './ip-route-table';
import { createVxlan, linkAddress } from './overlay';
import { createLab, type Lab } from './testing/lab';

/** Two nodes on different links, which a router joins; it knows the nodes and nothing of pods. */
describe('VXLAN between nodes that share no link', () => {
  let lab: Lab;
  const nodes = [
    { name: 'a', four: '192.0.2.11', six: '2001:db8::11', pod: '10.244.1.5', pod6: 'fd00:244:1::5', range: '10.244.1.0/24', range6: 'fd00:244:1::/64' },
    { name: 'b', four: '192.0.2.12', six: '2001:db8::12', pod: '10.244.2.5', pod6: 'fd00:244:2::5', range: '10.244.2.0/24', range6: 'fd00:244:2::/64' },
  ] as const;
  const tableOf = ({ name, four, six }: (typeof nodes)[number], vxlan = true) => {
    const command = lab.inHost(name);
    return createIpRouteTable({ command: [...command, 'ip'], ...(vxlan && { overlay: createVxlan({ addresses: [four, six], vni: 7, port: 4789, command }) }) });
  };

  beforeAll(async () => {
    lab = createLab(['192.0.2.1/32']);
    for (const { name, four, six, pod, pod6 } of nodes) {
      lab.addHost(name, [four, six]);
      lab.ip(name, 'addr', 'add', pod, 'dev', 'lo');
      lab.ip(name, '-6', 'addr', 'add', pod6, 'dev', 'lo');
      await lab.serve(name, pod, 8080);
      await lab.serve(name, pod6, 8080);
    }
  });
  afterAll(() => lab?.close());

  it('carries pods of both families, seen by their own addresses, follows a node to another address, and leaves nothing behind', async () => {
    const [a, b] = nodes;
    const [there, back] = [{ destination: b.range, gateway: b.four }, { destination: a.range, gateway: a.four }];
    const [there6, back6] = [{ destination: b.range6, gateway: b.six }, { destination: a.range6, gateway: a.six }];
    const ask = (to: string, source: string) => lab.ask({ from: 'a', to, port: 8080, source });
    expect(await ask(b.pod, a.pod)).not.toHaveProperty('by');
    for (const [node, routes] of [[a, [there, there6]], [b, [back, back6]]] as const) {
      const table = tableOf(node);
      expect(await table.list()).toEqual([]);
      await table.apply({ add: routes, change: [], remove: [] });
      expect(await table.list()).toEqual(routes);
    }
    expect([await ask(b.pod, a.pod), await ask(b.pod6, a.pod6)]).toEqual([{ by: 'b', source: a.pod }, { by: 'b', source: a.pod6 }]);
    await tableOf(a).apply({ add: [], change: [], remove: [there, there6] });
    expect(await tableOf(a).list()).toEqual([]);
  });

  it('the device leaves room for its headers, and is made anew when someone changed it', async () => {
    const [a] = nodes;
    await tableOf(a).list();
    lab.ip('a', 'link', 'set', 'navarch-vx4', 'mtu', '900');
    await tableOf(a).list();
    const mtu = (device: string): string | undefined => /mtu (\d+)/.exec(lab.ip('a', 'link', 'show', device))?.[1];
    expect([mtu('navarch-vx4'), mtu('navarch-vx6')]).toEqual(['1450', '1430']);
  });

  it('a route of an earlier run without VXLAN is not taken for one with it', async () => {
    const [a, b] = nodes;
    const route = { destination: b.range, gateway: b.four };
    lab.ip('a', 'route', 'add', b.range, 'via', b.four, 'dev', 'wire', 'onlink', 'proto', '208');
    expect(await tableOf(a, false).list()).toEqual([route]);
    expect(await tableOf(a).list()).toEqual([{ ...route, gateway: '0.0.0.0' }]);
    await tableOf(a).apply({ add: [], change: [route], remove: [] });
    expect(await tableOf(a).list()).toEqual([route]);
  });

  it('clean-up takes the devices away', async () => {
    const [a] = nodes;
    await tableOf(a).list();
    await createVxlan({ addresses: [], vni: 7, port: 4789, command: lab.inHost('a') }).remove();
    expect(lab.ip('a', 'link', 'show', 'type', 'vxlan')).toBe('');
  });

  it('link addresses differ as node addresses do', () => {
    expect([linkAddress('192.0.2.11'), linkAddress('2001:db8::11'), linkAddress('2001:db9::11')]).toEqual(['0e:4e:c0:00:02:0b', expect.stringMatching(/^0e:..:00:00:00:11$/), expect.stringMatching(/^0e:..:00:00:00:11$/)]);
    expect(linkAddress('2001:db8::11')).not.toBe(linkAddress('2001:db9::11'));
  });
});
