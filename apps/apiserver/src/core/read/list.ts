import { ApiError } from '@navarch/base';

import { selectFrom, type KindCache, type ObjectTree } from '../cache/kind-cache';
import type { Selection } from '../cache/selection';
import type { StoredObject } from '../cache/stored-object';
import { badRequest } from '../errors';
import type { ListResponse, RequestOptions } from '../request';

/** Where a paged list goes on: the version whose snapshot it shows, and the last key sent. */
interface ContinueToken {
  readonly v: 1;
  readonly rv: number;
  readonly after: string;
  /** Items still to come after this page; absent where selectors make that unknown. */
  readonly rest?: number;
}

interface Page {
  readonly items: StoredObject[];
  readonly lastKey: string;
  readonly more: boolean;
}

export function parseContinue(text: string): ContinueToken {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Partial<ContinueToken>;
    if (token.v === 1 && Number.isSafeInteger(token.rv) && typeof token.after === 'string') return token as ContinueToken;
  } catch {
    // What is not ours to read is the caller's mistake, said below.
  }
  throw badRequest('continue key is not valid: it must be the continue value of a list answer, unchanged');
}

/** Kubernetes' rules on which list options go together (apimachinery, meta/internalversion/validation). */
export function checkListOptions({ resourceVersion, resourceVersionMatch: match, continue: token }: RequestOptions): void {
  if (token && resourceVersion && resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  if (!match) return;
  if (token) throw badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided');
  if (!resourceVersion) throw badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    throw badRequest(`resourceVersionMatch: Unsupported value: "${match}": supported values: "Exact", "NotOlderThan", ""`);
  }
  if (match === 'Exact' && resourceVersion === '0') {
    throw badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
}

/** One page of a snapshot. The first page's snapshot is the present; `position` is its version. */
export function listFromCache(cache: KindCache, selection: Selection, options: RequestOptions, position: number, exact?: number): ListResponse {
  if (options.continue) return continued(cache, selection, options, parseContinue(options.continue));
  const rv = exact ?? position;
  const unlimited = options.limit === undefined && options.maxBytes === undefined;
  if (exact === undefined && unlimited) {
    return { type: 'list', items: [...cache.select(selection)], resourceVersion: String(rv) };
  }
  const indexed = exact === undefined && selection.indexed ? [...cache.select(selection)] : undefined;
  if (indexed && fits(indexed, options)) return { type: 'list', items: indexed, resourceVersion: String(rv) };
  const tree = exact === undefined ? cache.snapshot() : cache.snapshotAt(exact);
  const page = takePage(tree, selection, '', options);
  if (page.more) cache.keepSnapshot(rv, tree);
  const rest = page.more && selection.everything ? countSelected(tree, selection) - page.items.length : undefined;
  return answer(page, rv, rest);
}

function continued(cache: KindCache, selection: Selection, options: RequestOptions, token: ContinueToken): ListResponse {
  const page = takePage(snapshotOf(cache, token.rv), selection, token.after, options);
  return answer(page, token.rv, page.more && token.rest !== undefined ? token.rest - page.items.length : undefined);
}

function snapshotOf(cache: KindCache, rv: number): ObjectTree {
  try {
    return cache.snapshotAt(rv);
  } catch (cause) {
    throw new ApiError('Expired', 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.', {}, { cause });
  }
}

function takePage(tree: ObjectTree, selection: Selection, after: string, { limit = Infinity, maxBytes = Infinity }: RequestOptions): Page {
  const items: StoredObject[] = [];
  let lastKey = after;
  let bytes = 0;
  for (const [key, object] of selectFrom(tree, selection, after)) {
    bytes += object.bytes.length + itemOverheadBytes;
    if (items.length >= limit || (items.length > 0 && bytes > maxBytes)) return { items, lastKey, more: true };
    items.push(object);
    lastKey = key;
  }
  return { items, lastKey, more: false };
}

/** A field tag and a length. */
const itemOverheadBytes = 6;

function fits(items: readonly StoredObject[], { limit = Infinity, maxBytes = Infinity }: RequestOptions): boolean {
  return items.length <= limit && items.reduce((sum, item) => sum + item.bytes.length + itemOverheadBytes, 0) <= maxBytes;
}

function countSelected(tree: ObjectTree, selection: Selection): number {
  if (selection.namespace === undefined) return tree.size;
  let count = 0;
  for (const _ of selectFrom(tree, selection, '')) count++;
  return count;
}

function answer({ items, lastKey, more }: Page, rv: number, rest: number | undefined): ListResponse {
  const list: ListResponse = { type: 'list', items, resourceVersion: String(rv) };
  if (!more) return list;
  const token: ContinueToken = { v: 1, rv, after: lastKey, rest };
  return { ...list, continue: Buffer.from(JSON.stringify(token)).toString('base64url'), remainingItemCount: rest };
}
