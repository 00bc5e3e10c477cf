import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import type { ApiObject, Resource } from '../resource';

/** group/version, or only the version in the core group. */
export function apiVersionOf({ group, version }: Pick<Resource, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Names this object as the controlling owner of another, as controllers write it. */
export function ownerReference(resource: Pick<Resource, 'group' | 'version' | 'kind'>, { metadata }: ApiObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource), kind: resource.kind, name: metadata?.name ?? '', uid: metadata?.uid ?? '',
    controller: true, blockOwnerDeletion: true,
  };
}

/** The owner that controls the object, if any. */
export function controllerOf({ metadata }: ApiObject): OwnerReference | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller === true);
}
