import { readFileSync } from 'node:fs';

import { run } from '../host/exec';
import type { ImageDescription, ImageEntry } from './description';
import { pauseProgram, pauseScript } from './pause';

/** What every cluster has on its nodes, also without a way out. */
export const presetNames = { busybox: 'navarch.local/busybox:1', pause: 'navarch.local/pause:1' } as const;

export type Preset = keyof typeof presetNames;

export async function presetDescription(preset: Preset): Promise<ImageDescription> {
  if (preset === 'busybox') return busyboxDescription();
  if (process.arch === 'x64') {
    return { entries: [{ type: 'file', path: '/pause', mode: 0o755, content: pauseProgram() }], entrypoint: ['/pause'], user: '65535:65535' };
  }
  const { entries } = await busyboxDescription();
  return { entries, entrypoint: ['/bin/sh', '-c', pauseScript], user: '65535:65535' };
}

/** The machine's own static busybox with a link for each of its commands. */
async function busyboxDescription(): Promise<ImageDescription> {
  const program = await staticBusybox();
  const applets = (await run([program, '--list'])).split('\n').filter((name) => name !== '' && name !== 'busybox');
  const files: ImageEntry[] = [
    { type: 'file', path: '/bin/busybox', mode: 0o755, content: readFileSync(program) },
    { type: 'file', path: '/etc/passwd', mode: 0o644, content: Buffer.from('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n') },
    { type: 'file', path: '/etc/group', mode: 0o644, content: Buffer.from('root:x:0:\nnogroup:x:65534:\n') },
    { type: 'directory', path: '/root', mode: 0o700 },
    { type: 'directory', path: '/tmp', mode: 0o1777 },
    { type: 'directory', path: '/var/tmp', mode: 0o1777 },
  ];
  return {
    entries: [...files, ...applets.map((name): ImageEntry => ({ type: 'symlink', path: `/bin/${name}`, target: '/bin/busybox' }))],
    cmd: ['/bin/sh'],
  };
}

async function staticBusybox(): Promise<string> {
  const program = (await run(['sh', '-c', 'command -v busybox'])).trim();
  if (!isStatic(readFileSync(program))) throw new Error(`${program} needs shared libraries, which an image would not have: install busybox-static`);
  return program;
}

/** Whether an ELF program names no interpreter (PT_INTERP), and so needs nothing but the kernel. */
export function isStatic(program: Buffer): boolean {
  if (program.readUInt32BE(0) !== 0x7f454c46 || program[4] !== 2) return false;
  const headers = Number(program.readBigUInt64LE(32));
  const [size, count] = [program.readUInt16LE(54), program.readUInt16LE(56)];
  return Array.from({ length: count }, (_, index) => program.readUInt32LE(headers + index * size)).every((type) => type !== 3);
}
