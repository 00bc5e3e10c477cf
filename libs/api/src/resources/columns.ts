import { ageText } from '../scalars/age';
import type { ApiObject, Column } from '../resource';

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
