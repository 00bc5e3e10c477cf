import type {
  DeviceClaim, DeviceConfiguration, DeviceConstraint, DeviceRequest, DeviceSelector, DeviceSubRequest, DeviceToleration, ExactDeviceRequest, ResourceClaimSpec,
} from '@navarch/proto/k8s/io/api/resource/v1/resource';

import type { FieldError } from '../resource';
import { invalid, invalidEach, notSupported, required, tooLong, tooMany } from './field-error';
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from './names';
import { duplicates } from './repeats';
import { validateDriverName } from './storage';

const maxEntries = 32;
const maxAlternatives = 8;
const maxExpressionBytes = 10 * 1024;
const maxParameterBytes = 10 * 1024;
const badReference = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/** Every request is for one device unless it says otherwise. */
export function setClaimDefaults(spec: ResourceClaimSpec | undefined): void {
  for (const { exactly, firstAvailable = [] } of spec?.devices?.requests ?? []) {
    for (const request of [...(exactly ? [exactly] : []), ...firstAvailable]) {
      request.allocationMode ??= 'ExactCount';
      if (request.allocationMode === 'ExactCount') request.count ??= 1;
      for (const toleration of request.tolerations ?? []) toleration.operator ??= 'Equal';
    }
  }
}

export function validateClaimSpec(spec: ResourceClaimSpec | undefined, field: string): FieldError[] {
  return validateClaim(spec?.devices ?? {}, `${field}.devices`);
}

function validateClaim({ requests = [], constraints = [], config = [] }: DeviceClaim, field: string): FieldError[] {
  const known = new Set(requests.flatMap(({ name = '', firstAvailable = [] }) => [name, ...firstAvailable.map((sub) => `${name}/${sub.name ?? ''}`)]));
  return [
    ...each(requests, maxEntries, `${field}.requests`, (request, at) => validateRequest(request, at)), ...uniqueNames(requests, `${field}.requests`),
    ...each(constraints, maxEntries, `${field}.constraints`, (constraint, at) => validateConstraint(constraint, known, at)),
    ...each(config, maxEntries, `${field}.config`, (entry, at) => [...validateReferences(entry.requests ?? [], known, `${at}.requests`), ...validateConfiguration(entry.deviceConfiguration ?? {}, at)]),
  ];
}

function each<T>(items: readonly T[], limit: number, field: string, check: (item: T, field: string) => FieldError[]): FieldError[] {
  return [...(items.length > limit ? [tooMany(field, items.length, limit)] : []), ...items.flatMap((item, index) => check(item, `${field}[${index}]`))];
}

export function uniqueNames(items: readonly { readonly name?: string }[], field: string): FieldError[] {
  return duplicates(field, items.map(({ name = '' }) => name));
}

function validateRequest({ name = '', exactly, firstAvailable = [] }: DeviceRequest, field: string): FieldError[] {
  const errors = invalidEach(`${field}.name`, name, dnsLabel(name));
  const choice = 'exactly one of `exactly` or `firstAvailable` is required';
  if (exactly && firstAvailable.length > 0) return [...errors, invalid(field, undefined, `${choice}, but multiple fields are set`)];
  if (exactly) return [...errors, ...validateExact(exactly, `${field}.exactly`)];
  if (firstAvailable.length === 0) return [...errors, required(field, choice)];
  const at = `${field}.firstAvailable`;
  return [
    ...errors, ...uniqueNames(firstAvailable, at),
    ...each(firstAvailable, maxAlternatives, at, (sub, subField) => [...invalidEach(`${subField}.name`, sub.name ?? '', dnsLabel(sub.name ?? '')), ...validateExact(sub, subField)]),
  ];
}

function validateExact({ deviceClassName = '', selectors = [], allocationMode = '', count = 0, tolerations = [] }: ExactDeviceRequest | DeviceSubRequest, field: string): FieldError[] {
  return [
    ...(deviceClassName === '' ? [required(`${field}.deviceClassName`)] : invalidEach(`${field}.deviceClassName`, deviceClassName, dnsSubdomain(deviceClassName))),
    ...validateSelectors(selectors, `${field}.selectors`), ...validateMode(allocationMode, count, field),
    ...tolerations.flatMap((toleration, index) => validateToleration(toleration, `${field}.tolerations[${index}]`)),
  ];
}

