import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { noKubelets } from '../../apps/apiserver/src/core/pods/kubelet-connector';
import { startRestBed, type RestBed } from '../../apps/apiserver/src/rest/testing';
import { kubectl, type ClientVersion } from './kubectl';

const run = promisify(execFile);
const megabyte = 1024 ** 2;

/** The words of each line. */
const table = (text: string): string[][] => text.trim().split('\n').map((line) => line.trim().split(/\s+/));

describe.each<ClientVersion>(['v32', 'v35'])('kubectl top with kubectl %s', (version) => {
  let bed: RestBed;
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-top-'));
  const uids = new Map<string, string>();
  const call = async (...args: string[]): Promise<string> =>
    (await run(kubectl(version), args, { env: { ...process.env, KUBECONFIG: join(directory, 'config'), KUBECACHEDIR: join(directory, 'cache') }, timeout: 60_000 })).stdout;
  const apply = async (object: object, ...args: string[]): Promise<void> => {
    writeFileSync(join(directory, 'object.json'), JSON.stringify(object));
    await call('apply', '--validate=false', '-f', join(directory, 'object.json'), ...args);
  };

  beforeAll(async () => {
    const usage = (cpuNanocores: number, workingSetBytes: number) => ({ timeMs: 1_767_225_600_000, windowMs: 10_000, cpuNanocores, workingSetBytes });
    bed = await startRestBed({ kubelets: { ...noKubelets(new Error('only figures')), stats: async () => ({
      node: usage(500_000_000, 512 * megabyte),
      pods: [...uids].map(([pod, podUid], index) => ({ namespace: 'default', pod, podUid, containers: [
        { name: 'main', usage: usage((index + 1) * 100_000_000, (10 - index) * megabyte) }, { name: 'side', usage: usage(5_000_000, megabyte) },
      ] })),
    }) } });
    writeFileSync(join(directory, 'config'), bed.kubeconfig);
    await apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1', labels: { pool: 'a' } } });
    await call('patch', 'node', 'node-1', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status: { capacity: { cpu: '2', memory: '1Gi' }, allocatable: { cpu: '2', memory: '1Gi' } } }));
    await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } });
    for (const name of ['one', 'two']) {
      await apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } }, spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'i' }, { name: 'side', image: 'i' }] } });
      await call('patch', 'pod', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status: { phase: 'Running' } }));
      uids.set(name, await call('get', 'pod', name, '-o', 'jsonpath={.metadata.uid}'));
    }
  }, 120_000);
  afterAll(async () => {
    await bed.close();
    rmSync(directory, { recursive: true });
  });

  it('node: what nodes use, and how much of what they have', async () => {
    expect(table(await call('top', 'node', '--no-headers'))).toEqual([['node-1', '500m', '25%', '512Mi', '50%']]);
    expect(table(await call('top', 'node', '-l', 'pool=a', '--no-headers'))).toHaveLength(1);
  }, 60_000);

  it('pod: by name, label and namespace, each container, in the order asked for, with a sum', async () => {
    expect(table(await call('top', 'pod', '--no-headers', '--sort-by=cpu'))).toEqual([['two', '205m', '10Mi'], ['one', '105m', '11Mi']]);
    expect(table(await call('top', 'pod', '--no-headers', '--sort-by=memory'))).toEqual([['one', '105m', '11Mi'], ['two', '205m', '10Mi']]);
    expect(table(await call('top', 'pod', 'one', '--containers', '--no-headers'))).toEqual(expect.arrayContaining([['one', 'main', '100m', '10Mi'], ['one', 'side', '5m', '1Mi']]));
    expect(table(await call('top', 'pod', '-A', '-l', 'app=two', '--no-headers'))).toEqual([['default', 'two', '205m', '10Mi']]);
    expect(table(await call('top', 'pod', '--sum', '--no-headers')).at(-1)).toEqual(['310m', '21Mi']);
  }, 60_000);

  it('the kinds are found by discovery and explained, and their tables have what is used', async () => {
    expect(await call('api-resources', '--api-group=metrics.k8s.io', '--no-headers')).toMatch(/nodes +metrics.k8s.io\/v1beta1 +false +NodeMetrics\npods +metrics.k8s.io\/v1beta1 +true +PodMetrics/);
    expect(await call('explain', 'podmetrics.metrics.k8s.io.containers', '--api-version=metrics.k8s.io/v1beta1').catch(() => call('explain', 'pods.containers', '--api-version=metrics.k8s.io/v1beta1'))).toContain('ContainerMetrics');
    expect(table(await call('get', 'pods.metrics.k8s.io', '--no-headers'))).toEqual([['one', '105m', '11Mi', '10s'], ['two', '205m', '10Mi', '10s']]);
    expect(table(await call('get', 'pods'))).toHaveLength(3);
  }, 60_000);
});
