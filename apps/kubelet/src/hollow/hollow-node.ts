/**
 * A hollow node: the real kubelet on a runtime and a machine that exist in memory. Everything that the control plane sees of it is real
 * (registration, Lease, status, pod workers, probes, volumes, events); what is hollow is what containers do: see hollow-programs.
 *
 *   API ◄──► runKubelet ──► fake runtime, images always there, addresses from the node's own range
 *                      └──► host in memory: files, and a network in which every pod that is up answers
 */
import type { Clock, Logger, Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import { createFakeRuntime, type FakeRuntime } from '@navarch/cri';

import { runKubelet, type Kubelet } from '../app';
import { defaultConfig, type KubeletConfig } from '../config';
import { createMemoryHost, type MemoryFiles } from '../host/memory-host';
import { hollowLabel, planOf } from './hollow-programs';

const cni = { configDirectory: '/etc/cni/net.d', dataDirectory: '/var/lib/cni', hostPorts: false } as const;

export interface HollowNodeOptions {
  readonly nodeName: string;
  /** As this node's own user, system:node:<name>. */
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config?: Partial<KubeletConfig>;
}

export interface HollowNode {
  readonly kubelet: Kubelet;
  /** With its handles for faults. */
  readonly runtime: FakeRuntime;
  close(): Promise<void>;
}

export async function startHollowNode({ nodeName, client, clock, random, logger, config }: HollowNodeOptions): Promise<HollowNode> {
  const runtime: FakeRuntime = createFakeRuntime({
    clock, random,
    behaviour: {
      plan: (container, sandbox) => planOf(container.metadata?.name ?? '', sandbox),
      started: ({ metadata, logPath }, { logDirectory = '' }) => {
        const line = `${new Date(clock.now()).toISOString()} stdout F ${metadata?.name} runs on hollow node ${nodeName}\n`;
        void files.makeDirectory(logDirectory).then(() => files.append(`${logDirectory}/${logPath}`, line));
      },
    },
  });
  const serve = (address: string, port: number): void => {
    if (!runtime.serves(address)) throw new Error(`connect ECONNREFUSED ${address}:${port}`);
  };
  const host = createMemoryHost({
    machine: { machineId: nodeName, systemUuid: nodeName, bootId: nodeName },
    network: {
      connect: async (address, port) => serve(address, port),
      httpGet: async ({ host: address, port }) => {
        serve(address, port);
        return { status: 200, body: 'ok' };
      },
    },
  });
  const { files } = host;
  runtime.setNetworkReady(false);
  const unwatch = files.watch(cni.configDirectory, () => void followCni(files, runtime));
  const kubelet = await runKubelet({
    nodeName, client, runtime, host, clock, random, logger,
    config: { ...defaultConfig, cni, ...config, labels: { [hollowLabel]: 'true', ...config?.labels }, taints: config?.taints ?? [{ key: hollowLabel, value: 'true', effect: 'NoSchedule' }] },
  });
  return {
    kubelet, runtime,
    async close() {
      unwatch();
      await kubelet.close();
      runtime.close();
    },
  };
}

/** As containerd: the network is ready when there is a configuration, and pods have their addresses from it. */
async function followCni(files: MemoryFiles, runtime: FakeRuntime): Promise<void> {
  const [name] = await files.list(cni.configDirectory);
  if (name === undefined) return;
  const subnet = /"subnet": "([\d.]+\/\d+)"/.exec((await files.read(`${cni.configDirectory}/${name}`)).toString('utf8'))?.[1];
  if (subnet === undefined) return;
  runtime.setAddressRange(subnet);
  runtime.setNetworkReady(true);
}