function validateMode(mode: string, count: number, field: string): FieldError[] {
  switch (mode) {
    case 'All': return count === 0 ? [] : [invalid(`${field}.count`, count, "must not be specified when allocationMode is 'All'")];
    case 'ExactCount': return count > 0 ? [] : [invalid(`${field}.count`, count, 'must be greater than zero')];
    default: return [notSupported(`${field}.allocationMode`, mode, ['All', 'ExactCount'])];
  }
}

/** Presence and size; what the expressions say is judged where they are run. */
export function validateSelectors(selectors: readonly DeviceSelector[], field: string): FieldError[] {
  return each(selectors, maxEntries, field, ({ cel }, at) => {
    if (!cel) return [required(`${at}.cel`)];
    const expression = cel.expression ?? '';
    if (expression.trim() === '') return [required(`${at}.cel.expression`)];
    return Buffer.byteLength(expression) > maxExpressionBytes ? [tooLong(`${at}.cel.expression`, maxExpressionBytes)] : [];
  });
}

function validateToleration({ key = '', operator = '', value = '', effect }: DeviceToleration, field: string): FieldError[] {
  const errors = key === '' ? [] : invalidEach(`${field}.key`, key, qualifiedName(key));
  if (key === '' && operator !== 'Exists') errors.push(required(`${field}.key`));
  if (operator === 'Exists') errors.push(...(value === '' ? [] : [invalid(`${field}.value`, value, 'must be empty for operator `Exists`')]));
  else if (operator === 'Equal') errors.push(...invalidEach(`${field}.value`, value, labelValue(value)));
  else errors.push(operator === '' ? required(`${field}.operator`) : notSupported(`${field}.operator`, operator, ['Equal', 'Exists']));
  return effect === undefined ? errors : [...errors, ...validateTaintEffect(effect, `${field}.effect`)];
}

export function validateTaintEffect(effect: string, field: string): FieldError[] {
  const effects = ['NoExecute', 'NoSchedule', 'None'];
  return effects.includes(effect) ? [] : [notSupported(field, effect, effects)];
}

function validateConstraint({ requests = [], matchAttribute, distinctAttribute }: DeviceConstraint, known: ReadonlySet<string>, field: string): FieldError[] {
  const errors = validateReferences(requests, known, `${field}.requests`);
  if (matchAttribute !== undefined) return [...errors, ...fullyQualified(matchAttribute, `${field}.matchAttribute`)];
  if (distinctAttribute !== undefined) return [...errors, ...fullyQualified(distinctAttribute, `${field}.distinctAttribute`)];
  return [...errors, required(field, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set')];
}

function fullyQualified(name: string, field: string): FieldError[] {
  if (name === '') return [required(field, 'name required')];
  const errors = attributeName(name, field);
  return name.includes('/') ? errors : [...errors, invalid(field, name, 'must include a domain')];
}

/** Of attributes and capacities: a C identifier, with a domain before it where it is not the driver's. */
export function attributeName(name: string, field: string): FieldError[] {
  const slash = name.indexOf('/');
  const [domain, id] = slash < 0 ? [undefined, name] : [name.slice(0, slash), name.slice(slash + 1)];
  return [
    ...(domain === undefined ? [] : domain === '' ? [required(field, 'the domain must not be empty')] : domain.length > 63 ? [tooLong(field, 63)] : invalidEach(field, domain, dnsSubdomain(domain))),
    ...(id === '' ? [required(field, 'the name must not be empty')] : id.length > 32 ? [tooLong(field, 32)]
      : /^[A-Za-z_][A-Za-z0-9_]*$/.test(id) ? [] : [invalid(field, id, "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')")]),
  ];
}

function validateReferences(names: readonly string[], known: ReadonlySet<string>, field: string): FieldError[] {
  return each(names, maxEntries, field, (name, at) => (known.has(name) ? [] : [invalid(at, name, badReference)]))
    .concat(duplicates(field, names));
}

export function validateConfiguration({ opaque }: DeviceConfiguration, field: string): FieldError[] {
  if (!opaque) return [required(`${field}.opaque`)];
  const raw = opaque.parameters?.raw ?? Buffer.alloc(0);
  const at = `${field}.opaque.parameters`;
  return [
    ...validateDriverName(`${field}.opaque.driver`, opaque.driver),
    ...(raw.length === 0 ? [required(at)] : raw.length > maxParameterBytes ? [tooLong(at, maxParameterBytes)] : raw[0] === 0x7b ? [] : [invalid(at, '<value omitted>', 'must be a valid JSON object')]),
  ];
}
