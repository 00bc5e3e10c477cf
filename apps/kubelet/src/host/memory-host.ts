import { ApiError } from '@navarch/base';

import type { CgroupUsage, FileKind, Host, HostFiles, HostNetwork, MachineFacts, MachineUsage } from './host';

type Entry = { kind: 'directory' } | { kind: 'file'; data: Buffer; identity: string } | { kind: 'link'; target: string };

export interface MemoryHostOptions {
  readonly machine?: Partial<MachineFacts>;
  readonly usage?: () => Partial<MachineUsage>;
  readonly network?: Partial<HostNetwork>;
  /** What a cgroup uses, by its path; idle unless told. */
  readonly cgroupUsage?: (path: string) => CgroupUsage | undefined;
}

const gibibyte = 1024 ** 3;

/** A machine in memory: for hollow nodes, the simulation and tests. Sockets refuse unless told otherwise. */
export function createMemoryHost(options: MemoryHostOptions = {}): Host & { readonly files: MemoryFiles } {
  const machine: MachineFacts = {
    cpus: 4, memoryBytes: 16 * gibibyte, storageBytes: 100 * gibibyte, machineId: 'hollow', systemUuid: 'hollow', bootId: 'hollow',
    kernelVersion: 'hollow', osImage: 'hollow', architecture: 'amd64', nodeDns: { servers: [], searches: [], options: [] }, ...options.machine,
  };
  return {
    files: new MemoryFiles(),
    network: {
      connect: async (host, port) => { throw new Error(`connect ECONNREFUSED ${host}:${port}`); },
      httpGet: async ({ host, port }) => { throw new Error(`connect ECONNREFUSED ${host}:${port}`); },
      ...options.network,
    },
    machine: async () => machine,
    usage: async () => ({
      memoryAvailableBytes: machine.memoryBytes / 2, storageAvailableBytes: machine.storageBytes / 2, storageBytes: machine.storageBytes,
      processes: 100, maxProcesses: 32_768, cpuNanoseconds: 0, memoryWorkingSetBytes: machine.memoryBytes / 2, ...options.usage?.(),
    }),
    cgroupUsage: async (path) => (options.cgroupUsage ? options.cgroupUsage(path) : { cpuNanoseconds: 0, memoryBytes: 0, workingSetBytes: 0 }),
    removeCgroup: async () => undefined,
  };
}

export class MemoryFiles implements HostFiles {
  private readonly entries = new Map<string, Entry>([['/', { kind: 'directory' }]]);
  private readonly watchers = new Map<string, Set<() => void>>();
  private readonly owners = new Map<string, { readonly userId?: number; readonly groupId?: number; readonly mode: number }>();
  private made = 0;

  async makeDirectory(path: string): Promise<void> {
    const parts = path.split('/').filter(Boolean);
    parts.forEach((_part, index) => {
      const at = `/${parts.slice(0, index + 1).join('/')}`;
      const found = this.entries.get(this.resolve(at));
      if (found && found.kind !== 'directory') throw new ApiError('Conflict', `${at} is not a directory`);
      if (!found) this.entries.set(at, { kind: 'directory' });
    });
  }

  async read(path: string, options: { readonly tailBytes?: number } = {}): Promise<Buffer> {
    const { data } = this.file(path);
    return Buffer.from(options.tailBytes === undefined ? data : data.subarray(Math.max(0, data.length - options.tailBytes)));
  }

  async readAt(path: string, offset: number, length: number): Promise<Buffer> {
    return Buffer.from(this.file(path).data.subarray(offset, offset + length));
  }

  async stat(path: string): Promise<{ kind: FileKind; size: number; identity: string } | undefined> {
    const entry = this.entries.get(this.resolve(path));
    if (!entry || entry.kind === 'link') return undefined;
    return entry.kind === 'file' ? { kind: 'file', size: entry.data.length, identity: entry.identity } : { kind: 'directory', size: 0, identity: path };
  }

