/**
 * A whole cluster in this process, for figures and tests of scale: apiserver on logs in memory, scheduler, controllers, and hollow nodes,
 * each part under its own user, on the real clock. What it leaves out is the wire and the disk: what remains is the parts' own cost.
 */
import { setMaxListeners } from 'node:events';

import { createRegistry, deployments, pods as podResource, type ApiObject, type Resource } from '@navarch/api';
import { inParallel, isNotFound, seededRandom, silentLogger, sleep, systemClock } from '@navarch/base';
import { createInformer, type ApiClient, type Informer } from '@navarch/client';
import type { Deployment } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod, PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import { createMemoryLog } from '@navarch/store';

import { runApiserver } from '../../../apps/apiserver/src/app';
import { noKubelets } from '../../../apps/apiserver/src/core/pods/kubelet-connector';
import { runControllers } from '../../../apps/controllers/src/app';
import { startHollowNode, type HollowNode } from '../../../apps/kubelet/src/hollow/hollow-node';
import { runScheduler } from '../../../apps/scheduler/src/app';

const startsAtOnce = 16;
const pollMs = 20;

export interface HollowCluster {
  /** As the administrator. */
  readonly client: ApiClient;
  readonly nodes: readonly HollowNode[];
  /** All pods there are. */
  readonly pods: Informer<Pod>;
  /** Looks again and again until the condition holds; throws with `what` after `limitMs`. */
  until(what: string, condition: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>;
  close(): Promise<void>;
}

export async function startHollowCluster(nodes: number): Promise<HollowCluster> {
  const [clock, logger] = [systemClock, silentLogger];
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const logs = { objects: createMemoryLog({ clock, random: seededRandom(1) }), events: createMemoryLog({ clock, random: seededRandom(2), subjectPrefix: 'events' }) };
  const registry = createRegistry();
  const server = runApiserver({ registry, logs, clock, random: seededRandom(3), logger, kubelets: noKubelets(new Error('logs of hollow pods are not asked for here')), core: { watchQueueCapacity: 1 << 16 } });
  await server.ready;
  const as = (name: string, group = 'system:masters'): ApiClient => server.client({ name, groups: [group, 'system:authenticated'] });
  const scheduler = runScheduler({ client: as('system:kube-scheduler'), clock, random: seededRandom(4), logger });
  const controllers = runControllers({
    client: as('system:kube-controller-manager'), clock, random: seededRandom(5), logger, identity: 'controllers', resources: () => registry.all().filter(({ storedAs }) => !storedAs),
    // Room for more nodes than ranges of /24 have.
    config: { clusterRanges: [{ cidr: '10.244.0.0/16', nodeMaskSize: nodes > 200 ? 25 : 24 }] },
  });
  controllers.done.catch(() => undefined);
  const client = as('kubernetes-admin');
  const pods = createInformer({ client: client.resource(podResource), resource: podResource, clock, random: seededRandom(6), logger });
  pods.start(stop.signal);
  const names = Array.from({ length: nodes }, (_, index) => `hollow-${index + 1}`);
  const running = await inParallel(names, startsAtOnce, async (nodeName, index = names.indexOf(nodeName)) => {
    const node = await startHollowNode({ nodeName, client: as(`system:node:${nodeName}`, 'system:nodes'), clock, random: seededRandom(100 + index), logger });
    await node.kubelet.ready;
    return node;
  });
  return {
    client, pods, nodes: running,
    async until(what, condition, limitMs = 300_000) {
      for (const endMs = clock.monotonic() + limitMs; !(await condition());) {
        if (clock.monotonic() > endMs) throw new Error(`${what}: not within ${limitMs / 1000} s`);
        await sleep(clock, pollMs);
      }
    },
    async close() {
      await Promise.all(running.map((node) => node.close()));
      await Promise.all([scheduler.close(), controllers.close()]);
      stop.abort(new Error('the cluster ends'));
      await server.close();
      await Promise.all(Object.values(logs).map((log) => log.close()));
    },
  };
}

/** Pods that hollow nodes run, without tokens: no key signs any here. */
export function hollowTemplate(app: string, version: string): PodTemplateSpec {
  return {
    metadata: { labels: { app }, annotations: { version } },
    spec: {
      terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, tolerations: [{ key: 'navarch.io/hollow', operator: 'Exists' }],
      containers: [{ name: 'main', image: 'any/image:1', resources: { requests: { cpu: { string: '10m' } } } }],
    },
  };
}

export function hollowDeployment(name: string, replicas: number): Deployment {
  return { metadata: { namespace: 'default', name }, spec: { replicas, selector: { matchLabels: { app: name } }, template: hollowTemplate(name, '1') } };
}

/** Changes a Deployment, over conflicts. */
export async function changeDeployment(client: ApiClient, name: string, change: (deployment: Deployment) => Deployment): Promise<void> {
  await client.resource(deployments).patch('default', name, 'application/merge-patch+json', specPatch(change(await client.resource(deployments).get('default', name))));
}

const specPatch = ({ spec }: Deployment): { spec: { replicas: number; template: { metadata: { annotations: Record<string, string> } } } } =>
  ({ spec: { replicas: spec?.replicas ?? 0, template: { metadata: { annotations: { ...spec?.template?.metadata?.annotations } } } } });

export async function isGone<T extends ApiObject>(client: ApiClient, resource: Resource<T>, namespace: string, name: string): Promise<boolean> {
  return client.resource(resource).get(namespace, name).then(() => false, (thrown: unknown) => {
    if (!isNotFound(thrown)) throw thrown;
    return true;
  });
}
