import type { CycleState } from '../framework/cycle-state';
import type { Framework } from '../framework/framework';
import type { PodInfo } from '../snapshot/pod-info';

/** A plugin refused a pod after a node was chosen. */
export interface Refusal {
  readonly plugin: string;
  readonly message: string;
}

/** Kubernetes' upper bound for Permit's patience. */
const maxWaitMs = 15 * 60_000;

export function reserve(framework: Framework, state: CycleState, info: PodInfo, nodeName: string): Refusal | undefined {
  for (const plugin of framework.reserve) {
    const rejection = plugin.reserve(state, info, nodeName);
    if (rejection) return { plugin: plugin.name, message: rejection.reasons.join(', ') };
  }
  return undefined;
}

/** In reverse order, all of them: a plugin may have reserved before a later one refused. */
export function unreserve(framework: Framework, state: CycleState, info: PodInfo, nodeName: string): void {
  for (const plugin of [...framework.reserve].reverse()) plugin.unreserve(state, info, nodeName);
}

/** Asks all Permit plugins; the first refusal stands, else those that wait are named with their patience in milliseconds. */
export function permit(framework: Framework, state: CycleState, info: PodInfo, nodeName: string): Refusal | { readonly waits: ReadonlyMap<string, number> } {
  const waits = new Map<string, number>();
  for (const plugin of framework.permit) {
    const answer = plugin.permit(state, info, nodeName);
    if (!answer) continue;
    if ('code' in answer) return { plugin: plugin.name, message: answer.reasons.join(', ') };
    waits.set(plugin.name, Math.min(answer.waitMs, maxWaitMs));
  }
  return { waits };
}
