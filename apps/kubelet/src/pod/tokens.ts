import { timeToMs } from '@navarch/api';
import { toError, type Clock, type Logger, type Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { Pod, ServiceAccountTokenProjection } from '@navarch/proto/k8s/io/api/core/v1/core';

import { identityOf } from './identity';

/** Tokens of pods' service accounts, kept until they are due to be replaced. */
export interface TokenSource {
  /** As young as its file must be; throws where there is none and none can be had. */
  token(pod: Pod, projection: ServiceAccountTokenProjection): Promise<string>;
  /** Lets go of a pod's. */
  forget(uid: string): void;
}

interface Held {
  readonly token: string;
  readonly refreshAtMs: number;
  readonly expiresAtMs: number;
}

/** Kubernetes' token manager: replaced after 80 % of its life, or a day, some seconds earlier so that not all come at once. */
const lifePart = 0.8;
const maxAgeMs = 86_400_000;
const maxJitterMs = 10_000;
const defaultSeconds = 3_600;

export function createTokenSource({ client, clock, random, logger }: { readonly client: ApiClient; readonly clock: Clock; readonly random: Random; readonly logger: Logger }): TokenSource {
  const held = new Map<string, Map<string, Held>>();

  const request = async (pod: Pod, { audience, expirationSeconds = defaultSeconds }: ServiceAccountTokenProjection): Promise<Held> => {
    const { namespace, name, uid } = identityOf(pod);
    const beganMs = clock.now();
    const { status } = await client.createToken(namespace, pod.spec?.serviceAccountName ?? 'default', {
      ...(audience && { audiences: [audience] }), expirationSeconds, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name, uID: uid },
    });
    if (!status?.token || !status.expirationTimestamp) throw new Error('the apiserver answered without a token');
    const expiresAtMs = timeToMs(status.expirationTimestamp);
    const ageMs = Math.min((expiresAtMs - beganMs) * lifePart, maxAgeMs);
    return { token: status.token, expiresAtMs, refreshAtMs: beganMs + ageMs - random.next() * Math.min(maxJitterMs, ageMs / 10) };
  };

  return {
    async token(pod, projection) {
      const { uid } = identityOf(pod);
      const key = `${projection.audience ?? ''}\n${projection.expirationSeconds ?? defaultSeconds}`;
      const found = held.get(uid)?.get(key);
      if (found && clock.now() < found.refreshAtMs) return found.token;
      try {
        const fresh = await request(pod, projection);
        const ofPod = held.get(uid) ?? new Map<string, Held>();
        held.set(uid, ofPod.set(key, fresh));
        return fresh.token;
      } catch (error) {
        // What still counts is better than none: it is asked for again at the next look.
        if (!found || clock.now() >= found.expiresAtMs) throw new Error(`failed to fetch token: ${toError(error).message}`, { cause: error });
        logger.warn('a service account token could not be replaced yet', { pod: `${identityOf(pod).namespace}/${identityOf(pod).name}`, error: toError(error).message });
        return found.token;
      }
    },
    forget: (uid) => void held.delete(uid),
  };
}
