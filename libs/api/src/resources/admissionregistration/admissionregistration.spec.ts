import type { MutatingWebhook, ValidatingAdmissionPolicySpec } from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';

import { judge } from '../../testing/judge';
import { mutatingAdmissionPolicies } from './mutatingadmissionpolicies';
import { mutatingAdmissionPolicyBindings } from './mutatingadmissionpolicybindings';
import { mutatingWebhookConfigurations } from './mutatingwebhookconfigurations';
import { validatingAdmissionPolicies } from './validatingadmissionpolicies';
import { validatingAdmissionPolicyBindings } from './validatingadmissionpolicybindings';
import { validatingWebhookConfigurations } from './validatingwebhookconfigurations';

const metadata = { name: 'x' };
const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
const matchConstraints = { resourceRules: [{ ruleWithOperations: { operations: ['CREATE'], rule } }] };

describe('webhook configurations', () => {
  const { create, created, defaulted, updated, cells } = judge(mutatingWebhookConfigurations);
  const webhook: MutatingWebhook = { name: 'a.b.c', clientConfig: { url: 'https://x/y' }, sideEffects: 'None', admissionReviewVersions: ['v1'] };
  const complaints = (more: object): string[] => create({ metadata, Webhooks: [{ ...webhook, ...more }] });

  it('fail closed, match equivalents and everything, and wait ten seconds, unless they say otherwise', () => {
    const full = { failurePolicy: 'Fail', matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, timeoutSeconds: 10 };
    const made = defaulted({ metadata, Webhooks: [{ clientConfig: { service: {} }, rules: [{ rule }] }] });
    expect(made.Webhooks).toEqual([{ clientConfig: { service: { port: 443 } }, rules: [{ rule: { ...rule, scope: '*' } }], ...full, reinvocationPolicy: 'Never' }]);
    expect(judge(validatingWebhookConfigurations).defaulted({ metadata, Webhooks: [{}] }).Webhooks).toEqual([full]);
  });

  it.each<[string, object, string[]]>([
    ['a name that is no domain', { name: 'a.b' }, ['webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots']],
    ['side effects', { sideEffects: 'Some' }, ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"']],
    ['silence about side effects', { sideEffects: undefined }, ['webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun']],
    ['a long wait', { timeoutSeconds: 31 }, ['webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds']],
    ['unknown policies', { failurePolicy: 'A', matchPolicy: 'B', reinvocationPolicy: 'C' }, [
      'webhooks[0].failurePolicy: Unsupported value: "A": supported values: "Fail", "Ignore"', 'webhooks[0].matchPolicy: Unsupported value: "B": supported values: "Equivalent", "Exact"',
      'webhooks[0].reinvocationPolicy: Unsupported value: "C": supported values: "IfNeeded", "Never"',
    ]],
    ['two places or none', { clientConfig: {} }, ['webhooks[0].clientConfig: Required value: exactly one of url or service is required']],
    ['plain HTTP', { clientConfig: { url: 'http://x' } }, ["webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]"]],
    ['a URL with a user, without showing the password', { clientConfig: { url: 'https://u:secret@x' } }, ['webhooks[0].clientConfig.url: Invalid value: "u": user information is not permitted in the URL; desired format: https://host[/path]']],
    ['what is no URL', { clientConfig: { url: 'x' } }, ['webhooks[0].clientConfig.url: Required value: url must be a valid URL; desired format: https://host[/path]']],
    ['half a service', { clientConfig: { service: { path: 'x', port: 70000 } } }, [
      'webhooks[0].clientConfig.service.name: Required value: service name is required', 'webhooks[0].clientConfig.service.namespace: Required value: service namespace is required',
      'webhooks[0].clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive', "webhooks[0].clientConfig.service.path: Invalid value: \"x\": must start with a '/'",
    ]],
    ['no review version it can send', { admissionReviewVersions: ['v2', 'v2'] }, [
      'webhooks[0].admissionReviewVersions[1]: Invalid value: "v2": duplicate version', 'webhooks[0].admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
    ]],
    ['rules for nothing', { rules: [{}] }, ['operations', 'apiGroups', 'apiVersions', 'resources'].map((member) => `webhooks[0].rules[0].${member}: Required value`)],
    ['wildcards beside what they include', { rules: [{ operations: ['*', 'CREATE'], rule: { ...rule, resources: ['pods/*', 'pods/log', '*', 'nodes'], scope: 'Some' } }] }, [
      "webhooks[0].rules[0].operations: Invalid value: [\"*\",\"CREATE\"]: if '*' is present, must not specify other operations",
      "webhooks[0].rules[0].resources[1]: Invalid value: \"pods/log\": if 'pods/*' is present, must not specify pods/log",
      "webhooks[0].rules[0].resources: Invalid value: [\"pods/*\",\"pods/log\",\"*\",\"nodes\"]: if '*' is present, must not specify other resources without subresources",
      'webhooks[0].rules[0].scope: Unsupported value: "Some": supported values: "*", "Cluster", "Namespaced"',
    ]],
    ['conditions without name and expression', { matchConditions: [{}, { name: 'a', expression: 'true' }, { name: 'a', expression: ' ' }] }, [
      'webhooks[0].matchConditions[0].expression: Required value', 'webhooks[0].matchConditions[0].name: Required value',
      'webhooks[0].matchConditions[2].expression: Required value', 'webhooks[0].matchConditions[2].name: Duplicate value: "a"',
    ]],
  ])('refuse %s', (_, more, expected) => {
    expect(complaints(more)).toEqual(expected);
  });

  it('accept each webhook once', () => {
    expect(complaints({})).toEqual([]);
    expect(create({ metadata, Webhooks: [webhook, webhook] })).toEqual(['webhooks[1].name: Duplicate value: "a.b.c"']);
  });

  it('count versions of their webhooks', () => {
    const first = created({ metadata, Webhooks: [webhook] });
    expect(updated({ metadata }, first).metadata?.generation).toBe(2);
    expect(updated({ metadata: { ...metadata, labels: { a: 'b' } }, Webhooks: [webhook] }, first).metadata?.generation).toBe(1);
    expect(cells(first)).toMatchObject({ Webhooks: 1 });
  });
});

describe('validating admission policies', () => {
  const { create, defaulted, status, cells } = judge(validatingAdmissionPolicies);

  it('fail closed, and match equivalents everywhere, unless they say otherwise', () => {
    expect(defaulted({ metadata, spec: { matchConstraints } }).spec).toEqual({
      failurePolicy: 'Fail',
      matchConstraints: { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, resourceRules: [{ ruleWithOperations: { operations: ['CREATE'], rule: { ...rule, scope: '*' } } }] },
    });
  });

  it.each<[string, ValidatingAdmissionPolicySpec, string[]]>([
    ['nothing to judge and nothing to say', {}, [
      'spec.matchConstraints: Required value', 'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
    ]],
    ['no resources', { matchConstraints: {}, validations: [{ Expression: 'true' }] }, ['spec.matchConstraints.resourceRules: Required value']],
    ['parameters of no kind', { matchConstraints, validations: [{ Expression: 'true' }], paramKind: { apiVersion: 'a.b/' } }, ['spec.paramKind.apiVersion: Invalid value: "a.b/": version must be specified', 'spec.paramKind.kind: Required value']],
    ['empty validations', { matchConstraints, validations: [{ message: ' ', reason: 'Whim' }, { Expression: 'true', message: 'a\nb' }] }, [
      'spec.validations[0].expression: Required value: expression is not specified', 'spec.validations[0].message: Invalid value: " ": message must be non-empty if specified',
      'spec.validations[0].reason: Unsupported value: "Whim": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"',
      'spec.validations[1].message: Invalid value: "a\\nb": message must not contain line breaks',
    ]],
    ['variables that CEL could not name', { matchConstraints, validations: [{ Expression: 'true' }], variables: [{ Name: 'if', Expression: '1' }, { Expression: '1' }] }, [
      'spec.variables[0].name: Invalid value: "if": name is not a valid CEL identifier', 'spec.variables[1].name: Required value: name is not specified',
    ]],
    ['an annotation twice', { matchConstraints, auditAnnotations: [{ key: 'a', valueExpression: '1' }, { key: 'a' }] }, [
      'spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified', 'spec.auditAnnotations[1].key: Duplicate value: "a"',
    ]],
  ])('refuse %s', (_, spec, complaints) => {
    expect(create({ metadata, spec })).toEqual(complaints);
  });

  it('check what type checking says of them, and print their parameters', () => {
    expect(status({ metadata, status: { typeChecking: { expressionWarnings: [{}] } } }, { metadata })).toEqual([
      'status.typeChecking.expressionWarnings[0].warning: Required value', 'status.typeChecking.expressionWarnings[0].fieldRef: Required value',
    ]);
    expect(cells({ metadata, spec: { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [{}] } })).toMatchObject({ Validations: 1, ParamKind: 'v1/ConfigMap' });
  });
});

describe('mutating admission policies', () => {
  it('say how they mutate', () => {
    const spec = { matchConstraints, reinvocationPolicy: 'Never' };
    const { create } = judge(mutatingAdmissionPolicies);
    expect(create({ metadata, spec: { matchConstraints } })).toEqual(['spec.mutations: Required value: mutations must contain at least one item', 'spec.reinvocationPolicy: Required value']);
    expect(create({ metadata, spec: { ...spec, mutations: [{}, { patchType: 'JSONPatch' }, { patchType: 'JSONPatch', jsonPatch: { expression: '[]' }, applyConfiguration: {} }] } })).toEqual([
      'spec.mutations[0].patchType: Required value', 'spec.mutations[1].jsonPatch: Required value: must be set when patchType is JSONPatch',
      'spec.mutations[2].applyConfiguration: Forbidden: must not be set when patchType is JSONPatch',
    ]);
  });
});

describe('bindings of policies', () => {
  it('name a policy, its parameters one way, and what is done', () => {
    const { create } = judge(validatingAdmissionPolicyBindings);
    expect(create({ metadata, spec: { paramRef: { name: 'a', selector: {} }, validationActions: ['Deny', 'Warn', 'Deny', 'Shout'] } })).toEqual([
      'spec.policyName: Required value', 'spec.paramRef.name: Forbidden: name and selector are mutually exclusive', 'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.parameterNotFoundAction: Required value', 'spec.validationActions[3]: Unsupported value: "Shout": supported values: "Audit", "Deny", "Warn"', 'spec.validationActions[2]: Duplicate value: "Deny"',
      expect.stringContaining('spec.validationActions: Invalid value: ["Deny","Warn","Deny","Shout"]: must not contain both Deny and Warn'),
    ]);
    expect(create({ metadata, spec: { policyName: 'p', paramRef: {} } })).toEqual([
      'spec.paramRef: Required value: one of name or selector must be specified', 'spec.paramRef.parameterNotFoundAction: Required value', 'spec.validationActions: Required value: at least one validation action is required',
    ]);
  });

  it('print their parameters', () => {
    const { cells } = judge(mutatingAdmissionPolicyBindings);
    const text = (paramRef?: object) => cells({ metadata, spec: { policyName: 'p', paramRef } })['ParamRef'];
    expect([text(), text({ name: 'a' }), text({ name: 'a', namespace: 'n' }), text({ selector: { matchLabels: { b: 'c' } } })]).toEqual(['<unset>', '*/a', 'n/a', 'b=c']);
  });
});
