/** Pods reach the API as client libraries do: by the variables, the certificate and the token that every container has. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '../../apps/cluster/src/host/exec';
import { createTestHome, eventually, pod } from '../../apps/cluster/src/testing/local-cluster';
import { kubectl as kubectlPath } from '../clients/kubectl';

const test = createTestHome();
const cluster = `in-cluster-${process.pid}`;
const accountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

beforeAll(async () => {
  const { code, stderr } = await test.navarch(['up', '--name', cluster, '--nodes', '2']);
  if (code !== 0) throw new Error(stderr);
}, 120_000);
afterAll(async () => {
  await test.navarch(['down', '--name', cluster]);
  rmSync(test.home, { recursive: true, force: true });
}, 60_000);
jest.setTimeout(90_000);

const kubectl = (...args: string[]): Promise<string> => run([kubectlPath('v35'), `--kubeconfig=${join(test.places(cluster).directory, 'kubeconfig')}`, ...args]);

describe.each(['node-1', 'node-2'])('from a pod on %s', (node) => {
  const name = `probe-${node}`;
  let marker: string;
  let variables: Record<string, string>;

  beforeAll(async () => {
    marker = `${process.pid}${node.slice(-1)}`;
    const manifest = JSON.stringify(pod(name, { node, script: `env; exec sleep ${marker}` }));
    await test.navarch(['apply', '--name', cluster, '-f', '-'], manifest);
    const log = await eventually(async () => {
      const text = await kubectl('logs', name).catch(() => '');
      return text.includes('KUBERNETES_SERVICE_HOST') ? text : undefined;
    });
    variables = Object.fromEntries(log.split('\n').map((line) => line.split('=', 2) as [string, string]));
  });

  /** Inside the pod's own network, with the pod's own credentials; the program is the machine's. */
  async function curl(...args: string[]): Promise<string> {
    const processes = await run(['pgrep', '-f', `^sleep ${marker}$`]);
    const certificate = join(test.home, `${name}.crt`);
    writeFileSync(certificate, await kubectl('exec', name, '--', 'cat', `${accountDirectory}/ca.crt`));
    const token = await kubectl('exec', name, '--', 'cat', `${accountDirectory}/token`);
    return run(['nsenter', `--net=/proc/${processes.trim().split('\n')[0]}/ns/net`, 'curl', '-sS', '--max-time', '20', '--cacert', certificate, '-H', `Authorization: Bearer ${token.trim()}`, ...args]);
  }

  it('the variables name the kubernetes Service', () => {
    expect([variables['KUBERNETES_SERVICE_HOST'], variables['KUBERNETES_SERVICE_PORT']]).toEqual(['10.96.0.1', '443']);
  });

  it('the API answers at them, proves who it is, and knows the pod’s account', async () => {
    const answer = await curl(`https://${variables['KUBERNETES_SERVICE_HOST']}:${variables['KUBERNETES_SERVICE_PORT']}/api/v1/namespaces/default/secrets`);
    expect(JSON.parse(answer)).toMatchObject({ reason: 'Forbidden', message: expect.stringContaining('system:serviceaccount:default:default') });
  });

  it.each(['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'])('its certificate is good for %s', async (host) => {
    expect(JSON.parse(await curl('--resolve', `${host}:443:10.96.0.1`, `https://${host}/version`))).toMatchObject({ major: '1' });
  });
});

describe('the cluster', () => {
  it('tells where the API is, by an address that is no loopback', async () => {
    const slice = JSON.parse(await kubectl('get', 'endpointslices', 'kubernetes', '-o', 'json')) as { endpoints: { addresses: string[] }[]; ports: { port: number }[] };
    expect([slice.endpoints.map(({ addresses }) => addresses), slice.ports.map(({ port }) => port)]).toEqual([[['10.89.0.1']], [6443]]);
  });

  it('has none of its addresses in the machine’s own namespace', async () => {
    expect(await run(['ip', '-o', 'addr', 'show'])).not.toMatch(/inet 10\.(89|96|244)\./);
  });
});
