import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { watch, type Stats } from 'node:fs';
import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, statfs, symlink, writeFile } from 'node:fs/promises';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect } from 'node:net';
import { arch, cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

import { ApiError } from '@navarch/base';

import { createCgroupReader } from './cgroup-usage';
import type { FileKind, Host, HostFiles, HostNetwork, HttpProbeRequest, MachineFacts, MachineUsage } from './host';

const run = promisify(execFile);

export interface LinuxHostOptions {
  /** Whose file system counts as the node's storage. */
  readonly rootDirectory: string;
}

/** This machine: its file system, its network namespace (the process's own), /proc and cgroup v1 or hybrid hierarchies. */
export function createLinuxHost({ rootDirectory }: LinuxHostOptions): Host {
  return {
    files, network, machine: () => readMachine(rootDirectory), usage: () => readUsage(rootDirectory), cgroupUsage: createCgroupReader(), removeCgroup,
  };
}

function translate(path: string, thrown: unknown): Error {
  const error = thrown as NodeJS.ErrnoException;
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return new ApiError('NotFound', `${path}: no such file or directory`, {}, { cause: thrown });
  return new ApiError(error.code === 'EEXIST' || error.code === 'EISDIR' ? 'Conflict' : 'Internal', `${path}: ${error.message}`, {}, { cause: thrown });
}

async function at<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translate(path, error);
  }
}

const temporary = (path: string): string => `${path}.${randomBytes(6).toString('hex')}.tmp`;

