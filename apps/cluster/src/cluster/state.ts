import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import type { Places } from './places';

export type Uplink = 'none' | 'nat';

export interface NodeRecord {
  readonly name: string;
  /** On the fabric, within 10.89.0.0/24. */
  readonly address: string;
}

/** What cluster.json holds. It is written before the first thing it speaks of is made, and removed after the last. */
export interface ClusterState {
  readonly version: 1;
  readonly name: string;
  readonly id: string;
  /** Of the machine's run in which the processes, namespaces and mounts were made; another one means that they are gone. */
  readonly bootId: string;
  readonly phase: 'starting' | 'running' | 'stopped';
  readonly uplink: Uplink;
  readonly nodes: readonly NodeRecord[];
  /** Nodes beside them whose containers exist in memory only; absent: none. */
  readonly hollow?: number;
  readonly ports: { readonly nats: number; readonly apiserver: number; /** Kubernetes' REST dialect. */ readonly rest: number };
  /** What containerd keeps layers with: overlayfs, or native where the state directory is itself on an overlay. */
  readonly snapshotter: 'overlayfs' | 'native';
  readonly createdMs: number;
}

/** Undefined where there is none; throws for a file that cannot be understood. */
export function readState(places: Places): ClusterState | undefined {
  return readJson<ClusterState>(places.stateFile);
}

export function writeState(places: Places, state: ClusterState): void {
  writeJson(places.stateFile, state);
}

export function readJson<T>(path: string): T | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    throw new Error(`${path} is damaged; "navarch down" removes the cluster it belongs to`, { cause: error });
  }
}

/** Whole or not at all: readers never see half a file. Only its owner may read it. */
export function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}
