/** A kubelet on the fake runtime, a machine in memory and an API in memory, under the virtual clock. */
import { nodes, pods } from '@navarch/api';
import { seededRandom, silentLogger, VirtualClock, type Logger } from '@navarch/base';
import { createMemoryApi, type MemoryApi } from '@navarch/client/testing';
import { createFakeRuntime, type FakeBehaviour, type FakeRuntime } from '@navarch/cri';
import type { Node, Pod, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { runKubelet, type Kubelet } from '../app';
import { defaultConfig, type KubeletConfig } from '../config';
import { createMemoryHost, type MemoryHostOptions } from '../host/memory-host';

export interface RigOptions {
  readonly seed?: number;
  readonly images?: readonly string[];
  readonly behaviour?: FakeBehaviour;
  readonly host?: MemoryHostOptions;
  readonly config?: Partial<KubeletConfig>;
  readonly logger?: Logger;
}

export interface Rig {
  readonly clock: VirtualClock;
  readonly api: MemoryApi;
  readonly runtime: FakeRuntime;
  readonly host: ReturnType<typeof createMemoryHost>;
  kubelet: Kubelet;
  createPod(spec: PodSpec, name?: string, metadata?: Pod['metadata']): Promise<Pod>;
  pod(name?: string): Promise<Pod>;
  node(): Promise<Node>;
  /** Moves time on until the condition holds; fails after `limitMs` of virtual time. */
  until(condition: (pod: Pod) => boolean, name?: string, limitMs?: number): Promise<Pod>;
  untilGone(name?: string, limitMs?: number): Promise<void>;
  eventReasons(name?: string): Promise<string[]>;
  /** The kubelet stops and another begins: containers run on. */
  restartKubelet(): Promise<void>;
  close(): Promise<void>;
}

const startMs = Date.UTC(2026, 0, 1);
export const testImage = 'docker.io/library/test:1';

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Long chains of promises take several turns of the loop. */
async function settle(): Promise<void> {
  for (let round = 0; round < 6; round += 1) await turn();
}

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const clock = new VirtualClock(startMs, settle);
  const random = seededRandom(options.seed ?? 1);
  const api = createMemoryApi({ clock, random });
  const runtime = createFakeRuntime({ clock, random, images: options.images ?? [testImage], behaviour: options.behaviour ?? {} });
  const host = createMemoryHost(options.host);
  const config = { ...defaultConfig, addresses: ['10.89.0.2'], ...options.config };
  const start = (): Promise<Kubelet> => runKubelet({ nodeName: 'node-1', client: api.client, runtime, host, clock, random, logger: options.logger ?? silentLogger, config });
  const client = api.client.resource(pods);

  let current: Pod | undefined;
  const look = async (name: string): Promise<Pod | undefined> => client.get('default', name).catch(() => undefined);
  const advanceUntil = async (done: () => boolean | Promise<boolean>, limitMs: number): Promise<void> => {
    const endMs = clock.now() + limitMs;
    await settle();
    while (!(await done())) {
      if (clock.now() >= endMs) throw new Error(`not reached within ${limitMs} ms of virtual time; last state: ${JSON.stringify(current?.status)}`);
      await clock.advance(50);
    }
  };

  const rig: Rig = {
    clock, api, runtime, host, kubelet: await start(),
    async createPod(spec, name = 'web', metadata = {}) {
      const pod: Pod = { metadata: { namespace: 'default', name, ...metadata }, spec: { nodeName: 'node-1', ...spec } };
      return client.create(pod);
    },
    async pod(name = 'web') {
      return client.get('default', name);
    },
    node: () => api.client.resource(nodes).get('', 'node-1'),
    async until(condition, name = 'web', limitMs = 60_000) {
      await advanceUntil(async () => {
        current = await look(name);
        return current !== undefined && condition(current);
      }, limitMs);
      return current as Pod;
    },
    untilGone: (name = 'web', limitMs = 120_000) => advanceUntil(async () => (await look(name)) === undefined, limitMs),
    async eventReasons(name = 'web') {
      const { events } = await import('@navarch/api');
      const { items } = await api.client.resource(events).list({ namespace: 'default' });
      return items.filter((event) => event.involvedObject?.name === name).map((event) => `${event.reason}: ${event.message}`);
    },
    async restartKubelet() {
      const closing = rig.kubelet.close();
      await clock.advance(1_000);
      await closing;
      rig.kubelet = await start();
      await clock.advance(100);
    },
    async close() {
      const closing = rig.kubelet.close();
      runtime.close();
      await clock.advance(60_000);
      await closing;
    },
  };
  let ready = false;
  void rig.kubelet.ready.then(() => { ready = true; });
  await clock.advanceUntil(() => ready, 60_000);
  return rig;
}

export const isPhase = (phase: string) => (pod: Pod): boolean => pod.status?.phase === phase;
export const isReadyPod = (pod: Pod): boolean => pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
export const waitsFor = (reason: string) => (pod: Pod): boolean => [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].some((status) => status.state?.waiting?.reason === reason);
