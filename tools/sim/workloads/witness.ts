import { controllerOf, isPodReady, leases, pods, type ApiObject } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { leaderLeaseName, type Change } from './world';

/**
 * How old a reader's knowledge may be, milliseconds: watches break and come back after at most 30 s, events are late, a
 * paused process acts on what it knew. Within this time what was wanted before may still be acted upon.
 */
export const recentMs = 75_000;

interface Past {
  readonly untilMs: number;
  readonly object: ApiObject;
}

/** A pod that ceased to serve: because somebody deleted it (`chosen`), by an eviction (`evicted`), or because it or its node failed. */
export interface Loss {
  readonly pod: Pod;
  readonly chosen: boolean;
  readonly evicted: boolean;
}

function lossOf(pod: Pod, after: Pod | undefined): Loss {
  const conditions = [...(pod.status?.conditions ?? []), ...(after?.status?.conditions ?? [])];
  const disrupted = conditions.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  return { pod, chosen: !disrupted && (after === undefined || after.metadata?.deletionTimestamp !== undefined), evicted: conditions.some(({ reason }) => reason === 'EvictionByEvictionAPI') };
}

/** What happened lately, and which failures explain a deviation. */
export class Witness {
  /** Creations whose answer never came, by the owner's uid: the creator may have made another one instead. */
  private readonly unknownCreates = new Map<string, number>();
  private readonly past = new Map<string, Past[]>();
  private readonly losses: (Loss & { readonly atMs: number })[] = [];
  private leaderAtMs = -Infinity;
  private holder: string | undefined;
  private nowMs = 0;

  see({ resource, before, after, atMs }: Change): void {
    this.nowMs = atMs;
    if (before) this.remember(before, atMs);
    if (resource.plural === leases.plural && before?.metadata?.name === leaderLeaseName || after?.metadata?.name === leaderLeaseName) this.seeLeader(after, atMs);
    if (resource.plural === pods.plural && before && isUp(before) && !(after && isUp(after))) this.losses.push({ ...lossOf(before, after), atMs });
  }

  createUnknown(object: ApiObject): void {
    const owner = controllerOf(object)?.uid ?? '';
    this.unknownCreates.set(owner, (this.unknownCreates.get(owner) ?? 0) + 1);
  }

  /** How many pods of the owner's may be there beyond what is wanted, for failures' sake. */
  excuse(owner: ApiObject, wanted: number): number {
    const handover = this.nowMs - this.leaderAtMs < recentMs ? wanted : 0;
    return (this.unknownCreates.get(owner.metadata?.uid ?? '') ?? 0) + handover;
  }

  get leader(): { readonly holder: string | undefined; readonly sinceMs: number } {
    return { holder: this.holder, sinceMs: this.leaderAtMs };
  }

  /** The object as it is, and as it lately was. */
  lately<T extends ApiObject>(object: T): T[] {
    const uid = object.metadata?.uid ?? '';
    return [object, ...(this.past.get(uid) ?? []).filter(({ untilMs }) => this.nowMs - untilMs < recentMs).map((each) => each.object as T)];
  }

  /** Pods that lately ceased to serve. */
  get lost(): readonly Loss[] {
    return this.losses.filter(({ atMs }) => this.nowMs - atMs < recentMs);
  }

  private remember(object: ApiObject, atMs: number): void {
    const uid = object.metadata?.uid ?? '';
    const list = this.past.get(uid) ?? [];
    if (list.length > 0 && list.at(-1)?.object.metadata?.generation === object.metadata?.generation && object.metadata?.generation !== undefined) list.pop();
    list.push({ untilMs: atMs, object });
    this.past.set(uid, list.slice(-50));
  }

  private seeLeader(lease: ApiObject | undefined, atMs: number): void {
    const holder = (lease as { spec?: { holderIdentity?: string } } | undefined)?.spec?.holderIdentity;
    if (holder === this.holder) return;
    // The first has nobody whose writes it could have missed.
    if (this.holder !== undefined) this.leaderAtMs = atMs;
    this.holder = holder;
  }
}

/** A pod that serves and is meant to. */
export const isUp = (pod: Pod): boolean => !pod.metadata?.deletionTimestamp && isPodReady(pod);
