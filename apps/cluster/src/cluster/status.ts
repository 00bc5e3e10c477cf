import { readFileSync } from 'node:fs';

import { toError, type Clock } from '@navarch/base';
import type { JsonObject } from '@navarch/api';

import { openSession } from '../api/session';
import { formatAge } from '../api/table';
import { isRunning } from '../host/proc';
import type { SupervisorStatus } from '../supervisor/specs';
import { kubeconfigFile } from '../control-plane/kubeconfig';
import type { Places } from './places';
import { countReadyHollow } from './hollow';
import { notReadyReason } from './ready-reason';
import { clusterPhase } from './running';
import { readJson, type ClusterState } from './state';

export interface ClusterStatus {
  readonly summary: string;
  /** All processes run and all nodes are Ready. */
  readonly healthy: boolean;
  /** Table rows, header first. */
  readonly processes: readonly string[][];
  readonly nodes: readonly string[][];
}

export async function clusterStatus(places: Places, { clock }: { clock: Clock }): Promise<ClusterStatus> {
  const { phase, state } = clusterPhase(places);
  const nothing = { healthy: false, processes: [], nodes: [] };
  if (!state) return { ...nothing, summary: `There is no cluster "${places.cluster}".` };
  if (phase === 'stopped') return { ...nothing, summary: `Cluster "${places.cluster}" is stopped; "navarch up" starts it again with what it had.` };
  if (phase === 'broken') return { ...nothing, summary: `Cluster "${places.cluster}" is being started, or its start was cut off; "navarch up" begins anew, "navarch down" removes it.` };

  const known = readJson<SupervisorStatus>(places.supervisorFile)?.processes ?? {};
  const rows = Object.entries(known).map(([name, status]) => ({ name, status, runs: isRunning(status) }));
  const processes = [['PROCESS', 'STATE', 'PID', 'RESTARTS', 'AGE', 'MEMORY', 'LAST END'], ...rows.map(({ name, status, runs }) => [
    name, runs ? 'running' : 'ended', String(status.pid), String(status.restarts), formatAge(clock.now() - status.startedMs),
    runs ? `${residentMiB(status.pid)} MiB` : '-', status.lastEnd ?? '-',
  ])];
  const nodes = await nodeRows(places, state);
  const healthy = phase === 'running' && rows.every(({ runs }) => runs) && nodes.every(({ ready }) => ready);
  return {
    healthy, processes,
    summary: `Cluster "${places.cluster}": ${healthy ? 'running' : phase === 'running' ? 'running, but not all of it is well' : 'running without its supervisor; "navarch up" starts a new one'}; `
      + `gRPC on 127.0.0.1:${state.ports.apiserver} and ${places.apiserverSocket}; logs in ${places.logs}; for kubectl: export KUBECONFIG=${kubeconfigFile(places)}`,
    nodes: [['NODE', 'ADDRESS', 'STATE'], ...nodes.map(({ cells }) => cells)],
  };
}

async function nodeRows(places: Places, state: ClusterState): Promise<{ ready: boolean; cells: string[] }[]> {
  const session = openSession(places);
  try {
    const { items } = await session.list(await session.kind('nodes'), {});
    const rows = state.nodes.map(({ name, address }) => {
      const node = items.find((item) => (item.metadata as JsonObject).name === name);
      const reason = node ? notReadyReason(node) : 'not registered';
      return { ready: reason === undefined, cells: [name, address, reason === undefined ? 'Ready' : `NotReady: ${reason}`] };
    });
    return [...rows, ...hollowRow(state, countReadyHollow(state, items))];
  } catch (error) {
    return state.nodes.map(({ name, address }) => ({ ready: false, cells: [name, address, `unknown: ${toError(error).message}`] }));
  } finally {
    session.close();
  }
}

/** One line for all of them: there may be hundreds. */
function hollowRow({ hollow = 0 }: ClusterState, ready: number): { ready: boolean; cells: string[] }[] {
  return hollow === 0 ? [] : [{ ready: ready === hollow, cells: [`hollow-1 … hollow-${hollow}`, '-', ready === hollow ? 'Ready' : `NotReady: ${hollow - ready} of ${hollow}`] }];
}

function residentMiB(pid: number): string {
  try {
    return (Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024).toFixed(0);
  } catch {
    return '0';
  }
}
