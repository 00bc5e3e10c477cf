/**
 * The history of a StatefulSet's or DaemonSet's template, one ControllerRevision for each state it had (kubectl rollout
 * history and undo read them).
 *
 *   template-patch.ts  what a revision keeps, in the bytes that kubectl expects
 *   history.ts         what becomes of the history: pure
 *   sync-history.ts    makes it so: adopts, creates, renumbers; and drops what is beyond the limit
 *   config-rollouts.ts when a change of configuration becomes a revision
 *   request-trace.ts   which trace the steps of a rollout belong to
 */
import type { ControllerRevision } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { compareConfig, configRecordAnnotation, type ConfigState } from '../workload/config-use';
import { keepsPatch } from './template-patch';

/** The state that a history is to end with. */
export interface WantedRevision {
  readonly patch: Uint8Array;
  /** What the ConfigMaps and Secrets of the template hold, where the owner asks to be rolled out when they change. */
  readonly config?: ConfigState | undefined;
}

type Latest =
  | { readonly action: 'keep'; readonly revision: ControllerRevision }
  /** The state was there before: it becomes the latest again. */
  | { readonly action: 'renumber'; readonly revision: ControllerRevision; readonly number: number }
  | { readonly action: 'create'; readonly number: number };

export type HistoryPlan = Latest & {
  /** The configuration to note on the revision; undefined where it does not count. */
  readonly record?: string;
  /** The objects whose change is the reason, where nothing but configuration changed. */
  readonly changed: readonly string[];
  /** The latest revision, to go on with while the change of configuration settles. */
  readonly until?: ControllerRevision;
};

/** By number, then by age and name: the latest is last. */
export function inOrder(revisions: readonly ControllerRevision[]): ControllerRevision[] {
  const seconds = ({ metadata }: ControllerRevision): number => metadata?.creationTimestamp?.seconds ?? 0;
  const name = ({ metadata }: ControllerRevision): string => metadata?.name ?? '';
  return [...revisions].sort((left, right) => (left.revision ?? 0) - (right.revision ?? 0) || seconds(left) - seconds(right) || (name(left) < name(right) ? -1 : 1));
}

const recordOf = (revision: ControllerRevision | undefined): string | undefined => revision?.metadata?.annotations?.[configRecordAnnotation];

/** Whether a revision keeps the template and, where it counts, the configuration. */
export function isRevisionOf(revision: ControllerRevision, { patch, config }: WantedRevision): boolean {
  return keepsPatch(revision, patch) && (!config || compareConfig(recordOf(revision), config).changed.length === 0);
}

/** How the wanted state becomes the latest of the history. A revision without a record of its configuration takes the present one as its own. */
export function planHistory(revisions: readonly ControllerRevision[], wanted: WantedRevision): HistoryPlan {
  const { config } = wanted;
  const ordered = inOrder(revisions.filter(({ metadata }) => !metadata?.deletionTimestamp));
  const latest = ordered.at(-1);
  const equal = ordered.filter((revision) => isRevisionOf(revision, wanted));
  const chosen = latest && equal.includes(latest) ? latest : (equal.findLast((revision) => recordOf(revision) !== undefined) ?? equal.at(-1));
  const number = (latest?.revision ?? 0) + 1;
  const plan: Latest = !chosen ? { action: 'create', number } : chosen === latest ? { action: 'keep', revision: chosen } : { action: 'renumber', revision: chosen, number };
  if (!config) return { ...plan, changed: [] };
  const { record } = compareConfig(recordOf(chosen), config);
  // The template stayed, what it uses did not.
  if (latest && chosen !== latest && keepsPatch(latest, wanted.patch)) return { ...plan, record, changed: compareConfig(recordOf(latest), config).changed, until: latest };
  return { ...plan, record, changed: [] };
}

/**
 * What goes, so that no more than `limit` remain besides those in use: the oldest, but first those of a template that a later
 * revision keeps too, which differ by configuration only: to them nobody can roll back.
 */
export function planTruncation(revisions: readonly ControllerRevision[], inUse: (revision: ControllerRevision) => boolean, limit: number): ControllerRevision[] {
  const ordered = inOrder(revisions.filter(({ metadata }) => !metadata?.deletionTimestamp));
  const idle = ordered.filter((revision) => !inUse(revision));
  const repeated = new Set(idle.filter((revision) => recordOf(revision) !== undefined && ordered.slice(ordered.indexOf(revision) + 1).some((later) => keepsPatch(later, revision.data?.raw ?? new Uint8Array()))));
  return [...repeated, ...idle.filter((revision) => !repeated.has(revision))].slice(0, Math.max(0, idle.length - limit));
}

/** The alphabet of Kubernetes' own hashes: digits become letters that form no words. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** A short hash for names and labels, of FNV-1a (32 bits), as Kubernetes spells them. */
export function safeHash(...parts: readonly (Uint8Array | string | number)[]): string {
  let hash = 0x811c9dc5;
  for (const part of parts) {
    for (const byte of typeof part === 'object' ? part : Buffer.from(String(part))) hash = Math.imul(hash ^ byte, 0x01000193);
    // A boundary, so that (ab, c) is not (a, bc).
    hash = Math.imul(hash ^ 0xff, 0x01000193);
  }
  return Array.from(String(hash >>> 0), (digit) => alphabet[(digit.charCodeAt(0)) % alphabet.length]).join('');
}
