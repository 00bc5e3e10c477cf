import type {
  CustomResourceColumnDefinition, CustomResourceConversion, CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionVersion, CustomResourceSubresourceScale,
} from '@navarch/proto/k8s/io/apiextensions_apiserver/pkg/apis/apiextensions/v1/apiextensions';

import type { FieldError } from '../resource';
import { invalid, notSupported, oneOf, required } from './field-error';
import { unchanged } from './immutable';
import { dns1035Label, dnsSubdomain } from './names';
import { duplicates } from './repeats';
import { validateRootSchema } from './structural-schema';
import { validateClient } from './webhook-client';

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['binary', 'byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
/** Groups of the project itself, whose definitions must show that they were reviewed. */
const protectedGroup = /(^|\.)(k8s|kubernetes)\.io$/;
const approvalAnnotation = 'api-approved.kubernetes.io';

export function validateDefinition(definition: CustomResourceDefinition): FieldError[] {
  const { group = '', scope, names = {}, versions = [], conversion, preserveUnknownFields } = definition.spec ?? {};
  const groupComplaints = dnsSubdomain(group);
  return [
    ...(group === '' ? [required('spec.group')] : groupComplaints.length > 0 ? [invalid('spec.group', group, groupComplaints.join(','))]
      : group.includes('.') ? [] : [invalid('spec.group', group, 'should be a domain with at least one dot')]),
    ...validateApproval(definition, group), ...oneOf('spec.scope', scope, ['Cluster', 'Namespaced']),
    ...validateVersions(versions), ...validateNames(names, 'spec.names'),
    ...(preserveUnknownFields ? [invalid('spec.preserveUnknownFields', true, 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead')] : []),
    ...validateConversion(conversion, 'spec.conversion'),
  ];
}

function validateApproval({ metadata }: CustomResourceDefinition, group: string): FieldError[] {
  if (!protectedGroup.test(group)) return [];
  const field = `metadata.annotations[${approvalAnnotation}]`;
  const value = metadata?.annotations?.[approvalAnnotation];
  if (value === undefined || value === '') return [required(field, 'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111')];
  return value.startsWith('unapproved') || URL.canParse(value) ? [] : [invalid(field, value, 'protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111')];
}

/** What is fixed from the start, and what is once its kinds exist. */
export function validateFixedParts(next: CustomResourceDefinition, previous: CustomResourceDefinition): FieldError[] {
  const established = previous.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  return [
    ...unchanged('spec.group', next.spec?.group, previous.spec?.group), ...unchanged('spec.names.plural', next.spec?.names?.plural, previous.spec?.names?.plural),
    ...(established ? [...unchanged('spec.scope', next.spec?.scope, previous.spec?.scope), ...unchanged('spec.names.kind', next.spec?.names?.kind, previous.spec?.names?.kind)] : []),
  ];
}

/** Versions in which objects may be stored must go on being listed until a migration has taken them out. */
export function validateStoredVersions({ spec, status }: CustomResourceDefinition): FieldError[] {
  const stored = status?.storedVersions ?? [];
  const storage = spec?.versions?.find((version) => version.storage)?.name;
  const field = 'status.storedVersions';
  if (stored.length === 0) return [invalid(field, stored, 'must have at least one stored version')];
  const names = new Set(spec?.versions?.map(({ name }) => name));
  return [
    ...stored.flatMap((name, index) => (names.has(name) ? [] : [invalid(`${field}[${index}]`, name, 'must appear in spec.versions')])),
    ...(storage !== undefined && !stored.includes(storage) ? [invalid(field, stored, `must have the storage version ${storage}`)] : []),
  ];
}

function validateVersions(versions: readonly CustomResourceDefinitionVersion[]): FieldError[] {
  const field = 'spec.versions';
  const names = versions.map(({ name = '' }) => name);
  const errors = versions.flatMap((version, index) => validateVersion(version, `${field}[${index}]`));
  if (new Set(names).size < names.length) errors.push(invalid(field, names, 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage).length !== 1) errors.push(invalid(field, names, 'must have exactly one version marked as storage version'));
  return errors;
}

function validateVersion(version: CustomResourceDefinitionVersion, field: string): FieldError[] {
  const { name = '', deprecated, deprecationWarning, schema, additionalPrinterColumns = [], subresources, selectableFields = [] } = version;
  const complaints = dns1035Label(name);
  return [
    ...(complaints.length > 0 ? [invalid(`${field}.name`, name, complaints.join(','))] : []),
    ...(deprecationWarning !== undefined && !deprecated ? [invalid(`${field}.deprecationWarning`, deprecationWarning, 'can only be set for deprecated versions')] : []),
    ...(schema?.openAPIV3Schema ? validateRootSchema(schema.openAPIV3Schema, `${field}.schema.openAPIV3Schema`) : [required(`${field}.schema.openAPIV3Schema`, 'schemas are required')]),
    ...additionalPrinterColumns.flatMap((column, index) => validateColumn(column, `${field}.additionalPrinterColumns[${index}]`)),
    ...(subresources?.scale ? validateScale(subresources.scale, `${field}.subresources.scale`) : []),
    ...selectableFields.flatMap(({ jsonPath = '' }, index) => (jsonPath === '' ? [required(`${field}.selectableFields[${index}].jsonPath`)] : simplePath(jsonPath, `${field}.selectableFields[${index}].jsonPath`))),
  ];
}

function validateColumn({ name, type, format, jsonPath }: CustomResourceColumnDefinition, field: string): FieldError[] {
  return [
    ...(name ? [] : [required(`${field}.name`)]),
    ...(type ? (columnTypes.includes(type) ? [] : [invalid(`${field}.type`, type, `must be one of ${columnTypes.join(',')}`)]) : [required(`${field}.type`, `must be one of ${columnTypes.join(',')}`)]),
    ...(format && !columnFormats.includes(format) ? [invalid(`${field}.format`, format, `must be one of ${columnFormats.join(',')}`)] : []),
    ...(jsonPath ? [] : [required(`${field}.jsonPath`)]),
  ];
}

/** Names of members joined by dots, from the object's root. */
function simplePath(path: string, field: string, below?: string): FieldError[] {
  if (!/^(\.[A-Za-z_][\w-]*)+$/.test(path)) return [invalid(field, path, 'must be a simple json path: .a.b.c')];
  return below !== undefined && !path.startsWith(`${below}.`) ? [invalid(field, path, `should be a json path under ${below}`)] : [];
}

function validateScale({ specReplicasPath = '', statusReplicasPath = '', labelSelectorPath = '' }: CustomResourceSubresourceScale, field: string): FieldError[] {
  return [
    ...(specReplicasPath === '' ? [required(`${field}.specReplicasPath`)] : simplePath(specReplicasPath, `${field}.specReplicasPath`, '.spec')),
    ...(statusReplicasPath === '' ? [required(`${field}.statusReplicasPath`)] : simplePath(statusReplicasPath, `${field}.statusReplicasPath`, '.status')),
    ...(labelSelectorPath === '' || /^\.(spec|status)\./.test(labelSelectorPath) ? [] : [invalid(`${field}.labelSelectorPath`, labelSelectorPath, 'should be a json path under either .status or .spec')]),
  ];
}

function validateNames({ plural = '', singular = '', kind = '', listKind = '', shortNames = [], categories = [] }: CustomResourceDefinitionNames, field: string): FieldError[] {
  const label = (at: string, value: string, mixedCase = false): FieldError[] => {
    const complaints = dns1035Label(mixedCase ? value.toLowerCase() : value);
    return complaints.length > 0 ? [invalid(at, value, `${mixedCase ? 'may have mixed case, but should otherwise match: ' : ''}${complaints.join(',')}`)] : [];
  };
  return [
    ...(plural === '' ? [required(`${field}.plural`)] : label(`${field}.plural`, plural)),
    ...(singular === '' ? [] : label(`${field}.singular`, singular)),
    ...(kind === '' ? [required(`${field}.kind`)] : label(`${field}.kind`, kind, true)),
    ...(listKind === '' ? [required(`${field}.listKind`)] : label(`${field}.listKind`, listKind, true)),
    ...(kind !== '' && kind === listKind ? [invalid(`${field}.listKind`, listKind, 'kind and listKind may not be the same')] : []),
    ...Object.entries({ shortNames, categories }).flatMap(([member, values]) => [
      ...values.flatMap((value, index) => label(`${field}.${member}[${index}]`, value)), ...duplicates(`${field}.${member}`, values),
    ]),
  ];
}

function validateConversion(conversion: CustomResourceConversion | undefined, field: string): FieldError[] {
  const strategy = conversion?.strategy ?? '';
  if (strategy === 'None') return conversion?.webhook ? [{ type: 'Forbidden', field: `${field}.webhook`, message: 'Forbidden: should not be set when strategy is not set to Webhook' }] : [];
  if (strategy !== 'Webhook') return [strategy === '' ? required(`${field}.strategy`) : notSupported(`${field}.strategy`, strategy, ['None', 'Webhook'])];
  const { clientConfig, conversionReviewVersions = [] } = conversion?.webhook ?? {};
  return [
    ...(clientConfig ? validateClient(clientConfig, `${field}.webhook.clientConfig`) : [required(`${field}.webhook.clientConfig`, 'required when strategy is set to Webhook')]),
    ...(conversionReviewVersions.length === 0 ? [required(`${field}.webhook.conversionReviewVersions`)]
      : conversionReviewVersions.some((version) => version === 'v1' || version === 'v1beta1') ? []
        : [invalid(`${field}.webhook.conversionReviewVersions`, conversionReviewVersions, 'must include at least one of v1, v1beta1')]),
  ];
}
