import type { PackageText } from './text';

/** Documentation of flowcontrol.apiserver.k8s.io/v1. */
export const flowcontrol: PackageText = {
  ExemptPriorityLevelConfiguration: ['Settings of a level whose requests never wait.', {
    nominalConcurrencyShares: "Share of the server's seats set aside, in proportion to all levels; default 0.",
    lendablePercent: 'Share of its seats that others may borrow, 0 to 100; default 0.',
  }],
  FlowDistinguisherMethod: ['What tells the flows of a schema apart.', {
    type: 'ByUser or ByNamespace.',
  }],
  FlowSchema: ['Assigns requests to a priority level.'],
  FlowSchemaCondition: ['One aspect of the schema that holds or does not.', {
    type: 'The aspect; only Dangling is known.',
  }],
  FlowSchemaSpec: ['Which requests go to which level.', {
    priorityLevelConfiguration: 'The level that they go to.',
    matchingPrecedence: 'Order among schemas, 1 to 10000; lower is tried first; default 1000.',
    distinguisherMethod: 'What tells its flows apart; absent, all requests are one flow.',
    rules: 'Requests that it is for; one rule that matches is enough.',
  }],
  FlowSchemaStatus: ['Whether the schema is sound.'],
  GroupSubject: ['A group of users.', {
    name: 'Name of the group; * means all.',
  }],
  LimitResponse: ['What becomes of requests when all seats are taken.', {
    type: 'Queue or Reject.',
    queuing: 'Settings of the queues; only with Queue.',
  }],
  LimitedPriorityLevelConfiguration: ['Settings of a level whose requests are limited.', {
    nominalConcurrencyShares: "Share of the server's seats, in proportion to all levels; default 30.",
    limitResponse: 'What becomes of requests when all seats are taken.',
    lendablePercent: 'Share of its seats that others may borrow, 0 to 100; default 0.',
    borrowingLimitPercent: 'Seats it may borrow, in percent of its own; absent means no limit.',
  }],
  NonResourcePolicyRule: ['Requests for paths outside of the resources.', {
    verbs: 'HTTP methods in lower case; * means all.',
    nonResourceURLs: 'Paths, with * at the end; * means all.',
  }],
  PolicyRulesWithSubjects: ['Requests by who makes them and for what.', {
    subjects: 'Who makes them; one that matches is enough.',
    resourceRules: 'Requests for resources.',
    nonResourceRules: 'Requests for paths outside of the resources.',
  }],
  PriorityLevelConfiguration: ['How many requests of one level the server handles at once.'],
  PriorityLevelConfigurationCondition: ['One aspect of the level that holds or does not.', {
    type: 'The aspect, in CamelCase.',
  }],
  PriorityLevelConfigurationReference: ['Names a priority level.', {
    name: 'Name of the level.',
  }],
  PriorityLevelConfigurationSpec: ['How a level is limited; the member that belongs to type is set.', {
    type: 'Limited or Exempt.',
    limited: 'Settings of a level whose requests are limited.',
    exempt: 'Settings of a level whose requests never wait.',
  }],
  PriorityLevelConfigurationStatus: ['What is known of the level.'],
  QueuingConfiguration: ['How requests wait in queues.', {
    queues: 'Number of queues; default 64.',
    handSize: 'Queues that one flow may use; not above queues; default 8.',
    queueLengthLimit: 'Requests that one queue holds; default 50.',
  }],
  ResourcePolicyRule: ['Requests for resources; everything must match.', {
    verbs: 'What is to be done; * means everything.',
    apiGroups: 'Groups of the resources; * means all.',
    resources: 'Resources by plural name; * means all.',
    clusterScope: 'Whether requests without a namespace match; default false.',
    namespaces: 'Namespaces that match; * means all.',
  }],
  ServiceAccountSubject: ['A service account.', {
    namespace: 'Namespace of the service account.',
    name: 'Name of the service account; * means all of the namespace.',
  }],
  Subject: ['Who makes requests; the member named by kind is set.', {
    kind: 'User, Group or ServiceAccount.',
    user: 'A user by name, or all.',
    group: 'All users of one group.',
    serviceAccount: 'A service account, or all of a namespace.',
  }],
  UserSubject: ['A user by name.', {
    name: 'Name of the user; * means all.',
  }],
};
