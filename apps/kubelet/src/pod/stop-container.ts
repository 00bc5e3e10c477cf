import { sleep, toError } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { Action } from './decide';
import { runHook } from './handlers';
import type { ObservedPod } from './observed';
import type { PodContext } from './pod-context';

export interface StopWork {
  readonly context: PodContext;
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly action: Extract<Action, { type: 'stopContainer' }>;
  /** False where it is stopped again, with a shorter grace. */
  readonly isFirst: boolean;
  readonly signal: AbortSignal;
}

/** Kubernetes' least grace after a preStop hook, seconds. */
const minimumGraceSeconds = 2;

/** preStop, SIGTERM, SIGKILL, all within the grace; resolves when the container has ended. */
export async function stopContainer({ context, pod, observed, action, isFirst, signal }: StopWork): Promise<void> {
  const { target, graceSeconds, message } = action;
  const init = pod.spec?.initContainers?.find((entry) => entry.name === target.name);
  const container = init ?? pod.spec?.containers?.find((entry) => entry.name === target.name);
  const about = { name: target.name, isInit: init !== undefined };
  if (isFirst) context.report(pod, 'Normal', 'Killing', message, about);
  const hook = container?.lifecycle?.preStop;
  let left = graceSeconds;
  if (hook && isFirst && target.state === 'running' && graceSeconds > 0) {
    const began = context.clock.monotonic();
    const podIp = pod.spec?.hostNetwork ? context.hostIps[0] : observed.sandboxes[0]?.addresses[0];
    await runPreStop({ context, pod, observed, action, isFirst, signal }, () => runHook(context, { pod, container, containerId: target.id, podIp }, hook, graceSeconds * 1000, signal), about);
    left = Math.max(minimumGraceSeconds, graceSeconds - (context.clock.monotonic() - began) / 1000);
  }
  await context.runtime.stopContainer(target.id, Math.ceil(left), { signal });
}

async function runPreStop({ context, pod, action, signal }: StopWork, hook: () => Promise<void>, about: { name: string; isInit: boolean }): Promise<void> {
  const late = new AbortController();
  const timeout = sleep(context.clock, action.graceSeconds * 1000, late.signal).then(() => {
    throw new Error(`preStop hook did not finish within ${action.graceSeconds}s`);
  });
  timeout.catch(() => undefined);
  try {
    await Promise.race([hook(), timeout]);
  } catch (error) {
    if (signal.aborted) throw error;
    context.report(pod, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${toError(error).message}`, about);
  } finally {
    late.abort();
  }
}
