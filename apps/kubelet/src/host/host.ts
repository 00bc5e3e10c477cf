/** The machine below a kubelet: files, sockets, /proc and cgroups. Injected, so that many kubelets run in one process without any of it. */

export type FileKind = 'file' | 'directory' | 'socket' | 'character' | 'block' | 'other';

export interface HostFiles {
  /** With its parents; fine where it exists. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  /** Whole, or its last `tailBytes`; NotFound where there is none. */
  read(path: string, options?: { readonly tailBytes?: number }): Promise<Buffer>;
  /** At most `length` bytes from `offset`; empty at the end; NotFound where there is none. */
  readAt(path: string, offset: number, length: number): Promise<Buffer>;
  /** What tells one file from the one that took its name: undefined where there is none. */
  stat(path: string): Promise<{ readonly kind: FileKind; readonly size: number; readonly identity: string } | undefined>;
  /** Replaced whole or not at all; its directory must exist. */
  write(path: string, data: Uint8Array | string, mode?: number): Promise<void>;
  /** Names in it; none where it does not exist. */
  list(path: string): Promise<readonly string[]>;
  /** With all below it, unmounting what is mounted there; fine where it does not exist. */
  remove(path: string): Promise<void>;
  /** Takes the place of what has that name. */
  rename(from: string, to: string): Promise<void>;
  /** A symbolic link, replaced whole. */
  link(target: string, path: string): Promise<void>;
  /** For all users to write, with the group's files kept the group's: an emptyDir. */
  setOwner(path: string, groupId: number): Promise<void>;
  /** Owner, group and mode of one file or directory; what is not told stays. */
  own(path: string, owner: { readonly userId?: number; readonly groupId?: number; readonly mode: number }): Promise<void>;
  /** A memory file system at `path`; fine where it is one. */
  mountMemory(path: string, sizeBytes: number | undefined): Promise<void>;
  /** Calls back when something in the directory may have changed; answers how to stop. */
  watch(directory: string, onChange: () => void): () => void;
}

export interface HttpProbeRequest {
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
}

export interface HostNetwork {
  /** Rejects with the reason where nobody accepts in time. */
  connect(host: string, port: number, timeoutMs: number): Promise<void>;
  /** Certificates are not checked (Kubernetes' probes do not either); redirects are not followed. */
  httpGet(request: HttpProbeRequest, timeoutMs: number): Promise<{ readonly status: number; readonly body: string }>;
}

export interface MachineFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** As Go names it: amd64, arm64. */
  readonly architecture: string;
  readonly nodeDns: { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] };
}

export interface MachineUsage {
  readonly memoryAvailableBytes: number;
  readonly storageAvailableBytes: number;
  readonly storageBytes: number;
  readonly processes: number;
  readonly maxProcesses: number;
  /** Of all processors together, since the machine began. */
  readonly cpuNanoseconds: number;
  /** In use, without files that can go at once. */
  readonly memoryWorkingSetBytes: number;
}

/** What the processes of a cgroup and of those below it use. */
export interface CgroupUsage {
  /** Since the cgroup was made. */
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
  /** Without files that nobody has looked at for a while: what the kernel cannot take back without harm. */
  readonly workingSetBytes: number;
}

export interface Host {
  readonly files: HostFiles;
  readonly network: HostNetwork;
  machine(): Promise<MachineFacts>;
  usage(): Promise<MachineUsage>;
  /** Of a cgroup (path below the hierarchy roots); undefined where it does not exist. */
  cgroupUsage(path: string): Promise<CgroupUsage | undefined>;
  /** Removes a cgroup (path below the hierarchy roots) with those below it, in every hierarchy; fine where it does not exist or is busy. */
  removeCgroup(path: string): Promise<void>;
}
