import { randomUuid, type Random } from '@navarch/base';

import type { HostFiles } from '../host/host';

export interface PayloadFile {
  readonly data: Uint8Array;
  readonly mode: number;
  /** Whose it is; root's unless told. */
  readonly userId?: number;
}

/** A volume's files by their path in it. */
export type Payload = Map<string, PayloadFile>;

/** What a group must be able to do with files and directories that are its own (Kubernetes' fsGroup, for volumes that are only read). */
const groupReads = 0o440;
const groupEnters = 0o2550;

/**
 * Kubernetes' layout: files lie in a directory of their own, `..data` points to it and is swapped in one step, so that a reader sees all
 * of the old or all of the new; what readers open are links through `..data`.
 */
export async function writePayload(files: HostFiles, random: Random, root: string, payload: Payload, groupId?: number): Promise<void> {
  const data = `${root}/..data`;
  if (await isCurrent(files, data, payload)) return;
  const names = await files.list(root);
  const fresh = `..${randomUuid(random)}`;
  await writeFiles(files, `${root}/${fresh}`, payload, groupId);
  if (groupId !== undefined) await files.own(root, { groupId, mode: 0o755 | groupEnters });
  await files.link(fresh, data);
  const tops = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? ''));
  for (const top of tops) if (!names.includes(top)) await files.link(`..data/${top}`, `${root}/${top}`);
  for (const name of names) if (name !== '..data' && !tops.has(name)) await files.remove(`${root}/${name}`);
}

async function writeFiles(files: HostFiles, root: string, payload: Payload, groupId: number | undefined): Promise<void> {
  const directories = new Set([root]);
  for (const path of payload.keys()) path.split('/').slice(0, -1).forEach((_part, index, parts) => directories.add(`${root}/${parts.slice(0, index + 1).join('/')}`));
  for (const directory of directories) {
    await files.makeDirectory(directory, 0o755);
    if (groupId !== undefined) await files.own(directory, { groupId, mode: 0o755 | groupEnters });
  }
  for (const [path, { data, mode, userId }] of payload) {
    const target = `${root}/${path}`;
    const effective = groupId === undefined ? mode : mode | groupReads;
    await files.write(target, data, effective);
    if (groupId !== undefined || userId !== undefined) await files.own(target, { mode: effective, ...(groupId !== undefined && { groupId }), ...(userId !== undefined && { userId }) });
  }
}

async function isCurrent(files: HostFiles, data: string, payload: Payload): Promise<boolean> {
  const present = await filesBelow(files, data, '');
  if (present.length !== payload.size || !(await files.stat(data))) return false;
  for (const path of present) {
    const wanted = payload.get(path);
    if (!wanted || !(await files.read(`${data}/${path}`)).equals(Buffer.from(wanted.data))) return false;
  }
  return true;
}

async function filesBelow(files: HostFiles, root: string, below: string): Promise<string[]> {
  const names = await files.list(`${root}${below}`);
  const nested = await Promise.all(names.map(async (name) => {
    const path = `${below}/${name}`;
    return (await files.stat(`${root}${path}`))?.kind === 'directory' ? filesBelow(files, root, path) : [path.slice(1)];
  }));
  return nested.flat();
}
