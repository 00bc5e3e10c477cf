import { fieldErrorsToApiError, timeFromMs, tokenRequests, type FieldError, type Resource } from '@navarch/api';
import { ApiError, randomUuid, type Random } from '@navarch/base';
import type { TokenRequest, TokenRequestSpec } from '@navarch/proto/k8s/io/api/authentication/v1/authentication';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { nodeOf } from '../auth/node-authorizer';
import { StoredObject } from '../cache/stored-object';
import { badRequest, forbidden, notFound } from '../errors';
import type { Subresource, SubresourceContext } from '../kind-extension';
import type { ApiRequest, User } from '../request';
import { readMessage } from '../write/message';
import { claimsOf } from './claims';
import { apiAudiences, type TokenOptions, type TokenSubject } from './token-options';

const defaultLifeSeconds = 3_600;
const minLifeSeconds = 600;
const maxLifeSeconds = 2 ** 32;

/** serviceaccounts/token: makes a token for an account, bound to it and, where told, to a pod, Secret or node. Nothing is stored. */
export function tokenSubresource(options: TokenOptions | undefined, random: Random): Subresource {
  return {
    verbs: ['create'],
    async handle(request, context) {
      if (!options) throw new ApiError('MethodNotAllowed', 'this server has no key to sign tokens with (--service-account-signing-key-file)');
      const asked = readMessage<TokenRequest>(request, 'k8s.io.api.authentication.v1.TokenRequest');
      const account = await context.find();
      const spec = completeSpec(asked.spec, options, request);
      const subject = subjectFor(spec, { name: context.name, uid: account.uid }, context);
      checkNode(request.user, spec, subject, context, apiAudiences(options));
      const nowSeconds = Math.floor(context.nowMs / 1_000);
      const lifeSeconds = spec.expirationSeconds;
      const token = options.keys.sign(claimsOf(subject, { issuer: options.issuer, audiences: spec.audiences, id: randomUuid(random), nowSeconds, lifeSeconds }));
      const answer: TokenRequest = {
        metadata: { name: context.name, namespace: context.namespace, creationTimestamp: timeFromMs(nowSeconds * 1_000) },
        spec, status: { token, expirationTimestamp: timeFromMs((nowSeconds + lifeSeconds) * 1_000) },
      };
      const bytes = tokenRequests.codec.encode(answer);
      return { type: 'object', created: true, object: new StoredObject(tokenRequests as unknown as Resource, context.namespace, context.name, '', 0, context.nowMs, bytes) };
    },
  };
}

type CompleteSpec = TokenRequestSpec & { audiences: string[]; expirationSeconds: number };

function completeSpec({ audiences = [], expirationSeconds = defaultLifeSeconds, ...spec }: TokenRequestSpec = {}, options: TokenOptions, { warn }: ApiRequest): CompleteSpec {
  const field = 'spec.expirationSeconds';
  const invalid = (message: string): FieldError => ({ type: 'Invalid', field, message: `Invalid value: ${expirationSeconds}: ${message}` });
  const errors = [
    ...(expirationSeconds < minLifeSeconds ? [invalid('may not specify a duration less than 10 minutes')] : []),
    ...(expirationSeconds > maxLifeSeconds ? [invalid('may not specify a duration larger than 2^32 seconds')] : []),
  ];
  if (errors.length > 0) throw fieldErrorsToApiError(tokenRequests, '', errors);
  const life = Math.min(expirationSeconds, options.maxLifeSeconds ?? maxLifeSeconds);
  if (life < expirationSeconds) warn?.(`requested expiration of ${expirationSeconds} seconds shortened to ${life} seconds`);
  return { ...spec, audiences: audiences.length > 0 ? audiences : [...apiAudiences(options)], expirationSeconds: life };
}

/** What the token will say of itself. The caches are current, because the account was just looked for. */
function subjectFor({ boundObjectRef: reference }: TokenRequestSpec, account: { readonly name: string; readonly uid: string }, context: SubresourceContext): TokenSubject {
  const subject: TokenSubject = { namespace: context.namespace, account };
  if (!reference) return subject;
  const { kind = '', apiVersion = 'v1', name = '', uID: uid } = reference;
  const bound = (plural: string, namespace = context.namespace): StoredObject => {
    const found = context.cache('', plural).get(namespace, name);
    if (!found) throw notFound({ group: '', plural }, name);
    if (uid !== undefined && uid !== found.uid) {
      throw new ApiError('Conflict', `Operation cannot be fulfilled on ${kind} "${name}": the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`, { kind, name });
    }
    return found;
  };
  switch (apiVersion === 'v1' ? kind : '') {
    case 'Pod': {
      const pod = bound('pods');
      const { serviceAccountName, nodeName } = (pod.object as Pod).spec ?? {};
      if (serviceAccountName !== account.name) throw badRequest(`cannot bind token for serviceaccount "${account.name}" to pod running with different serviceaccount name.`);
      const nodeUid = nodeName === undefined ? undefined : context.cache('', 'nodes').get('', nodeName)?.uid;
      return { ...subject, pod: { name, uid: pod.uid }, ...(nodeName !== undefined && { node: { name: nodeName, ...(nodeUid !== undefined && { uid: nodeUid }) } }) };
    }
    case 'Secret': return { ...subject, secret: { name, uid: bound('secrets').uid } };
    case 'Node': return { ...subject, node: { name, uid: bound('nodes', '').uid } };
    default: throw badRequest(`cannot bind token to object of type ${apiVersion}, Kind=${kind}`);
  }
}

/** A kubelet gets tokens for its own pods only (Kubernetes' NodeRestriction). */
function checkNode(user: User, { boundObjectRef: reference, audiences }: CompleteSpec, { pod, node }: TokenSubject, context: SubresourceContext, own: readonly string[]): void {
  const { resource, name } = context;
  const ownNode = nodeOf(user);
  if (ownNode === undefined) return;
  if (!pod) throw forbidden(resource, name, 'node requested token not bound to a pod');
  if (reference?.uID === undefined) throw forbidden(resource, name, 'node requested token with a pod binding without a uid');
  if (node?.name !== ownNode) throw forbidden(resource, name, 'node requested token bound to a pod scheduled on a different node');
  const wanted = audiencesInPod(context.cache('', 'pods').get(context.namespace, pod.name)?.object as Pod | undefined);
  const foreign = audiences.find((audience) => !own.includes(audience) && !wanted.has(audience));
  if (foreign !== undefined) throw forbidden(resource, name, `audience ${JSON.stringify(foreign)} not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`);
}

/** For whom the pod itself wants tokens (KEP-4412). */
function audiencesInPod(pod: Pod | undefined): ReadonlySet<string> {
  const sources = (pod?.spec?.volumes ?? []).flatMap(({ volumeSource }) => volumeSource?.projected?.sources ?? []);
  return new Set(sources.flatMap(({ serviceAccountToken }) => serviceAccountToken?.audience ?? []));
}
