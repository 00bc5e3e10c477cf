import { controllerOf, type ApiObject, type Resource } from '@navarch/api';
import { isNotFound } from '@navarch/base';
import type { Informer } from '@navarch/client';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import type { ControllerDependencies } from '../dependencies';
import type { ExpectedScale } from './plan-budget';

type Dependencies = Pick<ControllerDependencies, 'client' | 'informers' | 'resources'>;

/**
 * The sum of the sizes of all that control these pods: of the Deployment where a ReplicaSet is a Deployment's, else of whatever kind
 * has a scale.
 */
export async function expectedScale(dependencies: Dependencies, pods: readonly Pod[]): Promise<ExpectedScale> {
  const owners = new Map<string, { readonly reference: OwnerReference; readonly pod: Pod }>();
  const unmanaged: string[] = [];
  for (const pod of pods) {
    const reference = controllerOf(pod);
    if (!reference) unmanaged.push(pod.metadata?.name ?? '');
    else owners.set(reference.uid ?? '', { reference, pod });
  }
  const sizes = new Map<string, number>();
  for (const { reference, pod } of owners.values()) {
    const size = await sizeOf(dependencies, reference, pod.metadata?.namespace ?? '');
    if (!size) return { type: 'unknown', why: `found no controllers for pod "${pod.metadata?.name}"` };
    sizes.set(size.uid, size.replicas);
  }
  return { type: 'known', replicas: [...sizes.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged };
}

async function sizeOf(dependencies: Dependencies, reference: OwnerReference, namespace: string): Promise<{ readonly uid: string; readonly replicas: number } | undefined> {
  const { kind, apiVersion = '', name = '', uid = '' } = reference;
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.lastIndexOf('/')) : '';
  const resource = dependencies.resources().find((each) => each.kind === kind && each.group === group);
  if (!resource?.scale) return undefined;
  const object = await find(dependencies, resource, namespace, name);
  if (object?.metadata?.uid !== uid) return undefined;
  const above = controllerOf(object);
  const ofAbove = above && (await sizeOf(dependencies, above, namespace));
  return ofAbove ?? { uid, replicas: resource.scale.read(object).spec?.replicas ?? 0 };
}

async function find({ client, informers }: Dependencies, resource: Resource, namespace: string, name: string): Promise<ApiObject | undefined> {
  const followed = Object.values(informers).find((informer: Informer<never>) => informer.resource.group === resource.group && informer.resource.plural === resource.plural) as Informer<ApiObject> | undefined;
  const cached = followed?.get(namespace, name);
  if (cached) return cached;
  return client.resource(resource).get(namespace, name).catch((thrown: unknown) => {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  });
}
