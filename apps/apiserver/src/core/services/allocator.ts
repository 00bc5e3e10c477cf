import { familyOf, fieldErrorsToApiError, hasNodePorts, invalidField, isHeadless, needsHealthCheck, services, type IpFamily } from '@navarch/api';
import { ApiError, type Random } from '@navarch/base';
import type { Service, ServicePort, ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import { isValid } from 'ipaddr.js';

import type { WriteContext } from '../write/writer';
import { addressAt, canonicalAddress, contains, type AddressRange, type PortRange } from './address-range';
import { addressOffsets, portCandidates } from './candidates';
import { claimsOf, type Claims } from './claims';
import { holderOf, type Holder, type Reservations } from './reservations';

export interface AllocatorOptions {
  readonly addresses: Reservations;
  readonly ports: Reservations;
  /** The ranges there are now, those to try first at the front. */
  readonly ranges: () => readonly AddressRange[];
  readonly portRange: PortRange;
  readonly random: Random;
}

/** What one write has reserved so far. */
interface Taking {
  readonly holder: Holder;
  /** What the Service held before this write. */
  readonly before: Claims;
  readonly ctx: WriteContext;
  readonly addresses: string[];
  readonly ports: string[];
}

/** Gives Services their addresses and node ports: what they name, or what is free. Each is reserved before it is promised. */
export class ServiceAllocator {
  constructor(private readonly options: AllocatorOptions) {}

  /** Fills in what `next` lacks; answers what was reserved for it. When it throws, nothing is left reserved. */
  async reserve(next: Service, previous: Service | undefined, ctx: WriteContext): Promise<Claims> {
    const taking: Taking = { holder: holderOf(next), before: claimsOf(previous?.spec), ctx, addresses: [], ports: [] };
    try {
      await this.reserveAddresses(next, taking);
      await this.reservePorts(next, taking);
      return taking;
    } catch (error) {
      await this.giveBack(taking, taking.holder, ctx);
      throw error;
    }
  }

  async giveBack({ addresses, ports }: Claims, holder: Holder, ctx: WriteContext): Promise<void> {
    if (ctx.dryRun) return;
    await Promise.all([this.options.addresses.tryGiveBack(addresses, holder, ctx), this.options.ports.tryGiveBack(ports, holder, ctx)]);
  }

  private async reserveAddresses(service: Service, taking: Taking): Promise<void> {
    const spec = service.spec ?? {};
    if (spec.type === 'ExternalName' || isHeadless(spec)) return;
    const addresses = [...(spec.clusterIPs ?? [])];
    for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
      const asked = addresses[index];
      if (asked === undefined) addresses[index] = await this.anyAddress(family as IpFamily, taking);
      else await this.thisAddress(service, asked, taking);
    }
    spec.clusterIPs = addresses;
    spec.clusterIP = addresses[0];
  }

  private async thisAddress(service: Service, asked: string, taking: Taking): Promise<void> {
    const address = isValid(asked) ? canonicalAddress(asked) : asked;
    if (taking.before.addresses.includes(address)) return;
    const ranges = this.options.ranges().filter(({ family }) => family === familyOf(address));
    const refuse = (why: string): ApiError => invalidService(service, 'spec.clusterIPs', service.spec?.clusterIPs, `failed to allocate IP ${asked}: ${why}`);
    if (!ranges.some((range) => contains(range, address))) {
      throw refuse(`the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${ranges.map(({ cidr }) => cidr).join(', ') || 'empty'}`);
    }
    if (!(await this.options.addresses.take(address, taking.holder, taking.ctx))) throw refuse('provided IP is already allocated');
    taking.addresses.push(address);
  }

  private async anyAddress(family: IpFamily, taking: Taking): Promise<string> {
    const { addresses, ranges, random } = this.options;
    for (const range of ranges().filter((one) => one.family === family)) {
      for (const offset of addressOffsets(range, addresses.count, random)) {
        const address = addressAt(range, offset);
        if (!addresses.isFree(address) || !(await addresses.take(address, taking.holder, taking.ctx))) continue;
        taking.addresses.push(address);
        return address;
      }
    }
    throw new ApiError('Internal', `Internal error occurred: failed to allocate a serviceIP: range is full (${ranges().filter((one) => one.family === family).map(({ cidr }) => cidr).join(', ')})`);
  }

  /** One number of a Service under several protocols has one node port, as Kubernetes gives them. */
  private async reservePorts(service: Service, taking: Taking): Promise<void> {
    const { spec = {} } = service;
    const { ports = [] } = spec;
    const given = new Map<number, number>();
    for (const [index, port] of ports.entries()) {
      if (port.nodePort) await this.thisPort(service, `spec.ports[${index}].nodePort`, port.nodePort, taking);
    }
    if (allocatesNodePorts(spec)) for (const port of ports) await this.fillPort(port, ports, given, taking);
    if (!needsHealthCheck(spec)) return;
    if (spec.healthCheckNodePort) await this.thisPort(service, 'spec.healthCheckNodePort', spec.healthCheckNodePort, taking);
    else spec.healthCheckNodePort = await this.anyPort(taking, 'HealthCheck NodePort');
  }

  private async fillPort(port: ServicePort, all: readonly ServicePort[], given: Map<number, number>, taking: Taking): Promise<void> {
    const number = port.port ?? 0;
    // Only another protocol may share it.
    const shared = all.find((other) => other !== port && other.port === number && other.nodePort && other.protocol !== port.protocol)?.nodePort;
    port.nodePort ??= given.get(number) ?? shared ?? (await this.anyPort(taking, 'nodePort'));
    given.set(number, port.nodePort);
  }

  private async thisPort(service: Service, field: string, port: number, taking: Taking): Promise<void> {
    const { portRange, ports } = this.options;
    const unit = String(port);
    if (taking.before.ports.includes(unit) || taking.ports.includes(unit)) return;
    if (port < portRange.first || port > portRange.last) {
      throw invalidService(service, field, port, `provided port is not in the valid range. The range of valid ports is ${portRange.first}-${portRange.last}`);
    }
    if (!(await ports.take(unit, taking.holder, taking.ctx))) throw invalidService(service, field, port, 'provided port is already allocated');
    taking.ports.push(unit);
  }

  private async anyPort(taking: Taking, what: string): Promise<number> {
    const { ports, portRange, random } = this.options;
    for (const unit of portCandidates(portRange, ports.count, random)) {
      if (!ports.isFree(unit) || taking.ports.includes(unit) || !(await ports.take(unit, taking.holder, taking.ctx))) continue;
      taking.ports.push(unit);
      return Number(unit);
    }
    throw new ApiError('Internal', `Internal error occurred: failed to allocate a ${what}: range is full (${portRange.first}-${portRange.last})`);
  }
}

const allocatesNodePorts = (spec: ServiceSpec): boolean => hasNodePorts(spec) && (spec.type !== 'LoadBalancer' || (spec.allocateLoadBalancerNodePorts ?? true));

const invalidService = ({ metadata }: Service, field: string, value: unknown, detail: string): ApiError =>
  fieldErrorsToApiError(services, metadata?.name ?? '', [invalidField(field, value, detail)]);
