import { backoffDelayMs } from '@navarch/base';

import type { ObservedContainer } from './observed';

/** Kubernetes' CrashLoopBackOff: at once, then 10 s doubling to 5 min; a run of 10 min starts over. */
const crashLoop = { initialMs: 10_000, maxMs: 300_000 };
const forgivenAfterMs = 600_000;

/** Delays before an image is pulled again. */
export const imageBackoff = { initialMs: 10_000, maxMs: 300_000 };
/** Delays before a sandbox, a volume or a container that could not be made is tried again. */
export const retryBackoff = { initialMs: 1_000, maxMs: 10_000 };

function stepAfter(ended: ObservedContainer): number {
  const ranMs = (ended.finishedAtMs ?? 0) - (ended.startedAtMs ?? ended.finishedAtMs ?? 0);
  return ranMs > forgivenAfterMs ? 0 : ended.backoffStep;
}

/** All that the next start needs to know of the last: kept as annotations of the new container, so it outlives the kubelet. */
export function nextAttempt(ended: ObservedContainer | undefined, countedBefore = 0): { attempt: number; restartCount: number; backoffStep: number } {
  if (!ended) return { attempt: countedBefore, restartCount: countedBefore, backoffStep: countedBefore > 0 ? 1 : 0 };
  return { attempt: ended.attempt + 1, restartCount: ended.restartCount + 1, backoffStep: stepAfter(ended) + 1 };
}

export function restartDelayMs(ended: ObservedContainer): number {
  const step = stepAfter(ended);
  return step === 0 ? 0 : backoffDelayMs(step, crashLoop);
}

export function restartAtMs(ended: ObservedContainer): number {
  return (ended.finishedAtMs ?? ended.createdAtMs) + restartDelayMs(ended);
}
