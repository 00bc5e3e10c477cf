import { CHECKING_DISABLED, decode, type Answer } from 'dns-packet';
import type { Logger } from '@navarch/base';

import type { CachedKey } from './forward/cache';
import type { Forwarder } from './forward/forwarder';
import { questionEnd } from './forward/raw-message';
import { maxUdpBytes, readQuery, writeReply, type Query, type Rcode } from './message/query';
import type { ClusterZone, ZoneAnswer } from './zone/zone';

export type Transport = 'udp' | 'tcp';

export interface ResolverOptions {
  readonly zone: ClusterZone;
  readonly forwarder: Forwarder;
  readonly logger: Logger;
  /** Hears each answer: for metrics. */
  readonly observe?: (rcode: Rcode | 'FORWARDED', transport: Transport) => void;
}

/** A chain of names may not lead further than this. */
const maxNames = 8;
const elsewhereEdns = Buffer.from('0000290400000000000000', 'hex');

/** Packet in, packet out: from the cluster's zone where the name is in it, from other servers where it is not. */
export class Resolver {
  constructor(private readonly options: ResolverOptions) {}

  /** Undefined where nothing must be said. Never rejects. */
  async resolve(packet: Buffer, transport: Transport): Promise<Buffer | undefined> {
    const read = readQuery(packet);
    if (!read) return undefined;
    if ('refuse' in read) {
      this.options.observe?.('FORMERR', transport);
      return read.refuse;
    }
    try {
      return await this.answer(read.query, packet, transport);
    } catch (error) {
      this.options.logger.error('a question could not be answered', { name: read.query.question.name, type: read.query.question.type, error });
      return this.refuse(read.query, 'SERVFAIL', transport);
    }
  }

  private async answer(query: Query, packet: Buffer, transport: Transport): Promise<Buffer> {
    const { name, type, class: questionClass } = query.question;
    if (questionClass !== 'IN') return this.refuse(query, 'REFUSED', transport);
    // Transfers, and questions for everything, only serve to make a small packet large (RFC 8482).
    if (type === 'AXFR' || type === 'IXFR' || String(type) === 'ANY') return this.refuse(query, 'NOTIMP', transport);
    const own = this.options.zone.answer(name, type);
    if (!own) return this.forward(query, packet, transport);
    const { rcode, answers, authorities, additionals } = own.elsewhere === undefined ? own : await this.follow(own, own.elsewhere, type, transport);
    this.options.observe?.(rcode, transport);
    return writeReply(query, { rcode, authoritative: true, answers, authorities, additionals }, transport);
  }

  /** Where an ExternalName leads: within the zone as far as it goes, then by one question to others. */
  private async follow(first: ZoneAnswer, elsewhere: string, type: string, transport: Transport): Promise<ZoneAnswer> {
    const answers: Answer[] = [...first.answers];
    let name = elsewhere;
    for (let names = 1; names < maxNames; names += 1) {
      const next = this.options.zone.answer(name, type);
      if (!next) return { ...first, answers: [...answers, ...(await this.foreign(name, type, transport))] };
      answers.push(...next.answers);
      if (next.elsewhere === undefined) return { ...first, answers };
      name = next.elsewhere;
    }
    throw new Error(`a chain of more than ${maxNames} names`);
  }

  /** Others' answers to a question of our own; none where nobody knows: the client has the name to ask for. */
  private async foreign(name: string, type: string, transport: Transport): Promise<readonly Answer[]> {
    if (!this.options.forwarder.exists) return [];
    const key: CachedKey = { name, type, edns: true, dnssecOk: false, checkingDisabled: false };
    const found = await this.options.forwarder.ask(questionFor(name, type), key, transport);
    return found ? decode(found).answers ?? [] : [];
  }

  private async forward(query: Query, packet: Buffer, transport: Transport): Promise<Buffer> {
    const { forwarder, observe } = this.options;
    if (!forwarder.exists) return this.refuse(query, 'REFUSED', transport);
    const key: CachedKey = {
      name: query.question.name, type: query.question.type, edns: query.edns !== undefined, dnssecOk: query.edns?.dnssecOk ?? false,
      checkingDisabled: (query.flags & CHECKING_DISABLED) !== 0,
    };
    const found = await forwarder.ask(packet, key, transport);
    if (!found) return this.refuse(query, 'SERVFAIL', transport);
    observe?.('FORWARDED', transport);
    const limit = transport === 'tcp' ? 65_535 : Math.min(query.edns?.udpBytes ?? 512, maxUdpBytes);
    return found.length <= limit ? addressed(found, query, packet) : truncated(query, packet);
  }

  private refuse(query: Query, rcode: Rcode, transport: Transport): Buffer {
    this.options.observe?.(rcode, transport);
    return writeReply(query, { rcode }, transport);
  }
}

/** The answer as this client's: its id, and its way to write the name (clients hide chance in the case of letters). */
function addressed(answer: Buffer, { id }: Query, packet: Buffer): Buffer {
  const reply = Buffer.from(answer);
  reply.writeUInt16BE(id, 0);
  if (reply.readUInt16BE(4) === 1) packet.copy(reply, 12, 12, questionEnd(packet));
  return reply;
}

/** Nothing but the question, and the bit that sends the client to TCP. */
function truncated({ id, flags }: Query, packet: Buffer): Buffer {
  const reply = Buffer.from(packet.subarray(0, questionEnd(packet)));
  reply.writeUInt16BE(id, 0);
  reply.writeUInt16BE(0x8000 | 0x0200 | 0x0080 | flags, 2);
  reply.fill(0, 6, 12);
  return reply;
}

function questionFor(name: string, type: string): Buffer {
  const query: Query = { id: 0, question: { name, type: type as 'A', class: 'IN' }, flags: 0x0100 };
  const packet = writeReply(query, { rcode: 'NOERROR' }, 'tcp');
  packet.writeUInt16BE(0x0100, 2);
  packet.writeUInt16BE(1, 10);
  return Buffer.concat([packet, elsewhereEdns]);
}
