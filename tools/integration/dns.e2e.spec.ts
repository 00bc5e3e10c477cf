/** Names as pods of a real two-node cluster see them: through 10.96.0.10, the proxies' rules and the nodes' own servers. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '../../apps/cluster/src/host/exec';
import { createTestHome, eventually, pod, processStatus, staying } from '../../apps/cluster/src/testing/local-cluster';
import { kubectl as kubectlPath } from '../clients/kubectl';

const test = createTestHome();
const cluster = `dns-${process.pid}`;
const places = test.places(cluster);
const kubectl = (...args: string[]): Promise<string> => run([kubectlPath('v35'), `--kubeconfig=${join(places.directory, 'kubeconfig')}`, ...args]);

const server = (name: string, node: string, spec: object = {}): object => {
  const made = pod(name, { node, script: staying }) as { metadata: object; spec: object };
  return { ...made, metadata: { ...made.metadata, labels: { app: 'db' } }, spec: { ...made.spec, ...spec } };
};
const objects = [
  server('db-0', 'node-1', { hostname: 'db-0', subdomain: 'db', hostAliases: [{ ip: '192.0.2.7', hostnames: ['printer', 'printer.office'] }] }),
  server('db-1', 'node-2', { hostname: 'db-1', subdomain: 'db', dnsPolicy: 'None', dnsConfig: { nameservers: ['10.96.0.10'], searches: ['svc.cluster.local'], options: [{ name: 'ndots', value: '2' }] } }),
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'db' }, spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ name: 'sql', port: 5432 }] } },
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { clusterIP: '10.96.7.7', selector: { app: 'db' }, ports: [{ name: 'http', port: 80 }] } },
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'far' }, spec: { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' } },
];

const serving = async (): Promise<string[]> => (await kubectl('get', 'endpointslices', '-n', 'kube-system', '-l', 'kubernetes.io/service-name=kube-dns', '-o', 'jsonpath={range .items[*]}{.metadata.name}={.endpoints[0].conditions.ready}{"\\n"}{end}')).trim().split('\n').filter(Boolean).sort();
const bothServe = ['kube-dns-node-1=true', 'kube-dns-node-2=true'];
const whenServing = (wanted: readonly string[]): Promise<unknown> => eventually(async () => (JSON.stringify(await serving()) === JSON.stringify(wanted) ? true : undefined));

beforeAll(async () => {
  const { code, stderr } = await test.navarch(['up', '--name', cluster, '--nodes', '2']);
  if (code !== 0) throw new Error(stderr);
  const applied = await test.navarch(['apply', '--name', cluster, '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  if (applied.code !== 0) throw new Error(applied.stderr);
  await kubectl('wait', '--for=condition=Ready', 'pod/db-0', 'pod/db-1', '--timeout=60s');
  await whenServing(bothServe);
}, 120_000);
afterAll(async () => {
  await test.navarch(['down', '--name', cluster]);
  rmSync(test.home, { recursive: true, force: true });
}, 60_000);
jest.setTimeout(60_000);

/** What the pod's own libc resolves a name to, by the pod's own resolv.conf: ping says it before it sends anything. */
async function resolved(podName: string, name: string): Promise<string | undefined> {
  const said = await kubectl('exec', podName, '--', 'sh', '-c', `ping -c1 -W1 ${name} 2>&1; true`);
  return /^PING \S+ \(([^)]+)\)/.exec(said)?.[1];
}

const addressOf = (name: string): Promise<string> => kubectl('get', 'pod', name, '-o', 'jsonpath={.status.podIP}');

/** dig from a node's own network, through the Service. */
async function dig(node: string, ...args: string[]): Promise<string[]> {
  const said = await run(['nsenter', `--net=${places.node(node).namespaceFile}`, 'dig', '@10.96.0.10', '+short', '+time=1', '+tries=8', ...args]);
  // What dig says of tries that failed begins with ;; and is no answer.
  return said.trim().split('\n').filter((line) => !line.startsWith(';;')).sort();
}

describe('from a pod', () => {
  it.each([['web', '10.96.7.7'], ['web.default', '10.96.7.7'], ['web.default.svc', '10.96.7.7'], ['web.default.svc.cluster.local', '10.96.7.7'], ['kubernetes.default', '10.96.0.1'], ['far', '10.96.7.7']])('the name %s leads to %s', async (name, address) => {
    expect(await resolved('db-0', name)).toBe(address);
  });

  it('a pod of the other node is found by its hostname and subdomain', async () => {
    expect(await resolved('db-0', 'db-1.db')).toBe(await addressOf('db-1'));
  });

  it('resolv.conf is what dnsPolicy and dnsConfig say, and names follow it', async () => {
    const conf = (name: string): Promise<string> => kubectl('exec', name, '--', 'cat', '/etc/resolv.conf');
    expect(await conf('db-0')).toMatch(/^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local.*\nnameserver 10\.96\.0\.10\noptions ndots:5\n$/);
    expect(await conf('db-1')).toBe('search svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:2\n');
    expect([await resolved('db-1', 'web.default'), await resolved('db-1', 'web')]).toEqual(['10.96.7.7', undefined]);
  });

  it('hostAliases are in /etc/hosts', async () => {
    expect(await resolved('db-0', 'printer')).toBe('192.0.2.7');
  });
});

describe.each([['UDP', '+notcp'], ['TCP', '+tcp']])('by %s through 10.96.0.10, from both nodes', (_transport, by) => {
  it.each(['node-1', 'node-2'])('%s: headless names, SRV, ExternalName and PTR are answered', async (node) => {
    const addresses = [await addressOf('db-0'), await addressOf('db-1')];
    expect(await dig(node, by, 'db.default.svc.cluster.local')).toEqual([...addresses].sort());
    expect(await dig(node, by, '_sql._tcp.db.default.svc.cluster.local', 'SRV')).toEqual(['0 100 5432 db-0.db.default.svc.cluster.local.', '0 100 5432 db-1.db.default.svc.cluster.local.']);
    expect(await dig(node, by, 'far.default.svc.cluster.local')).toEqual(['10.96.7.7', 'web.default.svc.cluster.local.']);
    expect(await dig(node, by, '-x', '10.96.7.7')).toEqual(['web.default.svc.cluster.local.']);
    expect(await dig(node, by, '-x', addresses[1] ?? '')).toEqual(['db-1.db.default.svc.cluster.local.']);
  });
});

describe('a server that fails', () => {
  it('killed, it comes back, and names resolve meanwhile', async () => {
    process.kill(processStatus(places, 'node-1.dns').pid, 'SIGKILL');
    expect(await dig('node-1', 'web.default.svc.cluster.local')).toEqual(['10.96.7.7']);
    await eventually(() => (processStatus(places, 'node-1.dns').restarts > 0 ? true : undefined));
    await whenServing(bothServe);
  });

  it('hanging, it leaves the Service when its lease has run out, and is back when it goes on', async () => {
    const { pid } = processStatus(places, 'node-2.dns');
    process.kill(pid, 'SIGSTOP');
    try {
      // A client that was sent to it asks again from another port, and sooner or later meets the other one.
      expect(await eventually(() => dig('node-2', '+tries=1', 'web.default.svc.cluster.local').catch(() => undefined))).toEqual(['10.96.7.7']);
      await whenServing(['kube-dns-node-1=true']);
      expect(await dig('node-2', 'web.default.svc.cluster.local')).toEqual(['10.96.7.7']);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await whenServing(bothServe);
  });
});
