import { silentLogger, systemClock } from '@navarch/base';
import type { NetworkPolicy, NetworkPolicySpec } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import { KernelTable } from '../nft/kernel-table';
import type { Nft } from '../nft/nft';
import { createNftProcess } from '../nft/nft-process';
import { createLab, type Lab } from '../testing/lab';
import { isAllowed, type ModelPod } from '../testing/policy-model';
import { podFacts, policyFacts } from './policy-facts';
import { PolicyRules } from './policy-rules';

const namespaces = ['x', 'y', 'z'];
const names = ['a', 'b', 'c'];
const ports = [8080, 8081];
/** The second port has another number in pods called c, to tell named ports from numbers. */
const pods: ModelPod[] = namespaces.flatMap((namespace, row) => names.map((name, column) => (
  { namespace, name, labels: { pod: name, side: column < 2 ? 'left' : 'right' }, address: `10.244.0.${10 * (row + 1) + column}`, ports: name === 'c' ? { web: 8081 } : { web: 8080 } })));
const host = ({ namespace, name }: ModelPod): string => `${namespace}${name}`;
const id = ({ namespace, name }: ModelPod): string => `${namespace}/${name}`;

const policy = (namespace: string, spec: NetworkPolicySpec, name = 'p'): NetworkPolicy => ({ metadata: { namespace, name }, spec: { podSelector: {}, policyTypes: ['Ingress'], ...spec } });
const number = (intVal: number) => ({ type: 0, intVal });
const named = (strVal: string) => ({ type: 1, strVal });
const inNamespace = (...values: string[]) => ({ matchExpressions: [{ key: 'name', operator: 'In', values }] });
const a = { matchLabels: { pod: 'a' } };

const kinds: [string, NetworkPolicy[]][] = [
  ['no policy: everybody to everybody', []],
  ['deny all ingress of a namespace', [policy('x', {})]],
  ['deny all egress of a namespace', [policy('x', { policyTypes: ['Egress'] })]],
  ['deny both ways', [policy('x', { policyTypes: ['Ingress', 'Egress'] })]],
  ['allow all, explicitly', [policy('x', { policyTypes: ['Ingress', 'Egress'], ingress: [{}], egress: [{}] })]],
  ['only the selected pod is isolated', [policy('x', { podSelector: a })]],
  ['from pods of the own namespace', [policy('x', { ingress: [{ from: [{ podSelector: a }] }] })]],
  ['from pods by an expression', [policy('x', { ingress: [{ from: [{ podSelector: { matchExpressions: [{ key: 'side', operator: 'NotIn', values: ['left'] }] } }] }] })]],
  ['from a namespace', [policy('x', { ingress: [{ from: [{ namespaceSelector: inNamespace('y') }] }] })]],
  ['from some pods of some namespaces', [policy('x', { ingress: [{ from: [{ namespaceSelector: inNamespace('y', 'z'), podSelector: a }] }] })]],
  ['from either of two peers', [policy('x', { ingress: [{ from: [{ namespaceSelector: inNamespace('y') }, { podSelector: a }] }] })]],
  ['from every namespace', [policy('x', { ingress: [{ from: [{ namespaceSelector: {} }] }] })]],
  ['from a block with exceptions', [policy('x', { ingress: [{ from: [{ ipBlock: { cidr: '10.244.0.16/28', except: ['10.244.0.21/32', '10.244.0.30/31'] } }] }] })]],
  ['from a block of another family: nobody', [policy('x', { ingress: [{ from: [{ ipBlock: { cidr: 'fd00::/8' } }] }] })]],
  ['to a block', [policy('y', { policyTypes: ['Egress'], egress: [{ to: [{ ipBlock: { cidr: '10.244.0.0/28' } }] }] })]],
  ['at one port', [policy('x', { ingress: [{ ports: [{ protocol: 'TCP', port: number(8080) }] }] })]],
  ['at a named port, whatever its number', [policy('x', { ingress: [{ ports: [{ protocol: 'TCP', port: named('web') }] }] })]],
  ['to a named port of others', [policy('x', { policyTypes: ['Egress'], egress: [{ to: [{ namespaceSelector: inNamespace('y') }], ports: [{ port: named('web') }] }] })]],
  ['at a range of ports', [policy('x', { ingress: [{ ports: [{ port: number(8000), endPort: 8080 }] }] })]],
  ['at overlapping ranges of ports', [policy('x', { ingress: [{ ports: [{ port: number(8000), endPort: 8080 }, { port: number(8080), endPort: 8090 }, { port: number(8081) }] }] })]],
  ['by another protocol: not by this one', [policy('x', { ingress: [{ ports: [{ protocol: 'UDP', port: number(8080) }] }] })]],
  ['a protocol at any port', [policy('x', { ingress: [{ ports: [{ protocol: 'TCP' }] }] })]],
  ['two rules of one policy add up', [policy('x', { ingress: [{ from: [{ podSelector: a }], ports: [{ port: number(8081) }] }, { from: [{ namespaceSelector: inNamespace('z') }], ports: [{ port: number(8080) }] }] })]],
  ['two policies add up', [policy('x', {}, 'deny'), policy('x', { podSelector: a, ingress: [{ from: [{ namespaceSelector: inNamespace('y') }] }] }, 'allow')]],
  ['both ends must agree', [policy('x', { ingress: [{ from: [{ namespaceSelector: {}, podSelector: a }] }] }), policy('y', { policyTypes: ['Egress'], egress: [{ to: [{ namespaceSelector: inNamespace('x') }], ports: [{ port: number(8081) }] }] })]],
];

