import type { FieldValidation } from '@navarch/api';
import { ApiError } from '@navarch/base';

import type { PropagationPolicy, RequestOptions } from '../core/request';

/** A query string, read: the core's options, and what only this door needs. */
export interface RestQuery {
  readonly options: RequestOptions;
  readonly watch: boolean;
  /** Undefined: the caller did not say. */
  readonly pretty?: boolean;
  readonly includeObject: 'None' | 'Metadata' | 'Object';
}

/** The spellings that Go's strconv.ParseBool takes, and the bare name. */
const truthy = new Set(['', '1', 't', 'T', 'true', 'TRUE', 'True']);
const falsy = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

function bad(name: string, value: string, right: string): ApiError {
  return new ApiError('BadRequest', `invalid query parameter ${name}=${JSON.stringify(value)}: ${right}`);
}

export function booleanParameter(parameters: URLSearchParams, name: string): boolean | undefined {
  const value = parameters.get(name);
  if (value === null) return undefined;
  if (truthy.has(value)) return true;
  if (falsy.has(value)) return false;
  throw bad(name, value, 'must be true or false');
}

export function integerParameter(parameters: URLSearchParams, name: string): number | undefined {
  const value = parameters.get(name);
  if (value === null || value === '') return undefined;
  const number = Number(value);
  if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(number)) throw bad(name, value, 'must be an integer');
  return number;
}

function choice<T extends string>(parameters: URLSearchParams, name: string, choices: readonly T[]): T | undefined {
  const value = parameters.get(name);
  if (value === null || value === '') return undefined;
  const found = choices.find((one) => one === value);
  if (!found) throw bad(name, value, `must be one of ${choices.join(', ')}`);
  return found;
}

function present<K extends string, V>(key: K, value: V | undefined | null): Partial<Record<K, V>> {
  return value === undefined || value === null || value === '' ? {} : ({ [key]: value } as Record<K, V>);
}

/** Reads a query string. Parameters it does not know are passed over, as Kubernetes does. Throws BadRequest that names the parameter. */
export function parseQuery(parameters: URLSearchParams): RestQuery {
  const text = (name: string): string | null => parameters.get(name);
  const dryRun = parameters.getAll('dryRun').filter((value) => value !== '');
  const pretty = booleanParameter(parameters, 'pretty');
  return {
    watch: booleanParameter(parameters, 'watch') ?? false,
    ...(pretty !== undefined && { pretty }),
    includeObject: choice(parameters, 'includeObject', ['None', 'Metadata', 'Object'] as const) ?? 'Metadata',
    options: {
      ...present('resourceVersion', text('resourceVersion')),
      ...present('resourceVersionMatch', text('resourceVersionMatch')),
      ...present('labelSelector', text('labelSelector')),
      ...present('fieldSelector', text('fieldSelector')),
      ...present('limit', integerParameter(parameters, 'limit')),
      ...present('continue', text('continue')),
      ...present('sendInitialEvents', booleanParameter(parameters, 'sendInitialEvents')),
      ...present('allowWatchBookmarks', booleanParameter(parameters, 'allowWatchBookmarks')),
      ...present('timeoutSeconds', integerParameter(parameters, 'timeoutSeconds')),
      ...(dryRun.length > 0 && { dryRun }),
      ...present('fieldManager', text('fieldManager')),
      ...present('fieldValidation', choice<FieldValidation>(parameters, 'fieldValidation', ['Strict', 'Warn', 'Ignore'])),
      ...present('force', booleanParameter(parameters, 'force')),
      ...present('gracePeriodSeconds', integerParameter(parameters, 'gracePeriodSeconds')),
      ...present('propagationPolicy', choice<PropagationPolicy>(parameters, 'propagationPolicy', ['Orphan', 'Background', 'Foreground'])),
      ...present('orphanDependents', booleanParameter(parameters, 'orphanDependents')),
    },
  };
}