async function readAt(path: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function mountsBelow(path: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const points = lines.map((line) => (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(parseInt(octal, 8))));
  return points.filter((point) => point === path || point.startsWith(`${path}/`)).reverse();
}

const files: HostFiles = {
  makeDirectory: (path, mode) => at(path, async () => {
    await mkdir(path, { recursive: true });
    // mkdir's mode is cut by the umask; an emptyDir must be open to every user.
    if (mode !== undefined) await chmod(path, mode);
  }),
  read: (path, options) => at(path, async () => {
    if (options?.tailBytes === undefined) return readFile(path);
    const { size } = await stat(path);
    const length = Math.min(size, options.tailBytes);
    return readAt(path, size - length, length);
  }),
  readAt: (path, offset, length) => at(path, () => readAt(path, offset, length)),
  async stat(path) {
    const found = await stat(path).catch(() => undefined);
    return found && { kind: kindOf(found), size: found.size, identity: `${found.dev}:${found.ino}` };
  },
  write: (path, data, mode = 0o644) => at(path, async () => {
    const beside = temporary(path);
    try {
      await writeFile(beside, data, { mode });
      await chmod(beside, mode);
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
  }),
  async list(path) {
    return (await readdir(path).catch(() => [])).sort();
  },
  remove: (path) => at(path, async () => {
    for (const point of await mountsBelow(path)) await run('umount', ['-l', point]);
    await rm(path, { recursive: true, force: true });
  }),
  rename: (from, to) => at(from, () => rename(from, to)),
  link: (target, path) => at(path, async () => {
    const beside = temporary(path);
    await symlink(target, beside);
    await rename(beside, path);
  }),
  setOwner: (path, groupId) => at(path, async () => {
    const { uid } = await stat(path);
    await chown(path, uid, groupId);
    await chmod(path, 0o2777);
  }),
  own: (path, { userId, groupId, mode }) => at(path, async () => {
    const { uid, gid } = await stat(path);
    await chown(path, userId ?? uid, groupId ?? gid);
    // After chown, which takes set-group-id away.
    await chmod(path, mode);
  }),
  mountMemory: (path, sizeBytes) => at(path, async () => {
    await mkdir(path, { recursive: true });
    if ((await mountsBelow(path)).includes(path)) return;
    await run('mount', ['-t', 'tmpfs', '-o', sizeBytes === undefined ? 'mode=1777' : `mode=1777,size=${sizeBytes}`, 'tmpfs', path]);
  }),
  watch(directory, onChange) {
    const watcher = watch(directory, { persistent: false }, () => onChange());
    watcher.on('error', () => onChange());
    return () => watcher.close();
  },
};

function kindOf(found: Stats): FileKind {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'directory';
  if (found.isSocket()) return 'socket';
  if (found.isCharacterDevice()) return 'character';
  return found.isBlockDevice() ? 'block' : 'other';
}

const maxProbeBody = 10_240;

const network: HostNetwork = {
  connect: (host, port, timeoutMs) => new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const finish = (error?: Error): void => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    socket.once('connect', () => finish());
    socket.once('error', finish);
    socket.once('timeout', () => finish(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
  }),
  httpGet: (request, timeoutMs) => new Promise((resolve, reject) => {
    const options = { headers: headersOf(request), timeout: timeoutMs, rejectUnauthorized: false, agent: false as const };
    const host = request.host.includes(':') ? `[${request.host}]` : request.host;
    const url = `${request.scheme.toLowerCase()}://${host}:${request.port}${request.path.startsWith('/') ? '' : '/'}${request.path}`;
    const client = (request.scheme === 'HTTPS' ? httpsGet : httpGet)(url, options, (response: IncomingMessage) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => { if (body.length < maxProbeBody) body += chunk; });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    client.on('timeout', () => client.destroy(new Error(`Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`)));
    client.on('error', (error) => reject(new Error(`Get "${url}": ${error.message}`)));
  }),
};

function headersOf({ headers }: HttpProbeRequest): Record<string, string> {
  return { 'user-agent': 'kube-probe/1.0', accept: '*/*', connection: 'close', ...Object.fromEntries(headers) };
}

const text = async (path: string): Promise<string> => (await readFile(path, 'utf8').catch(() => '')).trim();

async function readMachine(rootDirectory: string): Promise<MachineFacts> {
  const disk = await statfs(rootDirectory);
  const release_ = await text('/etc/os-release');
  const machineId = (await text('/etc/machine-id')) || (await text('/var/lib/dbus/machine-id'));
  return {
    cpus: cpus().length, memoryBytes: totalmem(), storageBytes: disk.blocks * disk.bsize, machineId,
    systemUuid: (await text('/sys/class/dmi/id/product_uuid')) || machineId, bootId: await text('/proc/sys/kernel/random/boot_id'),
    kernelVersion: release(), osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(release_)?.[1] ?? 'Linux',
    architecture: arch() === 'x64' ? 'amd64' : arch(), nodeDns: parseResolvConf(await text('/etc/resolv.conf')),
  };
}

/** Exported for its test. */
export function parseResolvConf(content: string): MachineFacts['nodeDns'] {
  const words = (keyword: string): string[] => content.split('\n').map((line) => line.trim().split(/\s+/)).filter(([first]) => first === keyword).flatMap(([, ...rest]) => rest);
  return { servers: words('nameserver'), searches: words('search'), options: words('options') };
}

async function readUsage(rootDirectory: string): Promise<MachineUsage> {
  const disk = await statfs(rootDirectory);
  const memory = await text('/proc/meminfo');
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(memory)?.[1] ?? 0);
  const threads = /\/(\d+)\s/.exec(await text('/proc/loadavg'))?.[1];
  return {
    memoryAvailableBytes: kilobytes('MemAvailable') * 1024, storageAvailableBytes: disk.bavail * disk.bsize, storageBytes: disk.blocks * disk.bsize,
    processes: Number(threads ?? 0), maxProcesses: Number((await text('/proc/sys/kernel/pid_max')) || 32_768),
    cpuNanoseconds: processorTime(await text('/proc/stat')), memoryWorkingSetBytes: (kilobytes('MemTotal') - kilobytes('MemFree') - kilobytes('Inactive\\(file\\)')) * 1024,
  };
}

/** What the processors did that was not waiting, by the first line of /proc/stat (user, nice, system, idle, iowait, irq, softirq, steal). Exported for its test. */
export function processorTime(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (/^cpu\s+(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number);
  return (user + nice + system + irq + softirq) * nanosecondsPerTick;
}

/** USER_HZ is 100 on every machine that Node.js runs on. */
const nanosecondsPerTick = 10_000_000;

/** Depth first: a cgroup can go only when it holds neither tasks nor children. */
async function removeTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) if (entry.isDirectory()) await removeTree(`${path}/${entry.name}`);
  await rmdir(path).catch(() => undefined);
}

async function removeCgroup(path: string): Promise<void> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const roots = lines.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4] ?? '');
  await Promise.all([...new Set(roots)].map((root) => removeTree(`${root}${path}`)));
}