  async write(path: string, data: Uint8Array | string): Promise<void> {
    this.put(path, Buffer.from(data as Uint8Array), `${this.made++}`);
  }

  /** Adds to a file, keeping it the same file: what a container writes to its log. */
  append(path: string, data: string): void {
    const old = this.entries.get(this.resolve(path));
    if (old?.kind === 'file') this.put(path, Buffer.concat([old.data, Buffer.from(data)]), old.identity);
    else this.put(path, Buffer.from(data), `${this.made++}`);
  }

  async list(path: string): Promise<readonly string[]> {
    const prefix = `${this.resolve(path)}/`;
    return [...this.entries.keys()].filter((key) => key.startsWith(prefix) && !key.slice(prefix.length).includes('/')).map((key) => key.slice(prefix.length)).sort();
  }

  async remove(path: string): Promise<void> {
    for (const key of [...this.entries.keys()]) if (key === path || key.startsWith(`${path}/`)) this.entries.delete(key);
    this.tell(path);
  }

  async rename(from: string, to: string): Promise<void> {
    const { data, identity } = this.file(from);
    this.put(to, data, identity);
    this.entries.delete(this.resolve(from));
  }

  async link(target: string, path: string): Promise<void> {
    this.parentOf(path);
    this.entries.set(path, { kind: 'link', target });
    this.tell(path);
  }

  async setOwner(path: string): Promise<void> {
    if (!this.entries.has(this.resolve(path))) throw notFound(path);
  }

  async own(path: string, owner: { readonly userId?: number; readonly groupId?: number; readonly mode: number }): Promise<void> {
    const at = this.resolve(path);
    if (!this.entries.has(at)) throw notFound(path);
    this.owners.set(at, owner);
  }

  /** What `own` was last told of a file. */
  ownerOf(path: string): { readonly userId?: number; readonly groupId?: number; readonly mode: number } | undefined {
    return this.owners.get(this.resolve(path));
  }

  async mountMemory(path: string): Promise<void> {
    await this.makeDirectory(path);
  }

  watch(directory: string, onChange: () => void): () => void {
    const set = this.watchers.get(directory) ?? new Set();
    this.watchers.set(directory, set.add(onChange));
    return () => set.delete(onChange);
  }

  private put(path: string, data: Buffer, identity: string): void {
    this.parentOf(path);
    const at = this.resolve(path);
    if (this.entries.get(at)?.kind === 'directory') throw new ApiError('Conflict', `${path} is a directory`);
    this.entries.set(at, { kind: 'file', data, identity });
    this.tell(path);
  }

  private file(path: string): Extract<Entry, { kind: 'file' }> {
    const entry = this.entries.get(this.resolve(path));
    if (entry?.kind !== 'file') throw notFound(path);
    return entry;
  }

  private parentOf(path: string): void {
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    if (this.entries.get(this.resolve(parent))?.kind !== 'directory') throw notFound(parent);
  }

  /** Follows links anywhere in the path; 40 at most, as the kernel does. */
  private resolve(path: string): string {
    let current = path;
    for (let round = 0; round < 40; round += 1) {
      const linked = this.firstLink(current);
      if (!linked) return current;
      current = linked;
    }
    throw new ApiError('Invalid', `${path}: too many links`);
  }

  private firstLink(path: string): string | undefined {
    for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
      const at = end < 0 ? path : path.slice(0, end);
      const entry = this.entries.get(at);
      if (entry?.kind === 'link') {
        const base = entry.target.startsWith('/') ? entry.target : `${at.slice(0, at.lastIndexOf('/'))}/${entry.target}`;
        return end < 0 ? base : base + path.slice(end);
      }
      if (end < 0) return undefined;
    }
  }

  private tell(path: string): void {
    for (const onChange of this.watchers.get(path.slice(0, path.lastIndexOf('/')) || '/') ?? []) onChange();
  }
}

const notFound = (path: string): ApiError => new ApiError('NotFound', `${path}: no such file or directory`);
