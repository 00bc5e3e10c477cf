import type { TokenRequest } from '@navarch/proto/k8s/io/api/authentication/v1/authentication';

import { codecFor } from '../codec/codec';
import { defineResource } from '../define-resource';
import type { ApiObject, Resource } from '../resource';
import { nameColumn } from './columns';

function review(group: string, packageName: string, kind: string, namespaced = false): Resource {
  return defineResource<ApiObject>({
    group, version: 'v1', kind, plural: `${kind.toLowerCase()}s`, namespaced, verbs: ['create'],
    codec: codecFor<ApiObject>(`${packageName}.${kind}`), validateCreate: () => [], validateUpdate: () => [], columns: [nameColumn],
  });
}

const authentication = (kind: string): Resource => review('authentication.k8s.io', 'k8s.io.api.authentication.v1', kind);
const authorization = (kind: string, namespaced = false): Resource => review('authorization.k8s.io', 'k8s.io.api.authorization.v1', kind, namespaced);

/** What the token subresource of service accounts takes and answers with: no registry serves it as a resource of its own. */
export const tokenRequests = defineResource<TokenRequest>({
  group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', plural: 'tokenrequests', namespaced: true, verbs: [],
  codec: codecFor<TokenRequest>('k8s.io.api.authentication.v1.TokenRequest'), validateCreate: () => [], validateUpdate: () => [], columns: [nameColumn],
});

/** Questions put as objects: they are created, answered at once and never stored, so that no registry has them. */
export const reviewResources: readonly Resource[] = [
  authentication('SelfSubjectReview'), authentication('TokenReview'),
  authorization('LocalSubjectAccessReview', true), authorization('SelfSubjectAccessReview'), authorization('SelfSubjectRulesReview'), authorization('SubjectAccessReview'),
];
