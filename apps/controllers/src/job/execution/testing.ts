import { jobs, pods, timeFromMs } from '@navarch/api';
import type { Job, JobSpec } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { ControllerCluster } from '../../testing/cluster';
import { isActive } from '../../workload/pod-state';
import { indexKey } from './tracked-pods';

const podSpec = { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work:1' }] };

/** Jobs on a cluster without kubelets: the test says how each pod ends. */
export class JobBed {
  readonly cluster = new ControllerCluster();

  get clock() {
    return this.cluster.clock;
  }

  async start(): Promise<void> {
    await this.cluster.start();
    await this.cluster.addNode('node-1');
    await this.cluster.settle();
  }

  async run(spec: JobSpec, name = 'work'): Promise<Job> {
    const made = await this.cluster.api.client.resource(jobs).create({ metadata: { namespace: 'default', name }, spec: { template: { spec: podSpec }, ...spec } });
    await this.cluster.settle();
    return made;
  }

  job(name = 'work'): Promise<Job> {
    return this.cluster.api.client.resource(jobs).get('default', name);
  }

  async change(spec: JobSpec, name = 'work'): Promise<void> {
    const job = await this.job(name);
    await this.cluster.api.client.resource(jobs).update({ ...job, spec: { ...job.spec, ...spec } });
    await this.cluster.settle();
  }

  async pods(): Promise<Pod[]> {
    return (await this.cluster.api.client.resource(pods).list({ namespace: 'default' })).items;
  }

  /** Binds those that have no node yet: a pod that is nowhere is deleted at once. */
  async active(): Promise<Pod[]> {
    for (const { spec, metadata } of await this.pods()) {
      if (!spec?.nodeName) await this.cluster.api.client.bindPod({ metadata: { namespace: 'default', name: metadata?.name }, target: { kind: 'Node', name: 'node-1' } });
    }
    await this.cluster.settle();
    return (await this.pods()).filter(isActive);
  }

  /** The active pod of that index. */
  async ofIndex(index: number): Promise<Pod> {
    const found = (await this.active()).find(({ metadata }) => metadata?.annotations?.[indexKey] === String(index));
    if (!found) throw new Error(`no active pod of index ${index}`);
    return found;
  }

  /** Its only container ends; 0: well. */
  async end(pod: Pod, exitCode: number, conditions: { type: string; status: string }[] = []): Promise<void> {
    const client = this.cluster.api.client.resource(pods);
    const current = await client.get('default', pod.metadata?.name ?? '');
    const terminated = { exitCode, finishedAt: timeFromMs(this.clock.now()) };
    await client.updateStatus({
      ...current, status: { ...current.status, phase: exitCode === 0 ? 'Succeeded' : 'Failed', conditions, containerStatuses: [{ name: 'main', state: { terminated } }] },
    });
    await this.cluster.settle();
  }

  async ready(pod: Pod): Promise<void> {
    const client = this.cluster.api.client.resource(pods);
    const current = await client.get('default', pod.metadata?.name ?? '');
    await client.updateStatus({ ...current, status: { ...current.status, phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } });
    await this.cluster.settle();
  }

  /** As a kubelet does that has stopped a deleted pod's containers. */
  async bury(pod: Pod): Promise<void> {
    const name = pod.metadata?.name ?? '';
    const client = this.cluster.api.client.resource(pods);
    await this.end(pod, 143);
    await client.delete('default', name, { deleteOptions: { gracePeriodSeconds: 0 } });
    await this.cluster.settle();
  }

  /** The conditions that are true, with their reasons. */
  async conditions(name = 'work'): Promise<string[]> {
    return ((await this.job(name)).status?.conditions ?? []).filter(({ status }) => status === 'True').map(({ type, reason }) => `${type} ${reason}`);
  }
}
