import type { ApiObject } from '../resource';

const abbreviations: Readonly<Record<string, string>> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' };
const betaClass = 'volume.beta.kubernetes.io/storage-class';

/** Each mode once, in the order people know. */
export function accessModesCell(modes: readonly string[] = []): string {
  return Object.entries(abbreviations).filter(([mode]) => modes.includes(mode)).map(([, short]) => short).join(',');
}

/** The annotation that came before the field still wins. */
export function storageClassCell(object: ApiObject & { spec?: { storageClassName?: string | undefined } | undefined }): string {
  return object.metadata?.annotations?.[betaClass] ?? object.spec?.storageClassName ?? '';
}

/** What is being deleted is called so, whatever else it is. */
export function phaseCell(object: ApiObject & { status?: { phase?: string | undefined } | undefined }): string {
  return object.metadata?.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? '');
}
