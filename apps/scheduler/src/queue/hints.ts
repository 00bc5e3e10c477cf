import { eventMatches, type ClusterEvent, type EventRegistration } from '../framework/cluster-event';
import type { Framework } from '../framework/framework';
import type { QueuedPod } from './queued-pod';

/**
 * Which waiting pods an event may help (KEP-4247): pods are filed by the plugins that rejected them, so that an event
 * reaches only those whose plugins registered for it; pods with one signature share one answer per event.
 */
export class EventHints {
  /** schedulerName/plugin → pods it rejected. */
  private readonly rejected = new Map<string, Set<QueuedPod>>();

  constructor(private readonly profiles: ReadonlyMap<string, Framework>) {}

  add(pod: QueuedPod): void {
    for (const plugin of pod.rejectedBy) {
      const key = `${pod.info.schedulerName}/${plugin}`;
      const pods = this.rejected.get(key);
      if (pods) pods.add(pod);
      else this.rejected.set(key, new Set([pod]));
    }
  }

  remove(pod: QueuedPod): void {
    for (const plugin of pod.rejectedBy) this.rejected.get(`${pod.info.schedulerName}/${plugin}`)?.delete(pod);
  }

  /** Whether any plugin of any profile wants to hear of it. */
  concerns(event: ClusterEvent): boolean {
    for (const { events } of this.profiles.values()) {
      for (const registrations of events.values()) if (registrations.some((registration) => eventMatches(registration, event))) return true;
    }
    return false;
  }

  /** The pods with a rejecting plugin that registered for such events. */
  candidates(event: ClusterEvent): ReadonlySet<QueuedPod> {
    const found = new Set<QueuedPod>();
    for (const { schedulerName, events } of this.profiles.values()) {
      for (const [plugin, registrations] of events) {
        if (!registrations.some((registration) => eventMatches(registration, event))) continue;
        for (const pod of this.rejected.get(`${schedulerName}/${plugin}`) ?? []) found.add(pod);
      }
    }
    return found;
  }

  /** Whether a plugin that rejected the pod says that the event may help it. `answers` shares hints among like pods of one event. */
  helps(event: ClusterEvent, pod: QueuedPod, answers?: Map<string, boolean>): boolean {
    if (event.resource === 'Any') return true;
    for (const plugin of pod.rejectedBy) {
      const registrations = this.profiles.get(pod.info.schedulerName)?.events.get(plugin) ?? [];
      // Events about a waiting pod are judged by whose they are, which a signature does not tell.
      const key = pod.signature !== undefined && event.resource !== 'UnscheduledPod' ? `${plugin}\u0000${pod.signature}` : undefined;
      const known = key === undefined ? undefined : answers?.get(key);
      const answer = known ?? registrations.some((registration) => eventMatches(registration, event) && asksBack(registration, pod, event));
      if (key !== undefined) answers?.set(key, answer);
      if (answer) return true;
    }
    return false;
  }
}

function asksBack(registration: EventRegistration, pod: QueuedPod, event: ClusterEvent): boolean {
  try {
    return (registration.hint?.(pod.info, event) ?? 'queue') === 'queue';
  } catch {
    // A hint only saves work: when it fails the pod is tried again, which is always right.
    return true;
  }
}
