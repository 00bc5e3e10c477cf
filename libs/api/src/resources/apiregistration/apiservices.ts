import type { APIService, ServiceReference } from '@navarch/proto/k8s/io/kube_aggregator/pkg/apis/apiregistration/v1/apiregistration';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { findCondition } from '../../meta/conditions';
import { statusOnly } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { invalid, required } from '../../validation/field-error';
import { dns1035Label, dnsSubdomain, pathSegmentName, portNumber } from '../../validation/names';
import { validateMeta, validateMetaUpdate, type MetaRules } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const maxGroupPriority = 20_000;
const maxVersionPriority = 1_000;

/** The name tells which version of which group is served. */
function metaOf({ spec }: APIService): MetaRules {
  const wanted = `${spec?.version ?? ''}.${spec?.group ?? ''}`;
  return { namespaced: false, name: (name) => (name === wanted ? pathSegmentName(name) : ['must be `spec.version+"."+spec.group`']) };
}

function validate({ spec = {} }: APIService): FieldError[] {
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0, service, caBundle, insecureSkipTLSVerify } = spec;
  const groupComplaints = group === '' ? [] : dnsSubdomain(group);
  const versionComplaints = dns1035Label(version);
  const hasBundle = caBundle !== undefined && caBundle.length > 0;
  const errors = [
    ...(group === '' && version !== 'v1' ? [required('spec.group', 'only v1 may have an empty group and it better be legacy kube')] : []),
    ...(groupComplaints.length > 0 ? [invalid('spec.group', group, groupComplaints.join(','))] : []),
    ...(versionComplaints.length > 0 ? [invalid('spec.version', version, versionComplaints.join(','))] : []),
    ...(groupPriorityMinimum <= 0 || groupPriorityMinimum > maxGroupPriority ? [invalid('spec.groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000')] : []),
    ...(versionPriority <= 0 || versionPriority > maxVersionPriority ? [invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000')] : []),
  ];
  if (service) {
    const both = insecureSkipTLSVerify && hasBundle ? [invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present')] : [];
    return [...errors, ...validateService(service, 'spec.service'), ...both];
  }
  if (hasBundle) errors.push(invalid('spec.caBundle', `${caBundle.length} bytes`, 'local APIServices may not have a caBundle'));
  if (insecureSkipTLSVerify) errors.push(invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'));
  return errors;
}

function validateService({ namespace, name, port = 443 }: ServiceReference, field: string): FieldError[] {
  return [
    ...(namespace ? [] : [required(`${field}.namespace`)]), ...(name ? [] : [required(`${field}.name`)]),
    ...portNumber(port).map((complaint) => invalid(`${field}.port`, port, `port is not valid: ${complaint}`)),
  ];
}

function availableText({ status }: APIService): string {
  const condition = findCondition(status?.conditions, 'Available');
  if (!condition) return 'Unknown';
  return condition.status !== 'True' && condition.reason ? `${condition.status ?? ''} (${condition.reason})` : (condition.status ?? '');
}

const lifecycle = statusOnly<APIService>();

export const apiServices = defineResource<APIService>({
  group: 'apiregistration.k8s.io', version: 'v1', kind: 'APIService', plural: 'apiservices', categories: ['api-extensions'], namespaced: false, subresources: ['status'],
  codec: codecFor<APIService>('k8s.io.kube_aggregator.pkg.apis.apiregistration.v1.APIService'),
  setDefaults({ spec }) {
    if (spec?.service) spec.service.port ??= 443;
  },
  ...lifecycle,
  prepareForCreate(service) {
    lifecycle.prepareForCreate(service);
    if (service.spec?.service) return;
    service.status = { conditions: [{ type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' }] };
  },
  validateCreate: (service) => [...validateMeta(service, metaOf(service)), ...validate(service)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, metaOf(next)), ...validate(next)],
  status: statusStrategy<APIService>((next, previous) => validateMetaUpdate(next, previous, metaOf(next))),
  columns: [
    nameColumn,
    { name: 'Service', type: 'string', description: 'The Service behind the API.', value: ({ spec }) => (spec?.service ? `${spec.service.namespace ?? ''}/${spec.service.name ?? ''}` : 'Local') },
    { name: 'Available', type: 'string', description: 'Whether the API can be reached.', value: availableText },
    ageColumn,
  ],
});
