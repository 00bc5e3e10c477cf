import type { PackageText } from './text';

const mutatingWebhookFields = {
  name: 'Full name of the webhook, with at least three parts; unique in the list.',
  clientConfig: 'How it is called.',
  rules: 'Resources and operations that it is called for.',
  failurePolicy: 'Fail or Ignore, when the call fails; default Fail.',
  matchPolicy: 'Exact, or Equivalent to match other versions too; default Equivalent.',
  namespaceSelector: 'Namespaces by label; default all.',
  objectSelector: 'Objects by label, old or new; default all.',
  sideEffects: 'None or NoneOnDryRun; others are refused.',
  timeoutSeconds: 'Seconds that a call may take, 1 to 30; default 10.',
  admissionReviewVersions: 'Versions of AdmissionReview that it understands, best first.',
  matchConditions: 'Further conditions on requests; at most 64.',
};

/** Documentation of admissionregistration.k8s.io/v1. */
export const admissionregistration: PackageText = {
  ApplyConfiguration: ['A change made by apply.', {
    expression: 'CEL expression whose value is the apply configuration.',
  }],
  AuditAnnotation: ['A note for the audit log.', {
    key: 'Name of the note, unique in the policy.',
    valueExpression: 'CEL expression whose text is noted; null notes nothing.',
  }],
  ExpressionWarning: ['What is doubtful about an expression.', {
    fieldRef: 'Path of the expression in the policy.',
    warning: 'What type checking found.',
  }],
  JSONPatch: ['A change made by a JSON patch.', {
    expression: 'CEL expression whose value is the list of patch operations.',
  }],
  MatchCondition: ['A condition on requests, for finer choice.', {
    name: 'Name of the condition, unique in its list.',
    expression: 'CEL expression that must be true for the request to count.',
  }],
  MatchResources: ['Which requests are meant; everything set must match.', {
    namespaceSelector: 'Namespaces by label; default all.',
    objectSelector: 'Objects by label, old or new; default all.',
    resourceRules: 'Resources and operations that are meant.',
    excludeResourceRules: 'Resources and operations that are not meant after all.',
    matchPolicy: 'Exact, or Equivalent to match other versions too; default Equivalent.',
  }],
  MutatingAdmissionPolicy: ['Changes objects by CEL expressions as they are written.'],
  MutatingAdmissionPolicyBinding: ['Puts a mutating policy to use, with parameters.'],
  MutatingAdmissionPolicyBindingSpec: ['Which policy, for what and with which parameters.', {
    policyName: 'The policy; without it the binding does nothing.',
    paramRef: 'Parameters, if the policy takes any.',
    matchResources: 'Narrows the requests of the policy further.',
  }],
  MutatingAdmissionPolicySpec: ['What a policy changes, and where.', {
    paramKind: 'Kind of its parameters; absent, it takes none.',
    matchConstraints: 'Requests that it is for.',
    variables: 'Named expressions that the others can use.',
    mutations: 'The changes, in order.',
    failurePolicy: 'Fail or Ignore, when an expression cannot be evaluated; default Fail.',
    matchConditions: 'Further conditions on requests; at most 64.',
    reinvocationPolicy: 'Never, or IfNeeded to run again when others changed the object.',
  }],
  MutatingWebhook: ['A service outside that may change objects as they are written.', { ...mutatingWebhookFields,
    reinvocationPolicy: 'Never, or IfNeeded to call again when others changed the object; default Never.',
  }],
  MutatingWebhookConfiguration: ['Webhooks that may change objects.', {
    webhooks: 'The webhooks, called in order of their names.',
  }],
  Mutation: ['One change of a policy; the member named by patchType is set.', {
    patchType: 'ApplyConfiguration or JSONPatch.',
    applyConfiguration: 'The change, made by apply.',
    jsonPatch: 'The change, made by a JSON patch.',
  }],
  NamedRuleWithOperations: ['Resources, operations and names that are meant.', {
    resourceNames: 'Objects that are meant; empty means each.',
  }],
  ParamKind: ['Kind of the parameters of a policy.', {
    apiVersion: 'Group and version of the kind.',
    kind: "Name of the parameters' kind.",
  }],
  ParamRef: ['Which objects are the parameters of a policy.', {
    name: 'Name of the one object; excludes selector.',
    namespace: 'Namespace of the objects; default that of the request.',
    selector: 'Objects by label, each of which is used; excludes name.',
    parameterNotFoundAction: 'Allow or Deny, when there are none.',
  }],
  Rule: ['Resources that are meant; everything must match.', {
    apiGroups: 'Groups of the resources; * means all.',
    apiVersions: 'Versions of the resources; * means all.',
    resources: 'Resources by plural name, pods/* for all subresources; * means all but subresources.',
    scope: 'Cluster, Namespaced or *; default *.',
  }],
  RuleWithOperations: ['Resources and operations that are meant.', {
    operations: 'CREATE, UPDATE, DELETE, CONNECT or * for all.',
  }],
  ServiceReference: ['The service that a webhook is called by.', {
    namespace: 'Namespace of the service.',
    name: 'Name of the service.',
    path: 'Path to call.',
    port: 'Port of the service, 1 to 65535; default 443.',
  }],
  TypeChecking: ['What type checking of the expressions found.', {
    expressionWarnings: 'One entry for each doubtful expression.',
  }],
  ValidatingAdmissionPolicy: ['Refuses objects by CEL expressions as they are written.'],
  ValidatingAdmissionPolicyBinding: ['Puts a validating policy to use, with parameters.'],
  ValidatingAdmissionPolicyBindingSpec: ['Which policy, for what and with which parameters.', {
    policyName: 'The policy; without it the binding does nothing.',
    paramRef: 'Parameters, if the policy takes any.',
    matchResources: 'Narrows the requests of the policy further.',
    validationActions: 'Deny, Warn and Audit: what a failed validation leads to.',
  }],
  ValidatingAdmissionPolicySpec: ['What a policy demands, and where.', {
    paramKind: 'Kind of its parameters; absent, it takes none.',
    matchConstraints: 'Requests that it is for.',
    validations: 'Expressions that must all be true.',
    failurePolicy: 'Fail or Ignore, when an expression cannot be evaluated; default Fail.',
    auditAnnotations: 'Notes for the audit log.',
    matchConditions: 'Further conditions on requests; at most 64.',
    variables: 'Named expressions that the others can use.',
  }],
  ValidatingAdmissionPolicyStatus: ['What is known of a policy.', {
    typeChecking: 'What type checking of its expressions found.',
  }],
  ValidatingWebhook: ['A service outside that may refuse objects as they are written.', mutatingWebhookFields],
  ValidatingWebhookConfiguration: ['Webhooks that may refuse objects.', {
    webhooks: 'The webhooks, called side by side.',
  }],
  Validation: ['One demand of a policy.', {
    expression: 'CEL expression over object, oldObject, request and params that must be true.',
    message: 'What the user is told when it is false.',
    reason: 'Reason of the answer: Unauthorized, Forbidden, Invalid or RequestEntityTooLarge; default Invalid.',
    messageExpression: 'CEL expression for the message; goes before message.',
  }],
  Variable: ['A named expression of a policy.', {
    name: 'Name by which others use it, as variables.name.',
    expression: 'CEL expression of its value, evaluated at first use.',
  }],
  WebhookClientConfig: ['How a webhook is called; either service or url is set.', {
    service: 'Service of the cluster to call.',
    caBundle: "Certificates in PEM that its own is checked with; default the system's.",
    url: 'Address to call, with https.',
  }],
};
