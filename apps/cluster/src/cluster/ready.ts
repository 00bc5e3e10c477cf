import { hasReason, sleep, systemClock, toError } from '@navarch/base';
import type { JsonObject, JsonValue } from '@navarch/api';

import { openSession, type Session } from '../api/session';
import type { Places } from './places';
import type { ClusterState } from './state';

const pollMs = 50;


export interface WaitForNodesOptions {
  readonly places: Places;
  readonly state: ClusterState;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  update(detail: string): void;
  /** Throws where waiting is in vain. */
  check(): void;
}

/** Resolves when every node of the cluster is Ready; throws an Error that says what is missing. */
export async function waitForNodes({ places, state, timeoutMs, signal, update, check }: WaitForNodesOptions): Promise<void> {
  const deadline = systemClock.monotonic() + timeoutMs;
  const session = openSession(places);
  try {
    for (let missing: string; (missing = await describeMissing(session, state)) !== '';) {
      update(missing);
      check();
      if (systemClock.monotonic() > deadline) throw new Error(`after ${timeoutMs / 1000} s ${missing}`);
      await sleep(systemClock, pollMs, signal);
    }
  } finally {
    session.close();
  }
}

async function describeMissing(session: Session, state: ClusterState): Promise<string> {
  try {
    const { items } = await session.list(await session.kind('nodes'), {});
    const waiting = state.nodes.filter(({ name }) => {
      const node = items.find((item) => (item.metadata as JsonObject).name === name);
      return !node || notReadyReason(node) !== undefined;
    });
    return waiting.map(({ name }) => {
      const node = items.find((item) => (item.metadata as JsonObject).name === name);
      return `${name} ${node ? `is not Ready: ${notReadyReason(node)}` : 'has not registered'}`;
    }).join(', ');
  } catch (error) {
    if (!hasReason(error, 'Unavailable', 'TooManyRequests', 'ServerTimeout', 'Timeout')) throw error;
    return `the API server does not answer: ${toError(error).message}`;
  }
}

/** Undefined where the node is Ready. */
export function notReadyReason(node: JsonObject): string | undefined {
  const status = (node.status ?? {}) as { conditions?: { type: string; status: string; message?: JsonValue }[] };
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? undefined : String(ready?.message ?? 'no Ready condition yet');
}
