import type { PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const anyAddress = '0.0.0.0';

/** The host ports a pod's containers ask for; sidecars (restartable init containers) count, other init containers do not. */
export function hostPortsOf(spec: PodSpec): readonly HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...(spec.containers ?? []), ...sidecars].flatMap((container) => container.ports ?? [])
    .filter((port) => (port.hostPort ?? 0) > 0)
    .map((port) => ({ ip: port.hostIP ?? anyAddress, protocol: port.protocol ?? 'TCP', port: port.hostPort ?? 0 }));
}

/** Two ports exclude each other on one node: same protocol and number, same address or either on every address. */
export function portsConflict(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === anyAddress || b.ip === anyAddress);
}

/** The host ports taken on one node. */
export class UsedPorts {
  private readonly taken: HostPort[] = [];

  get size(): number {
    return this.taken.length;
  }

  add(ports: readonly HostPort[]): void {
    this.taken.push(...ports);
  }

  remove(ports: readonly HostPort[]): void {
    for (const port of ports) {
      const at = this.taken.findIndex((other) => other.port === port.port && other.protocol === port.protocol && other.ip === port.ip);
      if (at >= 0) this.taken.splice(at, 1);
    }
  }

  conflictsWith(wanted: readonly HostPort[]): boolean {
    return wanted.some((port) => this.taken.some((other) => portsConflict(port, other)));
  }

  list(): readonly HostPort[] {
    return this.taken;
  }
}
