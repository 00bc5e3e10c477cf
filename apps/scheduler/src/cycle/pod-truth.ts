import { pods } from '@navarch/api';
import { backoffDelayMs, hasReason, sleep, type Clock, type Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { PodInfo } from '../snapshot/pod-info';

/** What the API says of a pod whose bind has an unknown or refused outcome. */
export type PodTruth =
  | { readonly is: 'gone' }
  | { readonly is: 'unbound' }
  | { readonly is: 'bound'; readonly nodeName: string; readonly pod: Pod };

const retry = { initialMs: 200, maxMs: 10_000, jitter: 0.5 };

/** Errors after which the write may or may not have happened. */
export function isUnknownOutcome(error: unknown): boolean {
  return !hasReason(error, 'BadRequest', 'Unauthorized', 'Forbidden', 'NotFound', 'MethodNotAllowed', 'NotAcceptable', 'AlreadyExists', 'Conflict',
    'Gone', 'Expired', 'Invalid', 'UnsupportedMediaType', 'RequestEntityTooLarge', 'TooManyRequests');
}

/** Reads the pod until the API answers; a consistent read, so a bind acknowledged before it is seen. Rejects when the signal aborts. */
export async function askForTruth(client: ApiClient, info: PodInfo, clock: Clock, random: Random, signal: AbortSignal): Promise<PodTruth> {
  for (let tries = 1; ; tries++) {
    try {
      const pod = await client.resource(pods).get(info.namespace, info.name, { signal });
      if (pod.metadata?.uid !== info.uid) return { is: 'gone' };
      const nodeName = pod.spec?.nodeName;
      return nodeName ? { is: 'bound', nodeName, pod } : { is: 'unbound' };
    } catch (thrown) {
      if (hasReason(thrown, 'NotFound')) return { is: 'gone' };
      signal.throwIfAborted();
      await sleep(clock, backoffDelayMs(tries, retry, random), signal);
    }
  }
}
