/**
 * Pod start on a real containerd, beside CRI alone: `npx tsx tools/bench/pod-start.ts [pods]` (as root). The API is in memory, so that the
 * difference is the kubelet's own. Both in one run, alternating, so that the machine's mood falls on both alike.
 */
import { mkdir } from 'node:fs/promises';

import { nodes, pods } from '@navarch/api';
import { silentLogger, systemClock, systemRandom } from '@navarch/base';
import { createMemoryApi } from '@navarch/client/testing';
import type { ContainerRuntime } from '@navarch/cri';
import { fixtureImage, startContainerdFixture, type ContainerdFixture } from '@navarch/cri/testing';

import { runKubelet } from '../../apps/kubelet/src/app';
import { defaultConfig } from '../../apps/kubelet/src/config';
import { createLinuxHost } from '../../apps/kubelet/src/host/linux-host';

const rounds = Number(process.argv[2] ?? 30);
const command = ['/bin/sleep', '3600'];

function summary(name: string, values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1).padStart(7);
  return `${name.padEnd(34)} min ${at(0)}  p50 ${at(0.5)}  p90 ${at(0.9)}  ms`;
}

async function criAlone(runtime: ContainerRuntime, fixture: ContainerdFixture, round: number): Promise<number> {
  const uid = `bench-${round}`;
  const sandbox = { metadata: { name: uid, namespace: 'bench', uid }, logDirectory: `${fixture.directory}/bench/${uid}`, linux: { cgroupParent: `${fixture.cgroupRoot}/bench/${uid}`, securityContext: {} } };
  const began = performance.now();
  const sandboxId = await runtime.runPodSandbox(sandbox);
  const id = await runtime.createContainer(sandboxId, { metadata: { name: 'main' }, image: { image: fixtureImage }, command, logPath: 'main.log', linux: { resources: {}, securityContext: {} } }, sandbox);
  await runtime.startContainer(id);
  const took = performance.now() - began;
  await runtime.stopPodSandbox(sandboxId);
  await runtime.removePodSandbox(sandboxId);
  return took;
}

async function main(): Promise<void> {
  const fixture = await startContainerdFixture();
  const runtime = fixture.connect();
  const { client } = createMemoryApi({ clock: systemClock, random: systemRandom });
  const rootDirectory = `${fixture.directory}/kubelet`;
  await mkdir(rootDirectory, { recursive: true });
  const config = { ...defaultConfig, addresses: ['10.89.0.2'], rootDirectory, podLogsDirectory: `${fixture.directory}/logs`, cgroupRoot: fixture.cgroupRoot };
  const kubelet = await runKubelet({ nodeName: 'bench', client, runtime, host: createLinuxHost({ rootDirectory }), clock: systemClock, random: systemRandom, logger: silentLogger, config });
  await kubelet.ready;
  await client.resource(nodes).get('', 'bench');

  const throughKubelet = async (round: number): Promise<number> => {
    const name = `p-${round}`;
    const stop = new AbortController();
    const watch = client.resource(pods).watch({ signal: stop.signal, namespace: 'default', fieldSelector: `metadata.name=${name}`, sendInitialEvents: true });
    let began = 0;
    let took = 0;
    for await (const { type, object, initialEventsEnd } of watch) {
      if (initialEventsEnd) {
        began = performance.now();
        void client.resource(pods).create({ metadata: { namespace: 'default', name }, spec: { nodeName: 'bench', terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: fixtureImage, command }] } });
      } else if (type === 'DELETED') break;
      else if (took === 0 && object.status?.phase === 'Running') {
        took = performance.now() - began;
        void client.resource(pods).delete('default', name);
      }
    }
    stop.abort();
    return took;
  };

  try {
    const alone: number[] = [];
    const whole: number[] = [];
    for (let round = 0; round < rounds + 3; round += 1) {
      const [cri, pod] = [await criAlone(runtime, fixture, round), await throughKubelet(round)];
      // The first rounds warm code and page cache.
      if (round >= 3) {
        alone.push(cri);
        whole.push(pod);
      }
    }
    console.log(summary('CRI alone (sandbox, create, start)', alone));
    console.log(summary('create → Running seen by a watcher', whole));
  } finally {
    await kubelet.close();
    runtime.close();
    await fixture.close();
  }
}

void main();
