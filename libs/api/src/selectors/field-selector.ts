import { ApiError } from '@navarch/base';

import type { ApiObject, Resource } from '../resource';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

export interface FieldMatcher<T> {
  readonly requirements: readonly FieldRequirement[];
  matches(object: T): boolean;
}

const commonFields: Readonly<Record<string, (object: ApiObject) => string>> = {
  'metadata.name': (object) => object.metadata?.name ?? '',
  'metadata.namespace': (object) => object.metadata?.namespace ?? '',
};

/**
 * `a=b,c==d,e!=f` with `\,`, `\=` and `\\` in values. Throws ApiError BadRequest for malformed text and for fields the
 * kind does not offer.
 */
export function parseFieldSelector<T extends ApiObject>(text: string, resource: Pick<Resource<T>, 'fieldSelectors' | 'namespaced'>): FieldMatcher<T> {
  const requirements = splitTerms(text).filter((term) => term !== '').map((term) => parseTerm(term, text));
  const tests = requirements.map(({ field, operator, value }) => {
    const read = readerOf(field, resource);
    return (object: T): boolean => (read(object) === value) === (operator === '=');
  });
  return { requirements, matches: (object) => tests.every((test) => test(object)) };
}

function readerOf<T extends ApiObject>(field: string, { fieldSelectors, namespaced }: Pick<Resource<T>, 'fieldSelectors' | 'namespaced'>): (object: T) => string {
  const own = Object.hasOwn(fieldSelectors, field) ? fieldSelectors[field] : undefined;
  const common = Object.hasOwn(commonFields, field) && (namespaced || field === 'metadata.name') ? commonFields[field] : undefined;
  const read = own ?? common;
  if (!read) throw new ApiError('BadRequest', `field label not supported: ${field}`);
  return read;
}

/** At commas that no backslash precedes. */
function splitTerms(text: string): string[] {
  return text.match(/(?:\\.|[^\\,])+/gs) ?? [];
}

function parseTerm(term: string, whole: string): FieldRequirement {
  const match = /^((?:\\.|[^\\=!])*?)(!=|==|=)(.*)$/s.exec(term);
  if (!match) throw new ApiError('BadRequest', `invalid selector: '${whole}'; can't understand '${term}'`);
  const [, field = '', operator, value = ''] = match;
  return { field, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value) };
}

function unescapeValue(value: string): string {
  if (!/^(?:\\[\\,=]|[^\\,=])*$/s.test(value)) {
    throw new ApiError('BadRequest', `invalid field selector: invalid escape sequence or unescaped character in value: ${value}`);
  }
  return value.replace(/\\([\\,=])/g, '$1');
}
