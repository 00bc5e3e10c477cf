import type { Resource } from '@navarch/api';
import { isNotFound } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { itemOf, type Item } from './owner-graph';

/** More than anybody deletes at once; what is forgotten is only asked again. */
const maxRemembered = 10_000;

/**
 * Whether an owner is there, by a current read. That one is absent stays true for ever, because no uid comes twice: it is asked
 * once for all of its dependents.
 */
export class OwnerLookup {
  private readonly absent = new Set<string>();
  private readonly asking = new Map<string, Promise<Item | undefined>>();

  constructor(private readonly client: ApiClient) {}

  /** The owner as it is now; undefined where there is none of this name and uid in the namespace. */
  async find(resource: Resource, namespace: string, { name = '', uid = '' }: OwnerReference, signal: AbortSignal): Promise<Item | undefined> {
    const key = [resource.group, resource.plural, namespace, name, uid].join('/');
    if (this.absent.has(key)) return undefined;
    const asked = this.asking.get(key) ?? this.ask(key, resource, namespace, name, uid, signal);
    this.asking.set(key, asked);
    return asked;
  }

  private async ask(key: string, resource: Resource, namespace: string, name: string, uid: string, signal: AbortSignal): Promise<Item | undefined> {
    try {
      const found = await this.client.resource(resource).get(namespace, name, { signal });
      if (found.metadata?.uid === uid) return itemOf(resource, found);
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    } finally {
      this.asking.delete(key);
    }
    this.remember(key);
    return undefined;
  }

  private remember(key: string): void {
    const oldest = this.absent.size >= maxRemembered ? this.absent.values().next().value : undefined;
    if (oldest !== undefined) this.absent.delete(oldest);
    this.absent.add(key);
  }
}
