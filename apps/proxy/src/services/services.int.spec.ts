import { silentLogger, systemClock } from '@navarch/base';

import { KernelTable } from '../nft/kernel-table';
import { createNftProcess } from '../nft/nft-process';
import type { Nft } from '../nft/nft';
import { createLab, type Lab } from '../testing/lab';
import { portOf, serviceOf, sliceOf } from '../testing/objects';
import { ServiceRules } from './service-rules';

const nodeAddress = '192.0.2.1';
const own = (...addresses: string[]) => addresses.map((address) => ({ addresses: [address], nodeName: 'self' }));

describe('Services in a real kernel', () => {
  let lab: Lab;
  let nft: Nft;
  let rules: ServiceRules;
  let table: KernelTable;

  beforeAll(async () => {
    lab = createLab([`${nodeAddress}/32`, '2001:db8::1/128']);
    lab.addHost('pod1', ['10.244.0.11', 'fd00:244::11']);
    lab.addHost('pod2', ['10.244.0.12', 'fd00:244::12']);
    // What is far knows pods and nodes, not the outside world.
    lab.addHost('far', ['10.244.1.21', 'fd00:244:1::21'], ['10.244.0.0/16', '192.0.2.0/24', 'fd00:244::/32', '2001:db8::/64']);
    lab.addHost('outside', ['198.51.100.9', '2001:db8:9::9']);
    lab.ip('node', 'route', 'add', '10.96.0.0/16', 'dev', 'to-far', 'src', nodeAddress);
    lab.ip('node', '-6', 'route', 'add', 'fd00:96::/64', 'dev', 'to-far', 'src', '2001:db8::1');
    for (const [host, four, six] of [['pod1', '10.244.0.11', 'fd00:244::11'], ['pod2', '10.244.0.12', 'fd00:244::12'], ['far', '10.244.1.21', 'fd00:244:1::21']] as const) {
      for (const protocol of ['tcp', 'udp'] as const) {
        await lab.serve(host, four, 8080, protocol);
        await lab.serve(host, six, 8080, protocol);
      }
    }
    nft = createNftProcess({ command: [...lab.inNode, 'nft'], clock: systemClock });
  });
  afterAll(async () => {
    await nft?.close();
    await lab?.close();
  });
  beforeEach(() => {
    rules = new ServiceRules({ name: 'self', addresses: [nodeAddress, '2001:db8::1'], podRanges: ['10.244.0.0/24', 'fd00:244::/64'] });
    table = new KernelTable({ name: 'navarch-services', model: rules.model, nft, logger: silentLogger });
  });
  afterEach(() => table.remove());

  const who = async (from: string, to: string, port = 80, more: { protocol?: 'udp'; source?: string } = {}): Promise<string> => {
    const answer = await lab.ask({ from, to, port, ...more });
    return 'by' in answer ? answer.by : answer.failed;
  };
  const many = async (count: number, from: string, to: string, port = 80): Promise<string[]> => {
    const answers: string[] = [];
    for (let n = 0; n < count; n++) answers.push(await who(from, to, port));
    return [...new Set(answers)].sort();
  };

  it('a cluster IP balances over all endpoints, from a pod and from the node, in both families', async () => {
    rules.setService('default/a', serviceOf('a', ['10.96.0.10', 'fd00:96::10']), [sliceOf('a', [...own('10.244.0.11'), '10.244.1.21']), sliceOf('a', [...own('fd00:244::11'), 'fd00:244:1::21'])]);
    await table.sync();
    for (const from of ['pod2', 'node']) {
      expect(await many(20, from, '10.96.0.10')).toEqual(['far', 'pod1']);
      expect(await many(20, from, 'fd00:96::10')).toEqual(['far', 'pod1']);
    }
  });

  it('a pod that meets itself through its Service gets an answer', async () => {
    rules.setService('default/a', serviceOf('a', ['10.96.0.10', 'fd00:96::10']), [sliceOf('a', own('10.244.0.11')), sliceOf('a', own('fd00:244::11'))]);
    await table.sync();
    expect(await many(3, 'pod1', '10.96.0.10')).toEqual(['pod1']);
    expect(await many(3, 'pod1', 'fd00:96::10')).toEqual(['pod1']);
  });

  it('a pod keeps its address on the way to another', async () => {
    rules.setService('default/a', serviceOf('a', '10.96.0.10'), [sliceOf('a', ['10.244.1.21'])]);
    await table.sync();
    expect(await lab.ask({ from: 'pod1', to: '10.96.0.10', port: 80 })).toEqual({ by: 'far', source: '10.244.0.11' });
  });

  it('without an endpoint, and at a port that the Service has not, a client is refused at once', async () => {
    rules.setService('default/a', serviceOf('a', ['10.96.0.10', 'fd00:96::10'], { type: 'NodePort', externalIPs: ['203.0.113.7'], ports: [portOf({ nodePort: 30080 })] }), []);
    await table.sync();
    for (const [to, port] of [['10.96.0.10', 80], ['10.96.0.10', 81], ['fd00:96::10', 80], [nodeAddress, 30080], ['203.0.113.7', 80]] as const) {
      expect([to, await who('pod1', to, port)]).toEqual([to, 'refused']);
    }
    expect(await who('pod1', '10.96.0.10', 80, { protocol: 'udp' })).toBe('refused');
    expect(await who('node', '10.96.0.10', 80)).toBe('refused');
    expect(await who('outside', nodeAddress, 30080)).toBe('refused');
  });
});
