import type { MessageText, PackageText } from './text';

const fieldSelectorAttributes: MessageText = ['The selector of a request; only one member may be set.', {
  rawSelector: 'The selector as text.',
  requirements: 'The selector in parts.',
}];

/** Documentation of authorization.k8s.io/v1. */
export const authorization: PackageText = {
  ExtraValue: ['Values of one further fact of a user.', {
    items: 'The values in the order given.',
  }],
  FieldSelectorAttributes: fieldSelectorAttributes,
  LabelSelectorAttributes: fieldSelectorAttributes,
  LocalSubjectAccessReview: ['Asks whether someone may do something in one namespace.'],
  NonResourceAttributes: ['A request for a path outside of the resources.', {
    path: 'Path that is requested, such as /healthz.',
    verb: 'HTTP method in lower case.',
  }],
  NonResourceRule: ['Paths that may be requested.', {
    verbs: 'HTTP methods in lower case; * means all.',
    nonResourceURLs: 'Paths, with * at the end; * means all.',
  }],
  ResourceAttributes: ['A request for a resource.', {
    namespace: 'Namespace of the objects; empty for none or all.',
    verb: 'What is to be done, such as get; * means everything.',
    group: 'Group of the resource; * means all.',
    version: 'Version of the resource; * means all.',
    resource: 'Plural name of the resource; * means all.',
    subresource: 'Subresource; empty means the resource itself.',
    name: 'Name of the object; empty means all.',
    fieldSelector: 'Narrows the request by members of the objects.',
    labelSelector: 'Narrows the request by labels of the objects.',
  }],
  ResourceRule: ['What may be done with resources.', {
    verbs: 'What may be done; * means everything.',
    apiGroups: 'Groups of the resources; * means all.',
    resources: 'Resources by plural name; * means all.',
    resourceNames: 'Objects that are meant; empty means each.',
  }],
  SelfSubjectAccessReview: ['Asks whether the caller may do something.'],
  SelfSubjectAccessReviewSpec: ['The request in question; exactly one member is set.', {
    resourceAttributes: 'A request for a resource.',
    nonResourceAttributes: 'A request for a path outside of the resources.',
  }],
  SelfSubjectRulesReview: ['Asks what the caller may do in a namespace.'],
  SelfSubjectRulesReviewSpec: ['The namespace in question.', {
    namespace: 'Name of the namespace; needed.',
  }],
  SubjectAccessReview: ['Asks whether someone may do something.'],
  SubjectAccessReviewSpec: ['Who is meant, and the request in question.', {
    resourceAttributes: 'A request for a resource; excludes nonResourceAttributes.',
    nonResourceAttributes: 'A request for a path outside of the resources.',
    user: 'Name of the user; this or groups is needed.',
    groups: 'Groups that the user belongs to.',
    extra: 'Further facts from the authenticator, by name.',
    uid: 'Identity of the user.',
  }],
  SubjectAccessReviewStatus: ['Whether it may be done.', {
    allowed: 'Whether it may be done.',
    reason: 'Why it may or may not be done.',
    evaluationError: 'What went wrong; the answer may still be right.',
    denied: 'Whether it is forbidden for sure, whatever others say.',
  }],
  SubjectRulesReviewStatus: ['What may be done.', {
    resourceRules: 'What may be done with resources, in no order.',
    nonResourceRules: 'Paths that may be requested, in no order.',
    incomplete: 'Whether more may be allowed than is listed.',
    evaluationError: 'What went wrong on the way.',
  }],
};
