import type { ApiObject, Resource } from '@navarch/api';
import { ApiError, isConflict } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { CrossVersionObjectReference } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import type { Scale } from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';

/** Something with a size, as it was read. */
export interface ScaleTarget {
  readonly scale: Scale;
  /** Compare-and-set on the size that was read: Conflict where it was changed meanwhile, whatever else may have been. */
  resize(replicas: number): Promise<void>;
}

/** Other writers of the object, whose writes do not touch its size, make it fail so often at most. */
const attempts = 5;

/** Any kind that has a scale, by its group and kind: which of a group's versions it is named in does not matter. */
export async function findScaleTarget(client: ApiClient, resources: readonly Resource[], namespace: string, { apiVersion = '', kind = '', name = '' }: CrossVersionObjectReference): Promise<ScaleTarget> {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.lastIndexOf('/')) : '';
  const resource = resources.find((each) => each.kind === kind && each.group === group);
  if (!resource) throw new ApiError('NotFound', `no matches for kind "${kind}" in group "${group}"`);
  const view = resource.scale;
  if (!view) throw new ApiError('NotFound', `${resource.plural}${group && `.${group}`} "${name}" has no scale`);
  const kindClient = client.resource(resource);
  const read = await kindClient.get(namespace, name);
  const before = view.read(read);
  return {
    scale: before,
    async resize(replicas) {
      let object: ApiObject = read;
      for (let attempt = 1; ; attempt++) {
        try {
          await kindClient.update(view.write(object, replicas));
          return;
        } catch (error) {
          if (!isConflict(error) || attempt === attempts) throw error;
          object = await kindClient.get(namespace, name);
          if (object.metadata?.uid !== read.metadata?.uid || view.read(object).spec?.replicas !== before.spec?.replicas) throw error;
        }
      }
    },
  };
}
