import { reviewResources, timeFromMs, type ApiObject, type Resource } from '@navarch/api';
import { ApiError, isApiError, type Clock } from '@navarch/base';
import type { SelfSubjectReview, TokenReview, UserInfo } from '@navarch/proto/k8s/io/api/authentication/v1/authentication';
import type { SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview } from '@navarch/proto/k8s/io/api/authorization/v1/authorization';

import { attributesOf, notAllowed, type Authorizer } from '../auth/authorizer';
import type { Credentials } from '../auth/authenticator';
import { StoredObject } from '../cache/stored-object';
import { badRequest, methodNotAllowed, unknownResource } from '../errors';
import type { ApiRequest, ApiResponse, RequestTarget, User } from '../request';
import type { KnownToken, TokenAuthenticator } from '../tokens/token-authenticator';
import { readMessage } from '../write/message';
import { reviewRules, reviewSelf, reviewSubject } from './access';

export interface ReviewsOptions {
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  /** Tells whose a token is, for token reviews. */
  readonly authenticate: (credentials: Credentials) => Promise<User>;
  /** The same for service accounts' tokens, which are meant for audiences. */
  readonly tokens?: Pick<TokenAuthenticator, 'check'> | undefined;
  /** What this API answers to; tokens that name no audience are meant for these. */
  readonly audiences: readonly string[];
}

type Answer = (review: ApiObject, request: ApiRequest, resource: Resource) => ApiObject | Promise<ApiObject>;

/** The kinds that are questions to this server: who am I, may I, may they, whose token is this. Answered at once, never stored. */
export class Reviews {
  private readonly answers: Readonly<Record<string, Answer>>;

  constructor(private readonly options: ReviewsOptions) {
    const { authorizer } = options;
    this.answers = {
      SelfSubjectReview: (review: SelfSubjectReview, { user }) => ({ ...review, status: { userInfo: userInfo(user) } }) as ApiObject,
      TokenReview: (review) => this.reviewToken(review as TokenReview),
      SelfSubjectAccessReview: (review, { user }, resource) => reviewSelf(resource, review as SelfSubjectAccessReview, user, authorizer),
      SelfSubjectRulesReview: (review, { user }, resource) => reviewRules(resource, review as SelfSubjectRulesReview, user, authorizer),
      SubjectAccessReview: (review, _request, resource) => reviewSubject(resource, review as SubjectAccessReview, authorizer),
      LocalSubjectAccessReview: (review, { target }, resource) => reviewSubject(resource, review as SubjectAccessReview, authorizer, target.namespace ?? ''),
    };
  }

  find({ group, version, resource }: Pick<RequestTarget, 'group' | 'version' | 'resource'>): Resource | undefined {
    return reviewResources.find((one) => one.group === group && one.version === version && one.plural === resource);
  }

  async answer(resource: Resource, request: ApiRequest): Promise<ApiResponse> {
    const { verb, target } = request;
    if (target.subresource) throw unknownResource();
    if (verb !== 'create') throw methodNotAllowed();
    if (resource.namespaced && !target.namespace) throw badRequest('an empty namespace may not be set when a resource name is provided');
    if (!resource.namespaced && target.namespace) throw badRequest(`${resource.plural} have no namespace, but the request names "${target.namespace}"`);
    const attributes = attributesOf(request, {});
    if (this.options.authorizer.authorize(attributes) !== 'allow') throw notAllowed(attributes, resource);
    const review = readMessage<ApiObject>(request, resource.codec.message);
    const nowMs = this.options.clock.now();
    const answered = await this.answers[resource.kind]?.(review, request, resource);
    const metadata = { ...review.metadata, creationTimestamp: timeFromMs(Math.floor(nowMs / 1_000) * 1_000) };
    const bytes = resource.codec.encode({ ...answered, metadata });
    return { type: 'object', object: new StoredObject(resource, target.namespace ?? '', review.metadata?.name ?? '', '', 0, nowMs, bytes) };
  }

  /** The token is not in the answer: what is asked with may be somebody's secret. */
  private async reviewToken({ spec, metadata }: TokenReview): Promise<TokenReview> {
    const bearerToken = spec?.token ?? '';
    if (bearerToken === '') throw badRequest('token is required for TokenReview in authentication');
    const asked = { ...metadata && { metadata }, spec: {} };
    try {
      const { user, audiences } = await this.whose(bearerToken, spec?.audiences ?? []);
      return { ...asked, status: { authenticated: true, user: userInfo(user), ...(audiences.length > 0 && { audiences: [...audiences] }) } };
    } catch (error) {
      if (!isApiError(error)) throw error;
      return { ...asked, status: { error: 'invalid bearer token' } };
    }
  }

  private async whose(bearerToken: string, wanted: readonly string[]): Promise<KnownToken> {
    const { authenticate, tokens, audiences: own } = this.options;
    const found = await tokens?.check(bearerToken, wanted.length > 0 ? wanted : own);
    if (found) return found;
    const user = await authenticate({ bearerToken });
    const audiences = wanted.length > 0 ? wanted.filter((audience) => own.includes(audience)) : own;
    if (wanted.length > 0 && audiences.length === 0) throw new ApiError('Unauthorized', 'the token is meant for this API alone');
    return { user, audiences };
  }
}

function userInfo({ name, uid, groups, extra }: User): UserInfo {
  const entries = Object.entries(extra ?? {}).map(([key, items]) => [key, { items: [...items] }]);
  return { username: name, ...(uid && { uid }), groups: [...groups], ...(entries.length > 0 && { extra: Object.fromEntries(entries) }) };
}
