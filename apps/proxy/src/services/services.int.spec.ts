import { silentLogger, systemClock } from '@navarch/base';

import { KernelTable } from '../nft/kernel-table';
import { learnedElements } from '../nft/learned';
import { createNftProcess } from '../nft/nft-process';
import type { Nft } from '../nft/nft';
import { createLab, type Lab } from '../testing/lab';
import { portOf, serviceOf, sliceOf } from '../testing/objects';
import { buildCommands } from '../nft/table-text';
import { createConntrack, staleFlows } from './flows';
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

  const who = async (from: string, to: string, port = 80, more: { protocol?: 'udp'; source?: string; sourcePort?: number } = {}): Promise<string> => {
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

  it('a node port answers at the node\'s addresses, from outside, from pods and from the node itself, wherever the endpoint is', async () => {
    rules.setService('default/a', serviceOf('a', ['10.96.0.10', 'fd00:96::10'], { type: 'NodePort', ports: [portOf({ nodePort: 30080 })] }), [sliceOf('a', ['10.244.1.21']), sliceOf('a', ['fd00:244:1::21'])]);
    await table.sync();
    for (const from of ['outside', 'pod1', 'node']) {
      // Far knows no way to the outside: it can answer only because the node stands for the client.
      expect([from, await lab.ask({ from, to: nodeAddress, port: 30080 })]).toEqual([from, { by: 'far', source: expect.not.stringContaining('198.51') as string }]);
      expect([from, await who(from, '2001:db8::1', 30080)]).toEqual([from, 'far']);
    }
    expect(await who('outside', nodeAddress, 30081)).toBe('refused');
  });

  it('external addresses and those of load balancers lead to endpoints; a load balancer of mode Proxy is left alone', async () => {
    const balanced = { ...serviceOf('b', '10.96.0.11', { type: 'LoadBalancer' }), status: { loadBalancer: { ingress: [{ ip: '203.0.113.8', ipMode: 'VIP' }, { ip: '203.0.113.9', ipMode: 'Proxy' }] } } };
    rules.setService('default/a', serviceOf('a', '10.96.0.10', { externalIPs: ['203.0.113.7'] }), [sliceOf('a', own('10.244.0.11'))]);
    rules.setService('default/b', balanced, [sliceOf('b', own('10.244.0.12'))]);
    await table.sync();
    expect([await who('outside', '203.0.113.7'), await who('outside', '203.0.113.8'), await who('outside', '203.0.113.9')]).toEqual(['pod1', 'pod2', expect.not.stringContaining('pod')]);
  });

  it('source ranges keep others away from a load balancer\'s address, and from nothing else', async () => {
    const service = serviceOf('a', '10.96.0.10', { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.244.0.0/31', '10.244.0.12/32', '192.0.2.0/24'], ports: [portOf({ nodePort: 30080 })] });
    rules.setService('default/a', { ...service, status: { loadBalancer: { ingress: [{ ip: '203.0.113.8' }] } } }, [sliceOf('a', own('10.244.0.11'))]);
    await table.sync();
    expect(await who('outside', '203.0.113.8')).toBe('silence');
    expect([await who('pod2', '203.0.113.8'), await who('outside', nodeAddress, 30080), await who('pod1', '10.96.0.10')]).toEqual(['pod1', 'pod1', 'pod1']);
  });

  describe('traffic policies', () => {
    const local = { type: 'NodePort', externalTrafficPolicy: 'Local', ports: [portOf({ nodePort: 30080 })] };

    it('external Local: outsiders meet only endpoints of the node and are seen as who they are; pods and the node meet all', async () => {
      rules.setService('default/a', serviceOf('a', '10.96.0.10', local), [sliceOf('a', [...own('10.244.0.11'), '10.244.1.21'])]);
      await table.sync();
      for (let n = 0; n < 10; n++) expect(await lab.ask({ from: 'outside', to: nodeAddress, port: 30080 })).toEqual({ by: 'pod1', source: '198.51.100.9' });
      expect(await many(20, 'pod2', nodeAddress, 30080)).toEqual(['far', 'pod1']);
      expect(await many(20, 'node', nodeAddress, 30080)).toEqual(['far', 'pod1']);
    });

    it('external Local without an endpoint on the node: outsiders hear nothing, so that a load balancer tries another node; inside it works', async () => {
      rules.setService('default/a', serviceOf('a', '10.96.0.10', local), [sliceOf('a', ['10.244.1.21'])]);
      await table.sync();
      expect([await who('outside', nodeAddress, 30080), await who('pod1', nodeAddress, 30080), await who('node', nodeAddress, 30080)]).toEqual(['silence', 'far', 'far']);
    });

    it('internal Local: only endpoints of the node; silence where there is none here, refusal where there is none anywhere', async () => {
      const service = serviceOf('a', '10.96.0.10', { internalTrafficPolicy: 'Local' });
      rules.setService('default/a', service, [sliceOf('a', [...own('10.244.0.11'), '10.244.1.21'])]);
      await table.sync();
      expect(await many(10, 'pod2', '10.96.0.10')).toEqual(['pod1']);
      rules.setService('default/a', service, [sliceOf('a', ['10.244.1.21'])]);
      await table.sync();
      expect(await who('pod2', '10.96.0.10')).toBe('silence');
      rules.setService('default/a', service, []);
      await table.sync();
      expect(await who('pod2', '10.96.0.10')).toBe('refused');
    });
  });

  describe('session affinity', () => {
    const sticky = (timeoutSeconds: number) => serviceOf('a', ['10.96.0.10', 'fd00:96::10'], { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds } } });
    const both = [sliceOf('a', [...own('10.244.0.11'), '10.244.1.21']), sliceOf('a', [...own('fd00:244::11'), 'fd00:244:1::21'])];

    it.each([['10.96.0.10', 'remembered4'], ['fd00:96::10', 'remembered6']])('a client stays with its endpoint at %s until its time is over; then it is forgotten', async (to, map) => {
      const remembered = () => learnedElements(nft, /navarch-services-[ab]/.exec(lab.nft('list', 'tables'))![0], map);
      rules.setService('default/a', sticky(1), both);
      await table.sync();
      const first = await who('pod2', to);
      expect(await many(12, 'pod2', to)).toEqual([first]);
      expect(await remembered()).toEqual([[expect.stringContaining(' timeout 1s expires '), expect.any(String)]]);
      // Each look takes the kernel's own time; the test's limit ends a vain wait.
      while ((await remembered()).length > 0);
      expect(['far', 'pod1']).toContain(await who('pod2', to));
    });

    it.each([['10.96.0.10', '10.244.0.11', '10.244.1.21'], ['fd00:96::10', 'fd00:244::11', 'fd00:244:1::21']])('a client whose endpoint goes finds another at once, and the table\'s renewal leaves everyone where he was: %s', async (to, here, there) => {
      rules.setService('default/a', sticky(600), both);
      await table.sync();
      const first = await who('pod2', to);
      await table.rebuild();
      expect(await many(10, 'pod2', to)).toEqual([first]);
      const other = first === 'far' ? own(here) : [there];
      rules.setService('default/a', sticky(600), [sliceOf('a', other)]);
      await table.sync();
      expect(await many(3, 'pod2', to)).toEqual([first === 'far' ? 'pod1' : 'far']);
    });
  });

  it('a UDP client goes on to a live endpoint when its own goes, though it keeps its port', async () => {
    const port = { port: 8080, protocol: 'UDP' };
    const service = serviceOf('a', '10.96.0.10', { ports: [portOf({ protocol: 'UDP' })] });
    const flows = createConntrack([...lab.inNode, 'conntrack']);
    rules.setService('default/a', service, [sliceOf('a', own('10.244.0.11'), port)]);
    await table.sync();
    const ask = (): Promise<string> => who('pod2', '10.96.0.10', 80, { protocol: 'udp', source: '10.244.0.12', sourcePort: 5353 });
    expect(await ask()).toBe('pod1');
    rules.setService('default/a', service, [sliceOf('a', ['10.244.1.21'], port)]);
    await table.sync();
    expect(await ask()).toBe('pod1');
    await flows.remove(staleFlows(await flows.list(), (frontend) => rules.endpointsOfFlow(frontend)));
    expect(await ask()).toBe('far');
    expect(staleFlows(await flows.list(), (frontend) => rules.endpointsOfFlow(frontend))).toEqual([]);
  });

  it('headless Services and names of elsewhere put nothing into the kernel', async () => {
    rules.setService('default/a', serviceOf('a', 'None'), [sliceOf('a', own('10.244.0.11'))]);
    rules.setService('default/b', serviceOf('b', [], { type: 'ExternalName', externalName: 'example.org' }), []);
    expect([...rules.model.content.elements].flatMap(([set, elements]) => (set.startsWith('pods') ? [] : [...elements]))).toEqual([]);
  });

  describe('the table in the kernel', () => {
    const oneEndpoint = (): void => rules.setService('default/a', serviceOf('a', '10.96.0.10'), [sliceOf('a', own('10.244.0.11'))]);
    const reopen = (): KernelTable => new KernelTable({ name: 'navarch-services', model: rules.model, nft, logger: silentLogger });

    it('a foreign table is never touched', async () => {
      lab.nft('add', 'table', 'ip', 'foreign');
      oneEndpoint();
      await table.sync();
      await table.rebuild();
      await table.remove();
      expect(lab.nft('list', 'tables')).toBe('table ip foreign\n');
      lab.nft('delete', 'table', 'ip', 'foreign');
    });

    it('is restored after someone flushed everything, or took a rule away', async () => {
      oneEndpoint();
      await table.sync();
      expect(await table.check()).toBe(true);
      for (const harm of [['flush', 'ruleset'], ['flush', 'chain', 'inet', 'navarch-services-b', 'after'], ['delete', 'table', 'inet', 'navarch-services-b']]) {
        try {
          lab.nft(...harm);
        } catch {
          lab.nft(...harm.map((word) => word.replace('-b', '-a')));
        }
        expect(await table.check()).toBe(false);
        expect(await who('pod2', '10.96.0.10')).toBe('pod1');
        expect(await table.check()).toBe(true);
      }
    });

    it('a change that the kernel refuses because someone meddled with elements is followed by a whole renewal', async () => {
      oneEndpoint();
      await table.sync();
      lab.nft('flush', 'map', 'inet', 'navarch-services-a', 'endpoints-any4-tcp');
      expect(await who('pod2', '10.96.0.10')).toBe('refused');
      rules.setService('default/a', serviceOf('a', '10.96.0.10'), [sliceOf('a', own('10.244.0.12'))]);
      await table.sync();
      expect(await who('pod1', '10.96.0.10')).toBe('pod2');
    });

    it('an open connection and new ones outlive the writer\'s end; the next one takes over without a gap', async () => {
      oneEndpoint();
      await table.sync();
      const open = { from: 'pod2', to: '10.96.0.10', port: 80, keep: 'open' };
      expect(await lab.ask(open)).toMatchObject({ by: 'pod1' });
      let stop = false;
      const steady = (async () => {
        const answers = new Set<string>();
        while (!stop) answers.add(await who('pod2', '10.96.0.10'));
        return [...answers];
      })();
      for (let n = 0; n < 5; n++) await reopen().sync();
      stop = true;
      expect(await steady).toEqual(['pod1']);
      expect(await lab.ask(open)).toMatchObject({ by: 'pod1' });
      expect(lab.nft('list', 'tables').trim().split('\n')).toHaveLength(1);
    });

    it('a half-built table of a writer that was killed is no hindrance', async () => {
      oneEndpoint();
      await table.sync();
      for (const piece of buildCommands('navarch-services-b', rules.model.content)) await nft.transaction(piece);
      const next = reopen();
      await next.sync();
      expect(await who('pod2', '10.96.0.10')).toBe('pod1');
      expect(lab.nft('list', 'tables')).toBe('table inet navarch-services-b\n');
    });
  });

  it('the process of nft is replaced when it dies', async () => {
    const fragile = createNftProcess({ command: [...lab.inNode, 'sh', '-c', 'read line; exit 3', 'sh'], clock: systemClock });
    await expect(fragile.transaction(['list tables'])).rejects.toThrow('nft ended');
    await expect(fragile.transaction(['list tables'])).rejects.toThrow('nft ended');
    await fragile.close();
  });

  it('an error names what the kernel refused, and nothing of the transaction happens', async () => {
    await nft.transaction(['add table inet x', 'add set inet x s { type ipv4_addr; }']);
    await expect(nft.transaction(['add element inet x s { 192.0.2.7 }', 'delete element inet x s { 192.0.2.8 }'])).rejects.toThrow('192.0.2.8');
    expect(lab.nft('list', 'set', 'inet', 'x', 's')).not.toContain('192.0.2.7');
    await nft.transaction(['delete table inet x']);
  });

  it('many Services of many counts at once, then changes: each leads where it should', async () => {
    const count = 40;
    const slice = (n: number, shift: number) => sliceOf(`s${n}`, [...own(shift % 2 ? '10.244.0.11' : '10.244.0.12'), ...Array.from({ length: n }, (_, at) => ({ addresses: [`10.244.9.${at}`], conditions: { ready: false } }))]);
    for (let n = 0; n < count; n++) rules.setService(`default/s${n}`, serviceOf(`s${n}`, `10.96.1.${n}`), [slice(n, n)]);
    await table.sync();
    for (let n = 0; n < count; n++) expect([n, await who('outside', `10.96.1.${n}`)]).toEqual([n, n % 2 ? 'pod1' : 'pod2']);
    for (let n = 0; n < count; n++) rules.setService(`default/s${n}`, serviceOf(`s${n}`, `10.96.1.${n}`), [slice(n, n + 1)]);
    await table.sync();
    for (let n = 0; n < count; n++) expect([n, await who('outside', `10.96.1.${n}`)]).toEqual([n, n % 2 ? 'pod2' : 'pod1']);
  });
});
