import { timeToMs, type ApiObject } from '@navarch/api';
import { ApiError, type Clock } from '@navarch/base';
import type { Secret } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { Authenticator } from '../auth/authenticator';
import type { FindCurrent } from '../read/current-object';
import type { User } from '../request';
import { accountUser, audiencesOf, secretTokenIssuer, subjectOf } from './claims';
import { apiAudiences, type BoundObject, type TokenClaims, type TokenOptions, type TokenSubject } from './token-options';

/** Clocks differ, and what is being deleted may still need its identity to say good-bye (Kubernetes' leeway: 1 min). */
const leewayMs = 60_000;
/** Signatures that were found good. That never changes, so only their number is bounded. */
const maxRemembered = 4_096;

const extraPrefix = 'authentication.kubernetes.io';
const secretTokenType = 'kubernetes.io/service-account-token';

export interface KnownToken {
  readonly user: User;
  /** Those of the asked-for audiences that it is meant for. */
  readonly audiences: readonly string[];
}

export interface TokenAuthenticatorOptions {
  readonly tokens: TokenOptions;
  readonly clock: Clock;
  readonly find: FindCurrent;
}

/**
 * Whose a service account's token is: signed by us, in time, for the audience asked, and the account, and the pod, Secret or node it is
 * bound to, still the very ones it was made for.
 */
export class TokenAuthenticator implements Authenticator {
  private readonly remembered = new Map<string, TokenClaims>();

  constructor(private readonly options: TokenAuthenticatorOptions) {}

  async authenticate({ bearerToken }: Parameters<Authenticator['authenticate']>[0]): Promise<User | undefined> {
    return bearerToken === undefined ? undefined : (await this.check(bearerToken))?.user;
  }

  /** undefined: no token of ours. Throws Unauthorized where it is ours and does not count (any more). */
  async check(token: string, audiences = apiAudiences(this.options.tokens)): Promise<KnownToken | undefined> {
    const claims = this.claims(token);
    if (!claims) return undefined;
    const subject = subjectOf(claims);
    if (!subject) throw invalid('it does not say whose it is');
    const nowMs = this.options.clock.now();
    // Tokens of Secrets are meant for this API alone, and have no end but their Secret's.
    const isSecretToken = claims['iss'] === secretTokenIssuer;
    const meantFor = isSecretToken ? apiAudiences(this.options.tokens) : audiencesOf(claims);
    const matching = audiences.filter((audience) => meantFor.includes(audience));
    if (matching.length === 0) throw invalid('it is meant for another audience');
    if (!isSecretToken) checkTimes(claims, nowMs);
    const node = await this.alive(subject, nowMs, isSecretToken ? token : undefined);
    return { user: userOf(subject, claims, node), audiences: matching };
  }

  private claims(token: string): TokenClaims | undefined {
    const known = this.remembered.get(token);
    if (known) return known;
    const { keys, issuer, formerIssuers = [] } = this.options.tokens;
    const claims = keys.verify(token);
    if (!claims || ![issuer, ...formerIssuers, secretTokenIssuer].includes(String(claims['iss']))) return undefined;
    const [oldest] = this.remembered.keys();
    if (this.remembered.size >= maxRemembered && oldest !== undefined) this.remembered.delete(oldest);
    this.remembered.set(token, claims);
    return claims;
  }

  /** Throws where something that the token is bound to is gone. Answers with the node it may speak of. */
  private async alive({ namespace, account, secret, pod, node }: TokenSubject, nowMs: number, secretToken: string | undefined): Promise<BoundObject | undefined> {
    await this.mustLive('serviceaccounts', namespace, account, nowMs);
    if (secret) {
      const found = await this.mustLive('secrets', namespace, secret, nowMs);
      if (secretToken !== undefined && !holds(found as Secret, secretToken)) throw invalid('its Secret holds another one');
    }
    if (pod) await this.mustLive('pods', namespace, pod, nowMs);
    // A pod's token only mentions the node; one that is bound to the node itself dies with it.
    if (node && !pod) await this.mustLive('nodes', '', node, nowMs);
    return node;
  }

  private async mustLive(plural: string, namespace: string, { name, uid }: BoundObject, nowMs: number): Promise<ApiObject> {
    const found = await this.options.find({ plural, namespace, name }, undefined, (stored) => uid === undefined || stored.uid === uid);
    const deletion = found?.object.metadata?.deletionTimestamp;
    if (!found || (deletion && timeToMs(deletion) < nowMs - leewayMs)) throw invalid(`one of the ${plural} it was made for is gone`);
    return found.object;
  }
}

function checkTimes(claims: TokenClaims, nowMs: number): void {
  const [expires, begins] = [Number(claims['exp']), Number(claims['nbf'] ?? 0)];
  if (!(expires * 1_000 > nowMs - leewayMs)) throw invalid('it has expired');
  if (!(begins * 1_000 <= nowMs + leewayMs)) throw invalid('it is not valid yet');
}

function holds({ type, data }: Secret, token: string): boolean {
  const held = data?.['token'];
  return type === secretTokenType && held !== undefined && Buffer.from(held).toString() === token;
}

function userOf({ namespace, account, pod }: TokenSubject, claims: TokenClaims, node: BoundObject | undefined): User {
  const id = claims['jti'];
  const extra: Record<string, readonly string[]> = {
    ...(typeof id === 'string' && { [`${extraPrefix}/credential-id`]: [`JTI=${id}`] }),
    ...(node && { [`${extraPrefix}/node-name`]: [node.name], ...(node.uid !== undefined && { [`${extraPrefix}/node-uid`]: [node.uid] }) }),
    ...(pod && { [`${extraPrefix}/pod-name`]: [pod.name], ...(pod.uid !== undefined && { [`${extraPrefix}/pod-uid`]: [pod.uid] }) }),
  };
  return {
    name: accountUser(namespace, account.name), ...(account.uid !== undefined && { uid: account.uid }),
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

/** Callers only ever hear "Unauthorized"; the cause is for those who read logs. */
const invalid = (why: string): ApiError => new ApiError('Unauthorized', 'Unauthorized', {}, { cause: new Error(`the service account token does not count: ${why}`) });
