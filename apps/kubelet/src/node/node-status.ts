/** What the API is told of a node: pure, from the machine, the runtime and the configuration. */
import { quantity, quantityMilliValue, quantityValue, subtractQuantity, timeFromMs } from '@navarch/api';
import type { RuntimeHealth, RuntimeVersion } from '@navarch/cri';
import type { Node, NodeCondition, NodeStatus } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import type { KubeletConfig } from '../config';
import type { MachineFacts, MachineUsage } from '../host/host';

export interface NodeFacts {
  readonly nodeName: string;
  readonly config: KubeletConfig;
  readonly machine: MachineFacts;
  readonly usage: MachineUsage;
  /** Undefined where the runtime does not answer; with its words. */
  readonly health: RuntimeHealth | undefined;
  readonly healthError?: string;
  readonly runtimeVersion: RuntimeVersion | undefined;
}

/** Kubernetes' default hard eviction thresholds. */
const minMemoryBytes = 100 * 1024 * 1024;
const minStorageShare = 0.1;
const minProcessShare = 0.1;

export function capacityOf(machine: MachineFacts, config: KubeletConfig): Record<string, Quantity> {
  return {
    cpu: quantity(String(machine.cpus)), memory: quantity(`${Math.floor(machine.memoryBytes / 1024)}Ki`),
    'ephemeral-storage': quantity(`${Math.floor(machine.storageBytes / 1024)}Ki`), pods: quantity(String(config.maxPods)),
  };
}

export function allocatableOf(machine: MachineFacts, config: KubeletConfig): Record<string, Quantity> {
  const left = Object.entries(capacityOf(machine, config)).map(([name, total]): [string, Quantity] => {
    const reserved = config.reserved[name];
    if (reserved === undefined) return [name, total];
    const rest = subtractQuantity(total, quantity(reserved));
    return [name, (name === 'cpu' ? quantityMilliValue(rest) : quantityValue(rest)) < 0 ? quantity('0') : rest];
  });
  return Object.fromEntries(left);
}

export function nodeLabels({ nodeName, config, machine }: Pick<NodeFacts, 'nodeName' | 'config' | 'machine'>): Record<string, string> {
  return {
    ...config.labels, 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': machine.architecture,
    'beta.kubernetes.io/os': 'linux', 'beta.kubernetes.io/arch': machine.architecture,
  };
}

export function nodeStatus(facts: NodeFacts, before: NodeStatus | undefined, nowMs: number): NodeStatus {
  const { config, machine, runtimeVersion, nodeName } = facts;
  return {
    ...before, capacity: capacityOf(machine, config), allocatable: allocatableOf(machine, config),
    addresses: [...config.addresses.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: nodeName }],
    conditions: mergeConditions(conditionsOf(facts), before?.conditions ?? [], nowMs),
    nodeInfo: {
      machineID: machine.machineId, systemUUID: machine.systemUuid, bootID: machine.bootId, kernelVersion: machine.kernelVersion, osImage: machine.osImage,
      containerRuntimeVersion: runtimeVersion ? `${runtimeVersion.name}://${runtimeVersion.version}` : before?.nodeInfo?.containerRuntimeVersion ?? '',
      kubeletVersion: config.version, operatingSystem: 'linux', architecture: machine.architecture,
    },
  };
}

type Judgement = Required<Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>>;

function pressure(type: string, under: boolean, yes: readonly [string, string], no: readonly [string, string]): Judgement {
  const [reason, message] = under ? yes : no;
  return { type, status: under ? 'True' : 'False', reason, message };
}

function conditionsOf({ usage, health, healthError }: NodeFacts): Judgement[] {
  return [
    pressure('MemoryPressure', usage.memoryAvailableBytes < minMemoryBytes,
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'], ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available']),
    pressure('DiskPressure', usage.storageAvailableBytes < usage.storageBytes * minStorageShare,
      ['KubeletHasDiskPressure', 'kubelet has disk pressure'], ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure']),
    pressure('PIDPressure', usage.processes > usage.maxProcesses * (1 - minProcessShare),
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'], ['KubeletHasSufficientPID', 'kubelet has sufficient PID available']),
    readyCondition(health, healthError),
  ];
}

function readyCondition(health: RuntimeHealth | undefined, error = ''): Judgement {
  if (health?.runtimeReady && health.networkReady) return { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' };
  return { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: health ? health.message : `container runtime is down: ${error}` };
}

/** Heartbeats move with every write, transitions with the status; conditions of others stay. */
function mergeConditions(own: readonly Judgement[], before: readonly NodeCondition[], nowMs: number): NodeCondition[] {
  const now = timeFromMs(nowMs);
  const mine = own.map((condition): NodeCondition => {
    const old = before.find((entry) => entry.type === condition.type);
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime: old?.status === condition.status && old.lastTransitionTime ? old.lastTransitionTime : now };
  });
  return [...before.filter((entry) => !own.some((condition) => condition.type === entry.type)), ...mine];
}

/** Whether a reader would see a difference beyond the heartbeat. */
export function differs(a: NodeStatus | undefined, b: NodeStatus): boolean {
  const face = (status: NodeStatus | undefined): string => JSON.stringify({
    ...status, conditions: status?.conditions?.map(({ type, status: value, reason, message }) => [type, value, reason, message]),
  }, (_key, value: unknown) => (value === '' || value === undefined ? undefined : value));
  return face(a) !== face(b);
}

export const isReady = (node: Node): boolean => node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
