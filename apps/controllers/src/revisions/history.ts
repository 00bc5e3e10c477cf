/**
 * The history of a StatefulSet's or DaemonSet's template, one ControllerRevision for each state it had (kubectl rollout
 * history and undo read them).
 *
 *   template-patch.ts  what a revision keeps, in the bytes that kubectl expects
 *   history.ts         what becomes of the history: pure
 *   sync-history.ts    makes it so: adopts, creates, renumbers; and drops what is beyond the limit
 */
import type { ControllerRevision } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { keepsPatch } from './template-patch';

/** The state that a history is to end with. */
export interface WantedRevision {
  readonly patch: Uint8Array;
  /** Stands for the ConfigMaps and Secrets that the template uses, where the owner asked to be rolled out when they change. */
  readonly configHash?: string | undefined;
}

/** Where a revision notes the configuration that it stands for, beside its template. */
export const configHashAnnotation = 'navarch.io/config-hash';

export type HistoryPlan =
  | { readonly action: 'keep'; readonly revision: ControllerRevision }
  /** The state was there before: it becomes the latest again. */
  | { readonly action: 'renumber'; readonly revision: ControllerRevision; readonly number: number }
  | { readonly action: 'create'; readonly number: number };

/** By number, then by age and name: the latest is last. */
export function inOrder(revisions: readonly ControllerRevision[]): ControllerRevision[] {
  const seconds = ({ metadata }: ControllerRevision): number => metadata?.creationTimestamp?.seconds ?? 0;
  const name = ({ metadata }: ControllerRevision): string => metadata?.name ?? '';
  return [...revisions].sort((left, right) => (left.revision ?? 0) - (right.revision ?? 0) || seconds(left) - seconds(right) || (name(left) < name(right) ? -1 : 1));
}

export function isRevisionOf(revision: ControllerRevision, { patch, configHash }: WantedRevision): boolean {
  return revision.metadata?.annotations?.[configHashAnnotation] === configHash && keepsPatch(revision, patch);
}

/** How the wanted state becomes the latest of the history. */
export function planHistory(revisions: readonly ControllerRevision[], wanted: WantedRevision): HistoryPlan {
  const ordered = inOrder(revisions.filter(({ metadata }) => !metadata?.deletionTimestamp));
  const latest = ordered.at(-1);
  const number = (latest?.revision ?? 0) + 1;
  const equal = ordered.findLast((revision) => isRevisionOf(revision, wanted));
  if (!equal) return { action: 'create', number };
  return equal === latest ? { action: 'keep', revision: equal } : { action: 'renumber', revision: equal, number };
}

/** What goes, oldest first, so that no more than `limit` remain besides those in use. */
export function planTruncation(revisions: readonly ControllerRevision[], inUse: (revision: ControllerRevision) => boolean, limit: number): ControllerRevision[] {
  const idle = inOrder(revisions).filter((revision) => !inUse(revision) && !revision.metadata?.deletionTimestamp);
  return idle.slice(0, Math.max(0, idle.length - limit));
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
