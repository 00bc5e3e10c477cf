import type { CounterSet, Device, DeviceAttribute, ResourceSliceSpec } from '@navarch/proto/k8s/io/api/resource/v1/resource';

import type { FieldError } from '../resource';
import { attributeName, uniqueNames, validateTaintEffect } from './device-claim';
import { invalid, invalidEach, required, tooLong, tooMany } from './field-error';
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from './names';
import { validateNodeSelector } from './scheduling';
import { validateDriverName } from './storage';

const maxDevices = 128;
const maxDevicesWithExtras = 64;
const maxCounterSets = 8;
const maxPoolName = 253;
const maxTaints = 16;
const maxAttributesAndCapacities = 32;
const maxAttributeText = 64;
const placeMembers = ['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'] as const;

export function validateSliceSpec(spec: ResourceSliceSpec, field: string): FieldError[] {
  const { driver, pool = {}, devices = [], sharedCounters = [] } = spec;
  const limit = devices.some(({ taints, consumesCounters }) => taints?.length || consumesCounters?.length) ? maxDevicesWithExtras : maxDevices;
  return [
    ...validateDriverName(`${field}.driver`, driver), ...validatePool(pool, `${field}.pool`), ...validatePlace(spec, field),
    ...(devices.length > 0 && sharedCounters.length > 0 ? [invalid(field, '', 'only one of `sharedCounters` or `devices` is allowed')] : []),
    ...(devices.length > limit ? [tooMany(`${field}.devices`, devices.length, limit)] : []), ...uniqueNames(devices, `${field}.devices`),
    ...devices.flatMap((device, index) => validateDevice(device, spec.perDeviceNodeSelection === true, `${field}.devices[${index}]`)),
    ...(sharedCounters.length > maxCounterSets ? [tooMany(`${field}.sharedCounters`, sharedCounters.length, maxCounterSets)] : []), ...uniqueNames(sharedCounters, `${field}.sharedCounters`),
    ...sharedCounters.flatMap((set, index) => validateCounters(set, `${field}.sharedCounters[${index}]`)),
  ];
}

function validatePool({ name = '', resourceSliceCount = 0, generation = 0 }: NonNullable<ResourceSliceSpec['pool']>, field: string): FieldError[] {
  const at = `${field}.name`;
  return [
    ...(name === '' ? [required(at)] : [...(name.length > maxPoolName ? [tooLong(at, maxPoolName)] : []), ...name.split('/').flatMap((part) => invalidEach(at, part, dnsSubdomain(part)))]),
    ...(resourceSliceCount <= 0 ? [invalid(`${field}.resourceSliceCount`, resourceSliceCount, 'must be greater than zero')] : []),
    ...(generation < 0 ? [invalid(`${field}.generation`, generation, 'must be greater than or equal to zero')] : []),
  ];
}

/** The devices are of one node, of those a selector matches, of all, or each says for itself. */
function validatePlace(spec: ResourceSliceSpec, field: string): FieldError[] {
  const { nodeName, nodeSelector, allNodes, perDeviceNodeSelection } = spec;
  const errors: FieldError[] = [];
  if (nodeName === '') errors.push(invalid(`${field}.nodeName`, nodeName, 'must be either unset or set to a non-empty string'));
  else if (nodeName !== undefined) errors.push(...invalidEach(`${field}.nodeName`, nodeName, dnsSubdomain(nodeName)));
  if (nodeSelector) errors.push(...validateNodeSelector(nodeSelector, `${field}.nodeSelector`));
  if (nodeSelector && nodeSelector.nodeSelectorTerms?.length !== 1) {
    errors.push(invalid(`${field}.nodeSelector.nodeSelectorTerms`, nodeSelector.nodeSelectorTerms, 'must have exactly one node selector term'));
  }
  for (const [member, value] of Object.entries({ allNodes, perDeviceNodeSelection })) {
    if (value === false) errors.push(invalid(`${field}.${member}`, value, 'must be either unset or set to true'));
  }
  const given = placeMembers.filter((member) => spec[member]);
  const choice = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  if (given.length === 0) errors.push(required(field, choice));
  if (given.length > 1) errors.push(invalid(field, `{${given.map((member) => `\`${member}\``).join(', ')}}`, `${choice}, but multiple fields are set`));
  return errors;
}

function validateDevice(device: Device, placed: boolean, field: string): FieldError[] {
  const { name = '', attributes = {}, capacity = {}, taints = [], nodeName, nodeSelector, allNodes } = device;
  const total = Object.keys(attributes).length + Object.keys(capacity).length;
  const given = [nodeName, nodeSelector, allNodes].filter(Boolean).length;
  return [
    ...invalidEach(`${field}.name`, name, dnsLabel(name)),
    ...(total > maxAttributesAndCapacities ? [invalid(field, total, `the total number of attributes and capacities must not exceed ${maxAttributesAndCapacities}`)] : []),
    ...Object.entries(attributes).flatMap(([key, value]) => [...attributeName(key, `${field}.attributes`), ...validateAttribute(value, `${field}.attributes[${key}]`)]),
    ...Object.keys(capacity).flatMap((key) => attributeName(key, `${field}.capacity`)),
    ...(taints.length > maxTaints ? [tooMany(`${field}.taints`, taints.length, maxTaints)] : []),
    ...taints.flatMap(({ key = '', value = '', effect = '' }, index) => [
      ...invalidEach(`${field}.taints[${index}].key`, key, qualifiedName(key)), ...invalidEach(`${field}.taints[${index}].value`, value, labelValue(value)),
      ...(effect === '' ? [required(`${field}.taints[${index}].effect`)] : validateTaintEffect(effect, `${field}.taints[${index}].effect`)),
    ]),
    ...(placed && given === 0 ? [required(field, 'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec')] : []),
    ...(placed && given > 1 ? [invalid(field, given, 'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec')] : []),
    ...(!placed && given > 0 ? [invalid(field, given, '`nodeName`, `nodeSelector` and `allNodes` may only be set when `perDeviceNodeSelection` is set to true in the ResourceSlice spec')] : []),
  ];
}

function validateAttribute(attribute: DeviceAttribute, field: string): FieldError[] {
  const { string, version } = attribute;
  const count = (['int', 'bool', 'string', 'version', 'ints', 'bools', 'strings', 'versions'] as const).filter((member) => attribute[member] !== undefined).length;
  return [
    ...(count === 0 ? [required(field, 'exactly one value must be specified')] : count > 1 ? [invalid(field, attribute, 'exactly one value must be specified')] : []),
    ...(string !== undefined && string.length > maxAttributeText ? [tooLong(`${field}.string`, maxAttributeText)] : []),
    ...(version === undefined ? [] : version.length > maxAttributeText ? [tooLong(`${field}.version`, maxAttributeText)]
      : /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.test(version) ? [] : [invalid(`${field}.version`, version, 'must be a string compatible with semver.org spec 2.0.0')]),
  ];
}

function validateCounters({ name = '', counters = {} }: CounterSet, field: string): FieldError[] {
  return [
    ...(name === '' ? [required(`${field}.name`)] : invalidEach(`${field}.name`, name, dnsLabel(name))),
    ...(Object.keys(counters).length === 0 ? [required(`${field}.counters`)] : Object.keys(counters).flatMap((key) => invalidEach(`${field}.counters`, key, dnsLabel(key)))),
  ];
}
