import type { ApiObject } from '@navarch/api';
import { isNotFound } from '@navarch/base';
import type { Informer } from '@navarch/client';

/**
 * After a failed write of the owner's status: fine where the owner is gone and the cache knows it by now. Else throws what was
 * thrown, so that the key backs off: on a cache that is behind, dependents would be made and collected over and over.
 */
export function throwUnlessGone<T extends ApiObject>(thrown: unknown, informer: Informer<T>, { metadata }: T): void {
  const cached = informer.get(metadata?.namespace ?? '', metadata?.name ?? '');
  if (!isNotFound(thrown) || cached?.metadata?.uid === metadata?.uid) throw thrown;
}
