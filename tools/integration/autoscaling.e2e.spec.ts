/** Real load in real containers: kubelet → metrics.k8s.io → kubectl top → autoscaler → Deployment, and back. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

import { kubeconfigFile } from '../../apps/cluster/src/control-plane/kubeconfig';
import { createTestHome, eventually, resultOf } from '../../apps/cluster/src/testing/local-cluster';
import { kubectl, type ClientVersion } from '../clients/kubectl';

const name = `hpa-${process.pid}`;
const test = createTestHome();
const places = test.places(name);

async function run(args: readonly string[], input = '', version: ClientVersion = 'v35'): Promise<string> {
  const child = spawn(kubectl(version), ['--kubeconfig', kubeconfigFile(places), ...args], { cwd: test.home, env: { PATH: process.env['PATH'], HOME: test.home } });
  child.stdin.end(input);
  const { code, stdout, stderr } = await resultOf(child);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}

/** Works while the file is there, else sleeps. */
const script = "touch /tmp/busy; trap 'exit 0' TERM; while :; do if [ -e /tmp/busy ]; then i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; else sleep 1; fi; done";
const deployment = {
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' },
  spec: {
    replicas: 1, selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { terminationGracePeriodSeconds: 1, containers: [{
      name: 'main', image: 'navarch.local/busybox:1', command: ['sh', '-c', script], resources: { requests: { cpu: '50m' }, limits: { cpu: '200m' } },
    }] } },
  },
};
const autoscaler = {
  apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'web' },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, minReplicas: 1, maxReplicas: 3,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 100 } } }],
    behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
  },
};
interface Autoscaler {
  readonly status?: { readonly desiredReplicas?: number; readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[] };
}
const look = async (): Promise<Autoscaler> => JSON.parse(await run(['get', 'hpa', 'web', '-o', 'json'])) as Autoscaler;
const reasonOf = ({ status }: Autoscaler, type: string): string | undefined => status?.conditions?.find((each) => each.type === type)?.reason;
const words = (text: string): string[][] => text.trim().split('\n').filter((line) => line !== '').map((line) => line.split(/\s+/));

beforeAll(async () => {
  const { code, stdout, stderr } = await test.navarch(['up', '--nodes', '1', '--hollow', '3', '--name', name], '', { NAVARCH_HORIZONTAL_POD_AUTOSCALER_SYNC_PERIOD: '3s' });
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
}, 180_000);

afterAll(async () => {
  await test.navarch(['down', '--name', name]);
  rmSync(test.home, { recursive: true, force: true });
}, 60_000);

it('hollow nodes stand beside the real one, Ready, and run the pods that tolerate them and no others', async () => {
  const names = ['hollow-1', 'hollow-2', 'hollow-3'];
  expect((await run(['get', 'nodes', '-l', 'navarch.io/hollow', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ').sort()).toEqual(names);
  expect((await test.navarch(['status', '--name', name])).stdout).toMatch(/^hollow-1 … hollow-3 .*Ready$/m);
  const hollow = structuredClone(deployment);
  Object.assign(hollow.metadata, { name: 'hollow' });
  const tolerations = [{ key: 'navarch.io/hollow', operator: 'Exists' }];
  Object.assign(hollow.spec, { replicas: 6, selector: { matchLabels: { app: 'hollow' } } });
  Object.assign(hollow.spec.template, { metadata: { labels: { app: 'hollow' } }, spec: { ...hollow.spec.template.spec, tolerations, nodeSelector: { 'navarch.io/hollow': 'true' } } });
  await run(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [deployment, hollow] }));
  await run(['rollout', 'status', 'deployment/hollow', '--timeout=60s']);
  await run(['rollout', 'status', 'deployment/web', '--timeout=60s']);
  const nodesOf = async (app: string): Promise<string[]> => [...new Set((await run(['get', 'pods', '-l', `app=${app}`, '-o', 'jsonpath={.items[*].spec.nodeName}'])).split(' '))].sort();
  expect([await nodesOf('hollow'), await nodesOf('web')]).toEqual([names, ['node-1']]);
  await run(['delete', 'deployment', 'hollow', '--cascade=foreground', '--timeout=60s']);
}, 120_000);

it('real load shows in kubectl top, makes a Deployment grow to its maximum, and its end makes it shrink again', async () => {
  await run(['apply', '-f', '-'], JSON.stringify(deployment));
  await run(['rollout', 'status', 'deployment/web', '--timeout=60s']);
  const [busy] = await eventually(async () => {
    const rows = words(await run(['top', 'pod', '-l', 'app=web', '--containers', '--no-headers']).catch(() => ''));
    return rows.length === 1 && Number.parseInt(rows[0]?.[2] ?? '0', 10) >= 100 ? rows : undefined;
  });
  // It may use 200m, and the kernel holds it to that; a little more may fall into a window.
  expect(Number.parseInt(busy?.[2] ?? '', 10)).toBeLessThanOrEqual(300);
  expect(words(await run(['top', 'node', 'node-1', '--no-headers'], '', 'v32'))[0]?.slice(1)).toEqual([expect.stringMatching(/^[1-9]\d*m$/), expect.stringMatching(/^\d+%$/), expect.stringMatching(/^\d+Mi$/), expect.stringMatching(/^\d+%$/)]);

  await run(['apply', '-f', '-'], JSON.stringify(autoscaler));
  await eventually(async () => (((await look()).status?.desiredReplicas ?? 0) === 3 ? true : undefined));
  await run(['wait', '--for=jsonpath={.status.readyReplicas}=3', 'deployment/web', '--timeout=60s']);
  expect(await run(['get', 'events', '--field-selector=reason=SuccessfulRescale', '-o', 'jsonpath={.items[*].message}'])).toContain('New size: 3; reason: cpu resource utilization (percentage of request) above target');
  expect(reasonOf(await look(), 'ScalingActive')).toBe('ValidMetricFound');
  expect(words(await run(['get', 'hpa', 'web', '--no-headers']))[0]?.slice(0, 3)).toEqual(['web', 'Deployment/web', 'cpu:']);

  for (const pod of words(await run(['get', 'pods', '-l', 'app=web', '-o', 'name']))) await run(['exec', pod[0] ?? '', '--', 'rm', '/tmp/busy']);
  const calm = await eventually(async () => {
    const found = await look();
    return found.status?.desiredReplicas === 1 ? found : undefined;
  });
  expect(['SucceededRescale', 'ReadyForNewScale']).toContain(reasonOf(calm, 'AbleToScale'));
}, 240_000);
