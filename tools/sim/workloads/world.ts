import { controllerOf, createRegistry, type ApiObject, type Resource } from '@navarch/api';
import type { ObjectKey } from '@navarch/store';

/** One committed write, with what was there before. */
export interface Change {
  readonly resource: Resource;
  readonly key: ObjectKey;
  readonly before: ApiObject | undefined;
  /** Undefined: gone. */
  readonly after: ApiObject | undefined;
  /** Virtual time since the beginning. */
  readonly atMs: number;
  /** The same, milliseconds since 1970. */
  readonly nowMs: number;
}

const unwatched = new Set(['leases', 'secrets', 'serviceaccounts', 'clusterroles', 'clusterrolebindings', 'roles', 'rolebindings']);
export const leaderLeaseName = 'kube-controller-manager';

/** The truth: the objects as the log has them, write by write. Nobody's cache. */
export class World {
  private readonly kinds = new Map<string, Resource>();
  private readonly objects = new Map<string, Map<string, ApiObject>>();
  private readonly byUid = new Map<string, ApiObject>();
  private readonly dependents = new Map<string, Set<ApiObject>>();

  constructor() {
    for (const resource of createRegistry().all()) {
      const name = `${resource.group}/${resource.plural}`;
      if (!this.kinds.has(name)) this.kinds.set(name, resource);
    }
  }

  /** Undefined where nobody asks about such objects. */
  apply(key: ObjectKey, tombstone: boolean, body: Uint8Array, { atMs, nowMs }: Pick<Change, 'atMs' | 'nowMs'>): Change | undefined {
    if (unwatched.has(key.resource) && key.name !== leaderLeaseName) return undefined;
    const resource = this.kinds.get(`${key.group}/${key.resource}`);
    if (!resource) return undefined;
    const of = this.of(resource.plural);
    const place = `${key.namespace ?? ''}/${key.name}`;
    const before = of.get(place);
    const after = tombstone ? undefined : resource.codec.decode(body);
    if (before) this.unlink(before);
    if (after) {
      of.set(place, after);
      this.link(after);
    } else of.delete(place);
    return { resource, key, before, after, atMs, nowMs };
  }

  list<T extends ApiObject>(resource: Resource<T>): T[] {
    return [...this.of(resource.plural).values()] as T[];
  }

  get<T extends ApiObject>(resource: Resource<T>, namespace: string, name: string): T | undefined {
    return this.of(resource.plural).get(`${namespace}/${name}`) as T | undefined;
  }

  uid(uid: string | undefined): ApiObject | undefined {
    return uid === undefined ? undefined : this.byUid.get(uid);
  }

  /** Those of the kind that this object controls. */
  owned<T extends ApiObject>(resource: Resource<T>, owner: ApiObject): T[] {
    const all = this.dependents.get(owner.metadata?.uid ?? '');
    return [...(all ?? [])].filter((one) => this.of(resource.plural).get(`${one.metadata?.namespace ?? ''}/${one.metadata?.name ?? ''}`) === one) as T[];
  }

  all(): ApiObject[] {
    return [...this.byUid.values()];
  }

  private of(plural: string): Map<string, ApiObject> {
    let found = this.objects.get(plural);
    if (!found) this.objects.set(plural, found = new Map<string, ApiObject>());
    return found;
  }

  private link(object: ApiObject): void {
    this.byUid.set(object.metadata?.uid ?? '', object);
    const owner = controllerOf(object)?.uid;
    if (owner) this.dependents.set(owner, (this.dependents.get(owner) ?? new Set<ApiObject>()).add(object));
  }

  private unlink(object: ApiObject): void {
    this.byUid.delete(object.metadata?.uid ?? '');
    this.dependents.get(controllerOf(object)?.uid ?? '')?.delete(object);
  }
}
