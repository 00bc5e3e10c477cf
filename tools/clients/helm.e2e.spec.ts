/** Unmodified Helm 3 and Helm 4 with a chart of ConfigMaps, Secrets, Pods, and a Deployment with Service and autoscaler, against real containers. */
import { join } from 'node:path';

import { createClientsCluster, type Client } from './clients-cluster';
import { helm, kubectl, type ClientVersion } from './kubectl';

const cluster = createClientsCluster('helm');
const chart = join(__dirname, 'testdata', 'chart');

beforeAll(() => cluster.up(), 180_000);
afterAll(() => cluster.down(), 60_000);
jest.setTimeout(60_000);

describe.each<[string, ClientVersion, RegExp]>([['Helm 3', 'v32', /^v3\.17/], ['Helm 4', 'v35', /^v4\.1/]])('%s', (_title, version, release) => {
  let client: Client;
  let see: Client;
  const namespace = `with-${version}`;
  const wait = ['--wait', '--timeout', '40s'];
  const ok: Client['ok'] = (args, ...more) => client.ok([...args, '--namespace', namespace], ...more);
  const said = (): Promise<string> => see.ok(['logs', 'one-speaker', '-n', namespace]);
  const greeting = (): Promise<string> => see.ok(['get', 'configmap', 'one-words', '-n', namespace, '-o', 'jsonpath={.data.greeting}']);

  /** Ready and wished pods of the chart's Deployment, and the greeting that they were given. */
  const doors = (): Promise<string> => see.ok(['get', 'deployment', 'one-door', '-n', namespace, '-o', 'jsonpath={.status.updatedReplicas} {.status.readyReplicas}/{.spec.replicas} {.spec.template.spec.containers[0].env[0].value}']);

  beforeAll(() => {
    client = cluster.client(version, helm(version));
    see = cluster.client(`${version}-see`, kubectl(version));
  });

  it('installs a chart into a namespace it makes, and waits until its pod is ready', async () => {
    expect(await ok(['version', '--short'])).toMatch(release);
    expect(await ok(['install', 'one', chart, '--create-namespace', ...wait])).toContain('STATUS: deployed');
    expect(await said()).toBe('ahoy\n');
    expect(await doors()).toBe('2 2/2 ahoy');
    expect((await see.ok(['get', 'endpoints', 'one-door', '-n', namespace, '-o', 'jsonpath={.subsets[0].addresses[*].ip}'])).split(' ')).toHaveLength(2);
    expect(await see.ok(['get', 'hpa', 'one-door', '-n', namespace])).toMatch(/^one-door +Deployment\/one-door /m);
    expect((await client.run(['install', 'one', chart, '--namespace', namespace])).stderr).toMatch(/cannot re-?use a name that is still in use/);
  });

  it('lists, and tells status, manifest, values and all', async () => {
    expect(JSON.parse(await ok(['list', '-o', 'json']))).toMatchObject([{ name: 'one', namespace, revision: '1', status: 'deployed', chart: 'harbour-0.1.0' }]);
    expect(JSON.parse(await ok(['status', 'one', '-o', 'json']))).toMatchObject({ name: 'one', info: { status: 'deployed' }, version: 1 });
    expect(await ok(['get', 'manifest', 'one'])).toContain('name: one-speaker');
    expect(await ok(['get', 'values', 'one', '--all'])).toContain('greeting: ahoy');
    expect(await ok(['get', 'all', 'one'])).toContain('USER-SUPPLIED VALUES');
  });

  it('upgrades, rolls back, and keeps the history', async () => {
    await ok(['upgrade', 'one', chart, '--set', 'greeting=hello', ...wait]);
    expect([await greeting(), await doors()]).toEqual(['hello', '2 2/2 hello']);
    await ok(['rollback', 'one', '1', ...wait]);
    expect([await greeting(), await doors()]).toEqual(['ahoy', '2 2/2 ahoy']);
    const history = JSON.parse(await ok(['history', 'one', '-o', 'json'])) as { revision: number; status: string }[];
    expect(history.map(({ revision, status }) => [revision, status])).toEqual([[1, 'superseded'], [2, 'superseded'], [3, 'deployed']]);
  });

  it('tests the release by a pod, and shows its log', async () => {
    const tested = await ok(['test', 'one', '--logs', '--timeout', '40s']);
    expect(tested).toMatch(/Phase: +Succeeded/);
    expect(tested).toContain('the key fits');
  });

  it('uninstalls all of it, and waits until it is gone', async () => {
    expect(await ok(['uninstall', 'one', '--wait', '--timeout', '40s'])).toContain('release "one" uninstalled');
    await see.ok(['wait', '--for=delete', 'replicasets,pods', '-n', namespace, '-l', 'release=one', '--timeout=40s']); // Helm 3 does not wait for what its objects own.
    expect(await see.ok(['get', 'configmaps,secrets,pods,deployments,replicasets,services,hpa', '-n', namespace, '-l', 'release=one', '-o', 'name'])).toBe('');
    expect(JSON.parse(await ok(['list', '-o', 'json']))).toEqual([]);
  });
});
