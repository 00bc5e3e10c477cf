/**
 * The person's machine reaches node ports at 127.0.0.1, although no address of the cluster exists there. Two processes:
 *
 *   client ──► doorkeeper (on the machine: holds 127.0.0.1:<nodePort>) ──connection, as a handle──► relay (in the namespace of the
 *   cluster's links) ──► <node's address>:<nodePort> ──► the Service, as from any client outside the cluster
 *
 * The relay follows Services, says which ports to hold, and connects to a node that is Ready, or to the next where one refuses although the
 * Service has endpoints. No byte passes the doorkeeper but UDP's.
 */
import type { Socket } from 'node:net';

import { endpointSlices, nodes, services } from '@navarch/api';
import { randomInt, toError, type Clock, type Logger, type Random } from '@navarch/base';
import { createEventRecorder, createInformer, startController, watching, type ApiClient } from '@navarch/client';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';
import { joinSockets } from '@navarch/streaming';

import { dial } from './dial';
import { doorId, type Door, type FromDoorkeeper, type ToDoorkeeper } from './messages';
import { hasEndpoint, nodeAddresses, wantedDoors, type WantedDoor } from './plan-doors';
import { UdpSessions } from './udp-sessions';

export interface RelayDependencies {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** To the doorkeeper. */
  send(message: ToDoorkeeper): void;
  /** A port that someone else holds is asked for again after so long; 10,000 ms unless told. */
  readonly retryMs?: number;
}

export interface Relay {
  /** From the doorkeeper. */
  receive(message: FromDoorkeeper, connection?: Socket): void;
  /** Closes all doors and ends all connections. */
  close(): Promise<void>;
}

const everything = { namespace: '', name: 'doors' };
const serviceLabel = 'kubernetes.io/service-name';

export function runRelay(dependencies: RelayDependencies): Relay {
  return new NodePortRelay(dependencies);
}

class NodePortRelay implements Relay {
  private wanted = new Map<string, WantedDoor>();
  /** Doors that were asked for; false where they could not be had. */
  private readonly asked = new Map<string, boolean>();
  private readonly open = new Set<Socket>();
  private readonly stop = new AbortController();
  private readonly udp: UdpSessions;
  private readonly events;
  private readonly services;
  private readonly nodes;
  private readonly slices;
  private readonly controller;

  constructor(private readonly dependencies: RelayDependencies) {
    const { client, clock, random, logger, send } = dependencies;
    this.events = createEventRecorder({ client, clock, random, logger, component: 'navarch-relay' });
    this.services = createInformer({ client: client.resource(services), resource: services, clock, random, logger });
    this.nodes = createInformer({ client: client.resource(nodes), resource: nodes, clock, random, logger });
    this.slices = createInformer({
      client: client.resource(endpointSlices), resource: endpointSlices, clock, random, logger,
      indexes: { service: ({ metadata }) => [`${metadata?.namespace}/${metadata?.labels?.[serviceLabel]}`] },
    });
    this.udp = new UdpSessions({ clock, addressFor: (port) => this.anyAddress(port), reply: (port, to, data) => send({ kind: 'reply', port, client: to, data }) });
    this.controller = startController({
      name: 'relay/doors', clock, random, logger, signal: this.stop.signal,
      // No door opens before it is known where it leads.
      watches: [watching(this.services, { keys: () => [everything] }), watching(this.nodes, { keys: () => [] }), watching(this.slices, { keys: () => [] })],
      reconcile: () => Promise.resolve(this.holdWhatIsWanted()),
    });
    for (const informer of [this.services, this.nodes, this.slices]) informer.start(this.stop.signal);
  }

  receive(message: FromDoorkeeper, connection?: Socket): void {
    if (message.kind === 'opened') this.noteOpened(message.door, message.error);
    else if (message.kind === 'datagram') this.udp.forward(message.port, message.client, message.data);
    else if (connection) void this.carry(message.port, connection);
  }

  async close(): Promise<void> {
    this.stop.abort(new Error('the relay stops'));
    for (const id of this.asked.keys()) this.release(id);
    for (const socket of this.open) socket.destroy();
    this.udp.close();
    await this.controller.done;
    await this.events.flush();
  }

  private holdWhatIsWanted(): void {
    this.wanted = wantedDoors(this.services.list());
    for (const id of [...this.asked.keys()]) {
      if (!this.wanted.has(id)) this.release(id);
    }
    for (const [id, { protocol, port }] of this.wanted) {
      if (this.asked.get(id)) continue;
      this.asked.set(id, true);
      this.dependencies.send({ kind: 'open', door: { protocol, port } });
    }
  }

  private release(id: string): void {
    this.asked.delete(id);
    const [protocol, port] = id.split('/');
    this.dependencies.send({ kind: 'close', door: { protocol: protocol === 'udp' ? 'udp' : 'tcp', port: Number(port) } });
  }

  private noteOpened(door: Door, error: string | undefined): void {
    const wanted = this.wanted.get(doorId(door));
    if (!wanted) return;
    const { namespace, name, uid } = wanted;
    if (error === undefined) {
      this.dependencies.logger.info('node port on this machine', { ...door, service: `${namespace}/${name}` });
      return;
    }
    this.asked.set(doorId(door), false);
    this.events.event({ kind: 'Service', apiVersion: 'v1', namespace, name, ...(uid !== undefined && { uid }) }, 'Warning', 'NodePortUnavailable', `${door.protocol} port ${door.port} of this machine cannot be had: ${error}`);
    this.controller.enqueue(everything, this.dependencies.retryMs ?? 10_000);
  }

  private addressesOf(door: WantedDoor): string[] {
    return nodeAddresses(door, this.nodes.list(), this.slicesOf(door));
  }

  private slicesOf({ namespace, name }: WantedDoor): readonly EndpointSlice[] {
    return this.slices.by('service', `${namespace}/${name}`);
  }

  private anyAddress(port: number): string | undefined {
    const door = this.wanted.get(doorId({ protocol: 'udp', port }));
    const addresses = door ? this.addressesOf(door) : [];
    return addresses[addresses.length > 1 ? randomInt(this.dependencies.random, addresses.length) : 0];
  }

  private async carry(port: number, client: Socket): Promise<void> {
    const { clock, random, logger } = this.dependencies;
    const door = this.wanted.get(doorId({ protocol: 'tcp', port }));
    client.on('error', () => undefined);
    client.allowHalfOpen = true;
    this.open.add(client);
    try {
      const target = await dial({
        port, clock, random, addresses: () => (door ? this.addressesOf(door) : []), isServed: () => door !== undefined && hasEndpoint(door, this.slicesOf(door)),
        isWanted: () => !client.destroyed && !this.stop.signal.aborted,
      });
      joinSockets(client, target, this.open, (error) => logger.debug('a relayed connection failed', { port, error: error.message }));
    } catch (thrown) {
      logger.info('a connection from this machine was refused', { port, service: `${door?.namespace}/${door?.name}`, reason: toError(thrown).message });
      this.open.delete(client);
      client.resetAndDestroy();
    }
  }
}

