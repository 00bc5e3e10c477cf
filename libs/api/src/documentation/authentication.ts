import type { PackageText } from './text';

/** Documentation of authentication.k8s.io/v1. */
export const authentication: PackageText = {
  BoundObjectReference: ['Object whose end makes a token invalid.', {
    kind: 'Pod, Secret or Node.',
    apiVersion: 'Group and version of the object.',
    name: 'Name of the object.',
    uid: 'Identity of the object.',
  }],
  ExtraValue: ['Values of one further fact of a user.', {
    items: 'The values in the order given.',
  }],
  SelfSubjectReview: ['Tells the caller who the server takes it for.'],
  SelfSubjectReviewStatus: ['Who the caller is.', {
    userInfo: 'Names and groups of the caller.',
  }],
  TokenRequest: ['Asks for a token of a service account.'],
  TokenRequestSpec: ['Which token is wanted.', {
    audiences: 'Who the token is meant for; empty means the API server.',
    boundObjectRef: 'Object whose end makes the token invalid.',
    expirationSeconds: 'Wanted life in seconds, at least 600; default 3600.',
  }],
  TokenRequestStatus: ['The token.', {
    token: 'Text of the token, to be sent as bearer; a secret.',
    expirationTimestamp: 'When it ends.',
  }],
  TokenReview: ['Asks whether a token is valid, and whose it is.'],
  TokenReviewSpec: ['The token in question.', {
    token: 'Text of the token; a secret.',
    audiences: 'Who it should be meant for; empty means the API server.',
  }],
  TokenReviewStatus: ['What was found of a token.', {
    authenticated: 'Whether it is valid.',
    user: 'Whose it is.',
    error: 'Why it could not be checked.',
    audiences: 'Which of the audiences it is meant for.',
  }],
  UserInfo: ['Who someone is.', {
    username: 'Name, unique among the active users.',
    uid: 'Identity, unique for all time.',
    groups: 'Groups that the user belongs to.',
    extra: 'Further facts from the authenticator, by name.',
  }],
};
