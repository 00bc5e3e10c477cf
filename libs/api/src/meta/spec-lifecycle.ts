import { deepEqual } from '../deep-equal';
import type { ApiObject, Resource } from '../resource';
import { countGeneration, startGeneration } from './generation';

type Observed = ApiObject & { spec?: unknown; status?: unknown };
type Lifecycle<T extends ApiObject> = Pick<Resource<T>, 'prepareForCreate' | 'prepareForUpdate'>;

/** A new object has no status yet, whatever its creator says, and an update keeps the one it has. */
export function statusOnly<T extends Observed>(): Lifecycle<T> {
  return {
    prepareForCreate(object) {
      delete object.status;
    },
    prepareForUpdate(next, previous) {
      next.status = previous.status;
    },
  };
}

/** Besides, generation counts the versions of what is wanted: the spec, unless told otherwise. */
export function countedGeneration<T extends Observed>(wanted: (object: T) => unknown = ({ spec }) => spec): Lifecycle<T> {
  const { prepareForCreate, prepareForUpdate } = statusOnly<T>();
  return {
    prepareForCreate(object) {
      prepareForCreate(object);
      startGeneration(object);
    },
    prepareForUpdate(next, previous) {
      prepareForUpdate(next, previous);
      countGeneration(next, previous, !deepEqual(wanted(next), wanted(previous)));
    },
  };
}