describe('NetworkPolicy in a real kernel: all attempts between 3 namespaces × 3 pods at 2 ports', () => {
  let lab: Lab;
  let nft: Nft;
  let rules: PolicyRules;
  let table: KernelTable;

  beforeAll(async () => {
    lab = createLab(['192.0.2.1/32']);
    for (const pod of pods) {
      lab.addHost(host(pod), [pod.address]);
      for (const port of ports) await lab.serve(host(pod), pod.address, port);
    }
    nft = createNftProcess({ command: [...lab.inNode, 'nft'], clock: systemClock });
    rules = new PolicyRules();
    for (const name of namespaces) rules.setNamespace(name, { name });
    for (const pod of pods) rules.setPod(id(pod), factsOf(pod));
    table = new KernelTable({ name: 'navarch-policies', model: rules.model, nft, logger: silentLogger });
    await table.sync();
  });
  afterAll(async () => {
    await nft?.close();
    await lab?.close();
  });

  const factsOf = ({ namespace, name, labels, address, ports: containerPorts }: ModelPod) => podFacts({
    metadata: { namespace, name, labels: { ...labels } }, status: { podIPs: [{ ip: address }] },
    spec: { nodeName: 'self', containers: [{ name: 'c', ports: Object.entries(containerPorts).map(([port, containerPort]) => ({ name: port, containerPort })) }] },
  }, 'self');
  const set = async (policies: readonly NetworkPolicy[]): Promise<() => Promise<void>> => {
    for (const one of policies) rules.setPolicy(`${one.metadata?.namespace}/${one.metadata?.name}`, policyFacts(one));
    await table.sync();
    return async () => {
      for (const one of policies) rules.setPolicy(`${one.metadata?.namespace}/${one.metadata?.name}`, undefined);
      await table.sync();
    };
  };
  const connects = async (from: string, to: string, port: number): Promise<boolean> => 'by' in await lab.ask({ from, to, port, timeoutMs: 1000 });

  it.each(kinds)('%s', async (_name, policies) => {
    const unset = await set(policies);
    const attempts = pods.flatMap((from) => pods.flatMap((to) => ports.map((port) => ({ from, to, port, protocol: 'TCP' }))));
    const seen = await Promise.all(attempts.map(async ({ from, to, port }) => `${host(from)} → ${host(to)}:${port} ${await connects(host(from), to.address, port)}`));
    expect(seen).toEqual(attempts.map((attempt) => `${host(attempt.from)} → ${host(attempt.to)}:${attempt.port} ${isAllowed(policies, attempt)}`));
    await unset();
    expect([...rules.model.content.sets.keys()].filter((name) => name.startsWith('pods-'))).toEqual([]);
  });

  it('the node reaches its own pods whatever policies say, and pods reach it: probes go on', async () => {
    await lab.serve('node', '192.0.2.1', 9090);
    const unset = await set([policy('x', { policyTypes: ['Ingress', 'Egress'] })]);
    expect([await connects('node', '10.244.0.10', 8080), await connects('xa', '192.0.2.1', 9090), await connects('ya', '10.244.0.10', 8080)]).toEqual([true, true, false]);
    await unset();
  });

  it('an open connection outlives a policy that forbids new ones', async () => {
    const open = { from: 'ya', to: '10.244.0.10', port: 8080, keep: 'open', timeoutMs: 1000 };
    expect(await lab.ask(open)).toMatchObject({ by: 'xa' });
    const unset = await set([policy('x', {})]);
    expect([await lab.ask(open), await connects('ya', '10.244.0.10', 8080)]).toEqual([expect.objectContaining({ by: 'xa' }), false]);
    await unset();
  });

  it('follows pods that come, go and change their labels, and namespaces that change theirs', async () => {
    const unset = await set([policy('x', { podSelector: a, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'blue' } } }, { podSelector: { matchLabels: { friend: 'yes' } } }] }] })]);
    const [xa, xb] = [pods[0]!, pods[1]!];
    const now = async (): Promise<boolean[]> => {
      await table.sync();
      return Promise.all([connects('xb', xa.address, 8080), connects('ya', xa.address, 8080)]);
    };
    expect(await now()).toEqual([false, false]);
    rules.setPod(id(xb), { ...factsOf(xb)!, labels: { friend: 'yes' } });
    rules.setNamespace('y', { team: 'blue' });
    expect(await now()).toEqual([true, true]);
    rules.setPod(id(xb), undefined);
    rules.setNamespace('y', { name: 'y' });
    expect(await now()).toEqual([false, false]);
    rules.setPod(id(xb), factsOf(xb));
    rules.setPod(id(xa), { ...factsOf(xa)!, labels: {} });
    expect(await now()).toEqual([true, true]);
    rules.setPod(id(xa), factsOf(xa));
    expect(await now()).toEqual([false, false]);
    await unset();
  });

  it('an address that went to the next pod before the last one was forgotten stays isolated', async () => {
    const unset = await set([policy('x', {})]);
    rules.setPod('x/next', factsOf(pods[0]!));
    rules.setPod(id(pods[0]!), undefined);
    await table.sync();
    expect(await connects('ya', pods[0]!.address, 8080)).toBe(false);
    rules.setPod(id(pods[0]!), factsOf(pods[0]!));
    rules.setPod('x/next', undefined);
    await table.sync();
    expect(await connects('ya', pods[0]!.address, 8080)).toBe(false);
    await unset();
  });
});
