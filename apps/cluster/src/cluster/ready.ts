import { hasReason, sleep, systemClock, toError } from '@navarch/base';
import type { JsonObject } from '@navarch/api';

import { openSession, type Session } from '../api/session';
import { countReadyHollow } from './hollow';
import type { Places } from './places';
import { notReadyReason } from './ready-reason';
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
    const [hollow = 0, ready] = [state.hollow, countReadyHollow(state, items)];
    if (waiting.length === 0) return ready < hollow ? `${ready} of ${hollow} hollow nodes are Ready` : '';
    return waiting.map(({ name }) => {
      const node = items.find((item) => (item.metadata as JsonObject).name === name);
      return `${name} ${node ? `is not Ready: ${notReadyReason(node)}` : 'has not registered'}`;
    }).join(', ');
  } catch (error) {
    if (!hasReason(error, 'Unavailable', 'TooManyRequests', 'ServerTimeout', 'Timeout')) throw error;
    return `the API server does not answer: ${toError(error).message}`;
  }
}
