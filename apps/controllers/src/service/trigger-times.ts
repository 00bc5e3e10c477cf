import { timeToText } from '@navarch/api';
import type { Pod, Service } from '@navarch/proto/k8s/io/api/core/v1/core';

import { triggerSeconds } from './pod-endpoint';

/** Annotation by which a watcher of endpoints can tell how long a change took to reach it. */
export const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/**
 * When what a Service's endpoints say changed in the world: of the pods that changed since the last look, the earliest;
 * the Service's own creation at first. Kept per process: after a restart nobody can tell, so nothing is claimed.
 */
export class TriggerTimes {
  private readonly seen = new Map<string, ReadonlyMap<string, number>>();

  /** RFC 3339, or undefined where nothing is known to have changed. `known`: endpoints of this Service exist already. */
  next(key: string, service: Service, pods: readonly Pod[], known: boolean): string | undefined {
    const before = this.seen.get(key);
    const now = new Map(pods.map((pod) => [pod.metadata?.uid ?? '', triggerSeconds(pod)]));
    this.seen.set(key, now);
    if (!before) return known ? undefined : textOf(Number(service.metadata?.creationTimestamp?.seconds ?? 0));
    const changed = [...now].filter(([uid, seconds]) => seconds > (before.get(uid) ?? 0)).map(([, seconds]) => seconds);
    return changed.length > 0 ? textOf(Math.min(...changed)) : undefined;
  }

  forget(key: string): void {
    this.seen.delete(key);
  }
}

const textOf = (seconds: number): string | undefined => (seconds > 0 ? timeToText({ seconds }) : undefined);

/** The annotations with this trigger time, or without one. */
export function withTrigger(annotations: Readonly<Record<string, string>> | undefined, trigger: string | undefined): Record<string, string> {
  const { [triggerAnnotation]: _old, ...others } = annotations ?? {};
  return { ...others, ...(trigger !== undefined && { [triggerAnnotation]: trigger }) };
}
