import type { Clock } from '@navarch/base';

import type { PodSources } from './environment';

/** Longer than the pods of a node take for their looks at one moment, shorter than anyone notices. */
const keepMs = 2_000;

/**
 * For volumes that are brought up to date: pods of a node look at the same moment, and what several of them mount (as every pod does
 * the cluster's root certificate) is read once. Not for pods that start: what was there before a pod was made, it must see.
 */
export function createSharedSources(sources: PodSources, clock: Pick<Clock, 'monotonic'>): PodSources {
  const share = <T>(read: (namespace: string, name: string) => Promise<T>): ((namespace: string, name: string) => Promise<T>) => {
    const held = new Map<string, { readonly atMs: number; readonly answer: Promise<T> }>();
    return (namespace, name) => {
      const nowMs = clock.monotonic();
      for (const [key, { atMs }] of held) if (nowMs - atMs >= keepMs) held.delete(key);
      const key = `${namespace}/${name}`;
      const known = held.get(key);
      if (known) return known.answer;
      const answer = read(namespace, name);
      held.set(key, { atMs: nowMs, answer });
      return answer;
    };
  };
  return { ...sources, configMap: share((namespace, name) => sources.configMap(namespace, name)), secret: share((namespace, name) => sources.secret(namespace, name)) };
}
