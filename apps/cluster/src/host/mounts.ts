import { readFileSync } from 'node:fs';

export interface Mount {
  readonly path: string;
  readonly type: string;
}

/** Mounts in the order in which they were made (proc(5), mountinfo). */
export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const path = fields[4];
    const type = fields[fields.indexOf('-') + 1];
    if (path === undefined || type === undefined) return [];
    return [{ path: path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))), type }];
  });
}

export function mounts(): Mount[] {
  return parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** Mount points at or below a directory, the innermost first: the order to undo them in. */
export function mountsBelow(directory: string, all: readonly Mount[] = mounts()): string[] {
  return all.map(({ path }) => path).filter((path) => path === directory || path.startsWith(`${directory}/`)).reverse();
}

/** Where control group hierarchies are mounted: one for version 2, several for version 1 and hybrid machines. */
export function cgroupMounts(all: readonly Mount[] = mounts()): string[] {
  return all.filter(({ type }) => type === 'cgroup' || type === 'cgroup2').map(({ path }) => path);
}
