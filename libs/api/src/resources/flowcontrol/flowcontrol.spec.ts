import type { FlowSchemaSpec, PriorityLevelConfigurationSpec } from '@navarch/proto/k8s/io/api/flowcontrol/v1/flowcontrol';

import { judge } from '../../testing/judge';
import { flowSchemas } from './flowschemas';
import { priorityLevelConfigurations } from './prioritylevelconfigurations';

const metadata = { name: 'x' };

describe('flow schemas', () => {
  const { create, defaulted, status, cells } = judge(flowSchemas);
  const priorityLevelConfiguration = { name: 'low' };
  const subjects = [{ kind: 'User', user: { name: '*' } }];
  const resourceRule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] };

  it('stand at 1000 unless they say otherwise', () => {
    expect(defaulted({ metadata }).spec?.matchingPrecedence).toBe(1000);
  });

  it.each<[string, FlowSchemaSpec, string[]]>([
    ['no level', {}, ['spec.priorityLevelConfiguration.name: Required value: must reference a priority level']],
    ['the first place', { priorityLevelConfiguration, matchingPrecedence: 1 }, ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"]],
    ['a place beyond the last', { priorityLevelConfiguration, matchingPrecedence: 10001 }, ['spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000']],
    ['rules for nobody and nothing', { priorityLevelConfiguration, rules: [{}] }, [
      'spec.rules[0].subjects: Required value: subjects must contain at least one value', 'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty',
    ]],
    ['subjects that are not what they say', { priorityLevelConfiguration, rules: [{ subjects: [{ kind: 'User', group: { name: 'a' } }, { kind: 'ServiceAccount', serviceAccount: { name: '*' } }, { kind: 'Robot' }], resourceRules: [resourceRule] }] }, [
      "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'", "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
      'spec.rules[0].subjects[1].serviceAccount.namespace: Required value: must specify namespace for service account',
      'spec.rules[0].subjects[2].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"',
    ]],
    ['resource rules with unknown verbs and no place', { priorityLevelConfiguration, rules: [{ subjects, resourceRules: [{ ...resourceRule, verbs: ['look'], apiGroups: ['*', 'a'], namespaces: [] }] }] }, [
      expect.stringContaining('spec.rules[0].resourceRules[0].verbs: Unsupported value: ["look"]: supported values: "create", "delete"') as string,
      "spec.rules[0].resourceRules[0].apiGroups: Invalid value: [\"*\",\"a\"]: if '*' is present, must not specify other api groups",
      'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
    ]],
    ['paths with wildcards inside', { priorityLevelConfiguration, rules: [{ subjects, nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/a*', 'b', '/c//d', '/e/*'] }] }] }, [
      'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching', 'spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: "b": must start with slash',
      'spec.rules[0].nonResourceRules[0].nonResourceURLs[2]: Invalid value: "/c//d": must not contain double slash',
    ]],
  ])('refuse %s', (_, spec, complaints) => {
    expect(create({ metadata, spec })).toEqual(complaints);
  });

  it('have each condition once, and print whether their level is missing', () => {
    expect(status({ metadata, status: { conditions: [{ type: 'Dangling' }, { type: 'Dangling' }, {}] } }, { metadata })).toEqual(['status.conditions[1].type: Duplicate value: "Dangling"', 'status.conditions[2].type: Required value: must not be empty']);
    expect(cells({ metadata, status: { conditions: [{ type: 'Dangling', status: 'False' }] } })).toMatchObject({ MissingPL: 'False', DistinguisherMethod: '<none>' });
    expect(cells({ metadata })['MissingPL']).toBe('?');
  });
});

describe('priority levels', () => {
  const { create, defaulted, cells } = judge(priorityLevelConfigurations);
  const queue = (queuing: object): PriorityLevelConfigurationSpec => ({ type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing } } });

  it('have thirty shares, and 64 queues of 50 with hands of 8, unless they say otherwise', () => {
    expect(defaulted({ metadata, spec: queue({}) }).spec?.limited).toEqual({ nominalConcurrencyShares: 30, lendablePercent: 0, limitResponse: { type: 'Queue', queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } } });
    expect(defaulted({ metadata, spec: { type: 'Limited', limited: { nominalConcurrencyShares: 0 } } }).spec?.limited?.nominalConcurrencyShares).toBe(0);
  });

  it.each<[string, string, PriorityLevelConfigurationSpec, string[]]>([
    ['no type', 'x', {}, ['spec.type: Unsupported value: "": supported values: "Exempt", "Limited"']],
    ['exemption under another name', 'x', { type: 'Exempt' }, ["spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'"]],
    ['limits of what is exempt', 'exempt', { type: 'Exempt', limited: {} }, ['spec.limited: Forbidden: must be nil if the type is not Limited']],
    ['limits that are not told', 'x', { type: 'Limited' }, ['spec.limited: Required value: must not be empty when type is Limited']],
    ['queues of what is rejected', 'x', { type: 'Limited', limited: { limitResponse: { type: 'Reject', queuing: {} } } }, ['spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited']],
    ['shares below zero', 'x', { type: 'Limited', limited: { nominalConcurrencyShares: -1, lendablePercent: 101, borrowingLimitPercent: -1, limitResponse: { type: 'Reject' } } }, [
      'spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer', 'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
      'spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer',
    ]],
    ['a hand larger than the deck', 'x', queue({ queues: 4, handSize: 5 }), ['spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)']],
    ['a hand that a hash cannot deal', 'x', queue({ queues: 1024, handSize: 7 }), ['spec.limited.limitResponse.queuing.handSize: Invalid value: 7: required entropy bits of deckSize 1024 and handSize 7 should not be greater than 60']],
  ])('refuse %s', (_, name, spec, complaints) => {
    expect(create({ metadata: { name }, spec })).toEqual(complaints);
  });

  it('print their queues', () => {
    expect(cells(defaulted({ metadata, spec: queue({ queues: 2 }) }))).toMatchObject({ Type: 'Limited', NominalConcurrencyShares: 30, Queues: 2, HandSize: 8, QueueLengthLimit: 50 });
    expect(cells({ metadata: { name: 'exempt' }, spec: { type: 'Exempt' } })).toMatchObject({ NominalConcurrencyShares: '<none>', Queues: '<none>' });
  });
});
