import { ageText } from '../scalars/age';
import type { ApiObject, Column } from '../resource';
import { timeToText } from '../scalars/time';

/** The first column of every kind. */
export const nameColumn: Column<ApiObject> = {
  name: 'Name', type: 'string', format: 'name', description: 'Name must be unique within a namespace.',
  value: ({ metadata }) => metadata?.name ?? '',
};

/** The Age column of every kind. */
export const ageColumn: Column<ApiObject> = {
  name: 'Age', type: 'string', description: 'Time since the object was created.',
  value: ({ metadata }, nowMs) => ageText(metadata?.creationTimestamp, nowMs),
};

/** The name, with a mark on the one that its kind's annotation makes the default. */
export function defaultMarkedName(annotation: string): Column<ApiObject>['value'] {
  return ({ metadata }) => `${metadata?.name ?? ''}${metadata?.annotations?.[annotation] === 'true' ? ' (default)' : ''}`;
}

/** In place of Age where a kind has no printer of its own. */
export const createdAtColumn: Column<ApiObject> = {
  name: 'Created At', type: 'date', description: 'When the object was created.',
  value: ({ metadata }) => (metadata?.creationTimestamp ? timeToText(metadata.creationTimestamp) : '<unknown>'),
};
