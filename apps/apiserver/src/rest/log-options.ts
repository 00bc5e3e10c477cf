import { timeFromMs } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { PodLogOptions } from '@navarch/proto/k8s/io/api/core/v1/core';

import { booleanParameter, integerParameter } from './query';

/** PodLogOptions from a query string. Throws BadRequest that names the parameter. */
export function logOptions(search: URLSearchParams): PodLogOptions {
  const integers = ['sinceSeconds', 'tailLines', 'limitBytes'].map((name) => [name, integerParameter(search, name)] as const);
  const booleans = ['follow', 'previous', 'timestamps', 'insecureSkipTLSVerifyBackend'].map((name) => [name, booleanParameter(search, name)] as const);
  const sinceTime = search.get('sinceTime');
  const container = search.get('container');
  return {
    ...Object.fromEntries([...integers, ...booleans].filter(([, value]) => value !== undefined)),
    ...(container && { container }), ...(sinceTime && { sinceTime: timeFromMs(readTime(sinceTime)) }),
  };
}

function readTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time) || !/^\d{4}-\d\d-\d\dT/.test(text)) throw new ApiError('BadRequest', `invalid query parameter sinceTime=${JSON.stringify(text)}: must be a time such as 2006-01-02T15:04:05Z`);
  return time;
}
