import type { Kind } from '../kinds';
import type { ApiRequest } from '../request';
import { decodeBody } from './body';

/** Kinds whose objects an update may make, as plural.group: those whose strategy in Kubernetes says AllowCreateOnUpdate. */
const kinds = new Set([
  'endpoints.', 'events.', 'events.events.k8s.io', 'limitranges.', 'podtemplates.', 'services.', 'leases.coordination.k8s.io', 'priorityclasses.scheduling.k8s.io',
  'roles.rbac.authorization.k8s.io', 'clusterroles.rbac.authorization.k8s.io', 'rolebindings.rbac.authorization.k8s.io', 'clusterrolebindings.rbac.authorization.k8s.io',
]);

/** Whether an update of what is not there makes it. Not where the caller names a version or uid: then it means an object that is gone. */
export function createdByUpdate({ resource }: Kind, request: ApiRequest): boolean {
  if (request.target.subresource || !kinds.has(`${resource.plural}.${resource.group}`)) return false;
  const { resourceVersion = '0', uid } = bodyOf(resource, request).metadata ?? {};
  return resourceVersion === '0' && uid === undefined;
}

function bodyOf(resource: Kind['resource'], request: ApiRequest): ReturnType<typeof decodeBody> {
  return request.body && 'object' in request.body ? request.body.object : decodeBody(resource, { ...request, warn: undefined });
}
