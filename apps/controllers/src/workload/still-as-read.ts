import type { ApiObject, Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { ApiClient } from '@navarch/client';

/**
 * Asks the API, not the cache, whether the owner is what a plan was made for. For steps that a stale read would make
 * costly: pods that go, claims that will go with them. Throws Conflict (hence backs off, until the cache has caught up)
 * where it is another, is being deleted, or wants something else by now.
 */
export async function mustBeAsRead<O extends ApiObject>(client: ApiClient, resource: Resource<O>, { metadata }: O): Promise<void> {
  const { namespace = '', name = '', uid, generation } = metadata ?? {};
  const { metadata: present } = await client.resource(resource).get(namespace, name);
  if (present?.uid === uid && present?.generation === generation && present?.deletionTimestamp === undefined) return;
  throw new ApiError('Conflict', `${resource.kind} ${namespace}/${name} has changed since it was read (generation ${generation}, now ${present?.generation}): nothing is taken away on a stale read`);
}
