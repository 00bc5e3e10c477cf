import type { Deployment, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { compareConfig, configRecordAnnotation, type ConfigState } from '../workload/config-use';
import { latestRevisionFirst, sameTemplate } from './facts';

/** Which ReplicaSet is to have the pods. */
export interface SetChoice {
  /** Of the present template (and configuration); undefined: it must be made. */
  readonly newSet: ReplicaSet | undefined;
  /** The configuration to note on it; undefined where the Deployment does not ask for it. */
  readonly record?: string;
  /** The objects whose change is the reason, where nothing but configuration changed. */
  readonly changed: readonly string[];
  /** What to choose while the change of configuration settles. */
  readonly until?: SetChoice;
}

/**
 * The set of the template, the one of the latest revision where there are several. Where configuration counts: the one
 * that was made with the present configuration; one that has no record takes it as its own.
 */
export function chooseSet(deployment: Deployment, sets: readonly ReplicaSet[], config: ConfigState | undefined): SetChoice {
  const byRevision = [...sets].sort(latestRevisionFirst);
  const candidates = byRevision.filter(({ spec }) => sameTemplate(spec?.template, deployment.spec?.template));
  const [first] = candidates;
  if (!config) return { newSet: first, changed: [] };
  const compare = (set: ReplicaSet | undefined) => compareConfig(recordOf(set), config);
  const same = (set: ReplicaSet): boolean => compare(set).changed.length === 0;
  const match = candidates.find((set) => recordOf(set) !== undefined && same(set)) ?? candidates.find(same);
  if (first === undefined || first !== byRevision[0] || same(first)) {
    const newSet = first && same(first) ? first : match;
    return { newSet, record: compare(newSet).record, changed: [] };
  }
  // The template stayed, what it uses did not.
  const { changed } = compare(first);
  return { newSet: match, record: compare(match).record, changed, until: { newSet: first, changed: [] } };
}

const recordOf = (set: ReplicaSet | undefined): string | undefined => set?.metadata?.annotations?.[configRecordAnnotation];
