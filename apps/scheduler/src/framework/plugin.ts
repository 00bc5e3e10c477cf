import type { ApiClient } from '@navarch/client';

import type { NodeTable } from '../snapshot/node-table';
import type { PodInfo } from '../snapshot/pod-info';
import type { VolumeCaches } from '../snapshot/volume-caches';
import type { EventRegistration } from './cluster-event';
import type { CycleState } from './cycle-state';

/**
 * The extension points of Kubernetes' scheduling framework (KEP-624). A plugin is one object that has the methods of
 * the points it extends. Everything up to Permit is synchronous: one decision is taken on one state of the table.
 * What a plugin throws is an error of the attempt (the pod backs off), never a rejection.
 */
export interface Plugin {
  readonly name: string;
}

/** A verdict on one row, a number so that filtering allocates nothing. */
export const pass = 0;
/** Not now: something may change that on this node. */
export const unschedulable = 1;
/** Not as the node is: removing pods from it would not help. */
export const unresolvable = 2;
export type Verdict = typeof pass | typeof unschedulable | typeof unresolvable;

/** A pod refused as a whole. `pending`: the plugin waits for something to happen, so the pod skips its back-off when it does. */
export interface Rejection {
  readonly code: 'unschedulable' | 'unresolvable' | 'pending';
  readonly reasons: readonly string[];
}

/** Only these nodes come into question. */
export interface NodeRestriction {
  readonly nodeNames: ReadonlySet<string>;
}

/** A pod in the queue as QueueSort sees it. */
export interface Sortable {
  readonly info: PodInfo;
  /** When it entered the queue this time, milliseconds. */
  readonly queuedAtMs: number;
}

export interface PreEnqueuePlugin extends Plugin {
  /** A rejected pod does not enter the active queue; it is asked again when an event of the plugin's comes. */
  preEnqueue(info: PodInfo): Rejection | undefined;
}

export interface QueueSortPlugin extends Plugin {
  less(a: Sortable, b: Sortable): boolean;
}

/** Which events may undo this plugin's rejections (KEP-4247). A plugin that rejects and lacks it is retried on every event. */
export interface EnqueueExtensions extends Plugin {
  eventsToRegister(): readonly EventRegistration[];
}

/**
 * What of the pod this plugin looks at (KEP-5598). Pods whose signatures agree in all plugins share filtering and
 * scoring, so for a signed pod PreFilter may depend on the signature alone, Filter and Score on it and the row. `undefined`: it depends on more.
 * Every plugin that filters or scores signs, or its pods share nothing.
 */
export interface SignPlugin extends Plugin {
  sign(info: PodInfo): string | undefined;
}

export interface PreFilterPlugin extends Plugin {
  /** `skip`: this plugin's Filter has nothing to say of the pod. */
  preFilter(state: CycleState, info: PodInfo, nodes: NodeTable): 'skip' | Rejection | NodeRestriction | undefined;
}

export interface FilterPlugin extends Plugin {
  /** Hot: called per pod and row; allocates nothing. */
  filter(state: CycleState, info: PodInfo, nodes: NodeTable, row: number): Verdict;
  /** Why `filter` refused this row, in Kubernetes' words. Called only for pods that found no node. */
  explain(state: CycleState, info: PodInfo, nodes: NodeTable, row: number): readonly string[];
}

export interface PostFilterPlugin extends Plugin {
  /** For a pod that fits nowhere: may make room. `message` is added to the pod's condition; `nominatedNode` is where there will be room. */
  postFilter(state: CycleState, info: PodInfo, nodes: NodeTable): { readonly message?: string; readonly nominatedNode?: string } | undefined;
}

export interface PreScorePlugin extends Plugin {
  /** `skip`: all nodes are alike to this plugin's Score. `rows` holds the feasible ones in its first `count` places. */
  preScore(state: CycleState, info: PodInfo, nodes: NodeTable, rows: Int32Array, count: number): 'skip' | undefined;
}

export interface ScorePlugin extends Plugin {
  /** Hot. Without `normalize`: 0 … 100; with it any integer that fits 32 bits. */
  score(state: CycleState, info: PodInfo, nodes: NodeTable, row: number): number;
}

export interface NormalizeScorePlugin extends ScorePlugin {
  /** Brings the first `count` scores to 0 … 100 in place. */
  normalize(scores: Int32Array, count: number): void;
}

export interface ReservePlugin extends Plugin {
  /** Sets aside what the pod will need; on a rejection, or any later failure, every plugin's `unreserve` runs, last first. */
  reserve(state: CycleState, info: PodInfo, nodeName: string): Rejection | undefined;
  /** Idempotent; does not throw. */
  unreserve(state: CycleState, info: PodInfo, nodeName: string): void;
}

export interface PermitPlugin extends Plugin {
  /** Lets the pod pass (undefined), refuses it, or has it wait for `allow` up to a time (milliseconds, capped at 15 minutes). */
  permit(state: CycleState, info: PodInfo, nodeName: string): { readonly waitMs: number } | Rejection | undefined;
}

export interface PreBindPlugin extends Plugin {
  preBind(state: CycleState, info: PodInfo, nodeName: string, signal: AbortSignal): Promise<Rejection | undefined>;
}

export interface BindPlugin extends Plugin {
  /** `skip` leaves it to the next binder. Throws the API's error; Conflict: the pod is bound already. */
  bind(state: CycleState, info: PodInfo, nodeName: string, signal: AbortSignal): Promise<'bound' | 'skip'>;
}

export interface PostBindPlugin extends Plugin {
  postBind(state: CycleState, info: PodInfo, nodeName: string): void;
}

/** A pod held by Permit. */
export interface WaitingPod {
  readonly info: PodInfo;
  readonly nodeName: string;
  /** When the last plugin that waits has allowed it, it goes on to be bound. */
  allow(pluginName: string): void;
  reject(pluginName: string, reason: string): void;
}

/** What plugins may use of the scheduler. */
export interface PluginHandle {
  readonly client: ApiClient;
  readonly nodes: NodeTable;
  readonly volumes: VolumeCaches;
  waitingPods(): Iterable<WaitingPod>;
}

/** Makes a plugin from its arguments (`pluginConfig[].args`); throws an Error that names the bad argument. */
export type PluginFactory = (args: unknown, handle: PluginHandle) => Plugin;

export function has<P extends Plugin>(plugin: Plugin, method: Exclude<keyof P, keyof Plugin>): plugin is P {
  return typeof (plugin as unknown as Record<PropertyKey, unknown>)[method] === 'function';
}
