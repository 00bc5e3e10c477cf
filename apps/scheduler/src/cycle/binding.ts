import { context } from '@opentelemetry/api';

import { deadlineSignal, hasReason, toError, ApiError, type Clock, type Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';

import type { CycleState } from '../framework/cycle-state';
import type { Framework } from '../framework/framework';
import type { WaitingPods } from '../framework/waiting-pods';
import type { BindingTrace } from '../observe/trace';
import type { QueuedPod } from '../queue/queued-pod';
import { askForTruth, isUnknownOutcome, type PodTruth } from './pod-truth';

/** A pod on its way to the node that was chosen for it. */
export interface Decision {
  readonly pod: QueuedPod;
  readonly framework: Framework;
  readonly nodeName: string;
  readonly state: CycleState;
  /** Plugins that hold it back, with their patience in milliseconds. */
  readonly waits: ReadonlyMap<string, number>;
  readonly trace: BindingTrace;
}

export type BindOutcome =
  | { readonly outcome: 'bound' }
  /** It has a node, though not by this decision, or is gone. */
  | { readonly outcome: 'settled'; readonly truth: Exclude<PodTruth, { is: 'unbound' }>; readonly message: string }
  /** A plugin said no. */
  | { readonly outcome: 'rejected'; readonly plugin: string; readonly message: string }
  | { readonly outcome: 'failed'; readonly message: string };

export interface BinderDependencies {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly waiting: WaitingPods;
  readonly bindTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Takes a decision through Permit's wait, PreBind and Bind. Always says how it ended; rejects only when the signal aborts. */
export async function carryOut(decision: Decision, deps: BinderDependencies): Promise<BindOutcome> {
  const { pod, nodeName, state, framework, waits } = decision;
  try {
    if (waits.size > 0) {
      const refusal = await deps.waiting.wait(pod.info, nodeName, waits);
      if (refusal) return { outcome: 'rejected', plugin: refusal.plugin, message: refusal.reason };
    }
    for (const plugin of framework.preBind) {
      const rejection = await plugin.preBind(state, pod.info, nodeName, deps.signal);
      if (rejection) return { outcome: 'rejected', plugin: plugin.name, message: rejection.reasons.join(', ') };
    }
  } catch (thrown) {
    deps.signal.throwIfAborted();
    return { outcome: 'failed', message: toError(thrown).message };
  }
  return bind(decision, deps);
}

async function bind(decision: Decision, deps: BinderDependencies): Promise<BindOutcome> {
  const late = (): Error => new ApiError('Timeout', `binding took longer than ${deps.bindTimeoutMs} ms`);
  const deadline = deadlineSignal(deps.clock, deps.bindTimeoutMs, late, deps.signal);
  try {
    await context.with(decision.trace.context, () => runBinders(decision, deadline.signal));
    return { outcome: 'bound' };
  } catch (thrown) {
    deps.signal.throwIfAborted();
    return await judge(toError(thrown), decision, deps);
  } finally {
    deadline.dispose();
  }
}

async function runBinders({ framework, state, pod, nodeName }: Decision, signal: AbortSignal): Promise<void> {
  for (const plugin of framework.bind) if ((await plugin.bind(state, pod.info, nodeName, signal)) === 'bound') return;
  throw new Error('no bind plugin took the pod');
}

/** After an error: a refusal stands, but whether a doubtful bind (or one that met another) landed, only the API knows. */
async function judge(error: Error, { pod, nodeName, trace }: Decision, deps: BinderDependencies): Promise<BindOutcome> {
  const message = `binding rejected: ${error.message}`;
  if (!isUnknownOutcome(error) && !hasReason(error, 'Conflict', 'NotFound')) return { outcome: 'failed', message };
  const truth = await context.with(trace.context, () => askForTruth(deps.client, pod.info, deps.clock, deps.random, deps.signal));
  if (truth.is === 'unbound') return { outcome: 'failed', message };
  if (truth.is === 'bound' && truth.nodeName === nodeName) return { outcome: 'bound' };
  return { outcome: 'settled', truth, message };
}
