import { badRequest, unknownResource } from './errors';
import type { Kind } from './kinds';
import type { ApiRequest, RequestOptions } from './request';
import { mainStrategy, statusStrategy, type UpdateStrategy } from './write/update';

export function isWrite({ verb }: ApiRequest): boolean {
  return verb !== 'get' && verb !== 'list' && verb !== 'watch';
}

const longSubresources = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

/** Answers that may take as long as the caller likes. */
export function isStreaming({ verb, target }: ApiRequest): boolean {
  return verb === 'watch' || longSubresources.has(target.subresource ?? '');
}

/** By which rules an update or patch of the object, its status or another view of it forms the next state. */
export function strategyFor({ resource, extension }: Kind, { target }: ApiRequest): UpdateStrategy {
  const { subresource = '' } = target;
  if (subresource === '') return mainStrategy(resource);
  const strategy = extension?.views?.[subresource] ?? (subresource === 'status' ? statusStrategy(resource) : undefined);
  if (!strategy) throw unknownResource();
  return strategy;
}

/** Options whose values are checked alike for every verb. */
export function checkOptions({ dryRun, fieldValidation, limit, fieldManager }: RequestOptions): void {
  for (const value of dryRun ?? []) {
    if (value !== 'All') throw badRequest(`dryRun: Unsupported value: "${value}": supported values: "All"`);
  }
  if (fieldValidation !== undefined && !['Strict', 'Warn', 'Ignore'].includes(fieldValidation)) {
    throw badRequest(`fieldValidation: Unsupported value: "${String(fieldValidation)}": supported values: "Ignore", "Strict", "Warn"`);
  }
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) throw badRequest(`limit: Invalid value: ${limit}: must be a positive whole number`);
  if (fieldManager !== undefined && fieldManager.length > 128) throw badRequest('fieldManager: Invalid value: must not be longer than 128 characters');
}
