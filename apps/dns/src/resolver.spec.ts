import { seededRandom, silentLogger, VirtualClock } from '@navarch/base';
import { decode, encode, RECURSION_DESIRED, TRUNCATED_RESPONSE, type Answer, type DecodedPacket, type Packet, type Question } from 'dns-packet';
import fc from 'fast-check';

import type { Exchange } from './forward/exchange';
import { Forwarder } from './forward/forwarder';
import { maxUdpBytes } from './message/query';
import { Resolver } from './resolver';
import { sampleServices, sampleSlices, sampleZone, viewOf } from './testing';

type Rcoded = DecodedPacket & { rcode: string };
const clock = new VirtualClock(1_700_000_000_000, () => new Promise((resolve) => setImmediate(resolve)));

function rig(answers: (question: Question, server: string) => Partial<Packet> | 'silence' = () => ({}), servers = ['one', 'two'], zone = sampleZone()) {
  const asked: string[] = [];
  const exchange: Exchange = (upstream, query, signal) => new Promise((resolve, reject) => {
    const [question] = decode(query).questions ?? [];
    if (!question) throw new Error('no question');
    asked.push(`${upstream.host} ${question.name} ${question.type}`);
    const answer = answers(question, upstream.host);
    if (answer === 'silence') signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    else resolve(encode({ type: 'response', id: query.readUInt16BE(0), questions: [question], ...answer }));
  });
  const forwarder = new Forwarder({ upstreams: servers.map((host) => ({ host, port: 53 })), udp: exchange, tcp: exchange, clock, random: seededRandom(3), logger: silentLogger });
  const resolver = new Resolver({ zone, forwarder, logger: silentLogger });
  const ask = async (question: Question, more: Packet = {}, transport: 'udp' | 'tcp' = 'udp'): Promise<Rcoded> => {
    const reply = await resolver.resolve(encode({ type: 'query', id: 4_711, flags: RECURSION_DESIRED, questions: [question], ...more }), transport);
    return decode(reply ?? Buffer.alloc(0)) as Rcoded;
  };
  return { resolver, ask, asked };
}

const a = (name: string, data: string, ttl = 60): Answer => ({ type: 'A', name, ttl, data });
const edns = (udpPayloadSize: number): Answer[] => [{ type: 'OPT', name: '.', udpPayloadSize, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }];

describe('the resolver', () => {
  it('answers the cluster\'s names with authority, under the client\'s id and question', async () => {
    const { ask, asked } = rig();
    expect(await ask({ type: 'A', name: 'WEB.shop.svc.cluster.local' })).toMatchObject({
      id: 4_711, flag_qr: true, flag_aa: true, flag_rd: true, flag_ra: true, rcode: 'NOERROR', questions: [{ name: 'WEB.shop.svc.cluster.local' }], answers: [{ data: '10.96.1.1' }],
    });
    expect(asked).toEqual([]);
  });

  it('asks other servers for all other names, and keeps what they say for as long as it may be kept', async () => {
    const { ask, asked } = rig(({ name }) => ({ answers: [a(name, '192.0.2.1', 30), a(name, '192.0.2.2', 90)] }));
    expect(await ask({ type: 'A', name: 'www.example.com' })).toMatchObject({ id: 4_711, flag_aa: false, answers: [{ ttl: 30 }, { ttl: 90 }] });
    await clock.advance(20_000);
    expect(await ask({ type: 'A', name: 'wWw.ExAmPlE.com' })).toMatchObject({ questions: [{ name: 'wWw.ExAmPlE.com' }], answers: [{ ttl: 10 }, { ttl: 70 }] });
    expect(asked).toHaveLength(1);
    await clock.advance(11_000);
    await ask({ type: 'A', name: 'www.example.com' });
    expect(asked).toHaveLength(2);
  });

  it('keeps that a name is not there as long as its SOA says, and failures not at all', async () => {
    const soa: Answer = { type: 'SOA', name: 'example.com', ttl: 300, data: { mname: 'ns', rname: 'admin', minimum: 20 } };
    const { ask, asked } = rig(({ name }) => (name.startsWith('fails') ? { flags: 2 } : { flags: 3, authorities: [soa] }));
    for (const name of ['gone.example.com', 'gone.example.com', 'fails.example.com', 'fails.example.com']) await ask({ type: 'A', name });
    expect(asked.map((line) => line.split(' ')[1])).toEqual(['gone.example.com', 'fails.example.com', 'fails.example.com']);
  });

  it('asks the next server where one is silent, and the silent one last for a while', async () => {
    const { ask, asked } = rig(({ name }, server) => (server === 'one' ? 'silence' : { answers: [a(name, '192.0.2.1', 0)] }));
    const first = ask({ type: 'A', name: 'www.example.com' });
    await clock.advance(2_000);
    expect(await first).toMatchObject({ rcode: 'NOERROR' });
    await ask({ type: 'A', name: 'other.example.com' });
    expect(asked).toEqual(['one www.example.com A', 'two www.example.com A', 'two other.example.com A']);
  });

  it('says SERVFAIL where no server answers, REFUSED where there is none', async () => {
    const silent = rig(() => 'silence');
    const failed = silent.ask({ type: 'A', name: 'www.example.com' });
    await clock.advance(4_000);
    expect(await failed).toMatchObject({ rcode: 'SERVFAIL' });
    expect(await rig(undefined, []).ask({ type: 'A', name: 'www.example.com' })).toMatchObject({ rcode: 'REFUSED', answers: [] });
  });

  it('lets clients that ask the same at the same time share one question', async () => {
    const { ask, asked } = rig(({ name }) => ({ answers: [a(name, '192.0.2.1', 0)] }));
    await Promise.all(Array.from({ length: 20 }, () => ask({ type: 'A', name: 'www.example.com' })));
    expect(asked).toHaveLength(1);
  });

  it('follows an external name into the zone and out of it, and never round and round', async () => {
    const { ask } = rig(({ name }) => ({ answers: [a(name, '192.0.2.9')] }));
    const data = async (name: string): Promise<unknown[]> => ((await ask({ type: 'A', name })).answers ?? []).map((answer) => ('data' in answer ? answer.data : undefined));
    expect(await data('near.shop.svc.cluster.local')).toEqual(['web.shop.svc.cluster.local', '10.96.1.1']);
    expect(await data('far.shop.svc.cluster.local')).toEqual(['www.example.com', '192.0.2.9']);
    expect(await ask({ type: 'A', name: 'loop.shop.svc.cluster.local' })).toMatchObject({ rcode: 'SERVFAIL' });
  });

  it('cuts what a UDP client cannot take and sends it to TCP, where it gets all', async () => {
    const slices = sampleSlices.map((slice) => (slice.metadata?.name === 'db-1' ? { ...slice, endpoints: Array.from({ length: 200 }, (_, index) => ({ addresses: [`10.244.9.${index}`], conditions: { ready: true } })) } : slice));
    const { ask } = rig(undefined, [], sampleZone(viewOf(sampleServices, slices)));
    const question: Question = { type: 'A', name: 'db.shop.svc.cluster.local' };
    for (const size of [undefined, 600, 4_096]) {
      const cut = await ask(question, size === undefined ? {} : { additionals: edns(size) });
      expect([(cut.flags ?? 0) & TRUNCATED_RESPONSE, cut.answers]).toEqual([TRUNCATED_RESPONSE, []]);
    }
    expect((await ask(question, {}, 'tcp')).answers).toHaveLength(200);
  });

  it('leaves out what a client can do without before it cuts', async () => {
    const slices = sampleSlices.map((slice) => (slice.metadata?.name === 'db-1' ? { ...slice, endpoints: Array.from({ length: 6 }, (_, index) => ({ addresses: [`10.244.9.${index}`], conditions: { ready: true } })) } : slice));
    const { ask } = rig(undefined, [], sampleZone(viewOf(sampleServices, slices)));
    const reply = await ask({ type: 'SRV', name: '_sql._tcp.db.shop.svc.cluster.local' }, { additionals: edns(1_000) });
    expect([(reply.flags ?? 0) & TRUNCATED_RESPONSE, reply.answers?.length, reply.additionals?.map(({ type }) => type)]).toEqual([0, 7, ['OPT']]);
  });

  it('speaks EDNS to those who do, and only version 0', async () => {
    const { ask } = rig();
    expect((await ask({ type: 'A', name: 'web.shop.svc.cluster.local' }, { additionals: edns(4_096) })).additionals).toEqual([expect.objectContaining({ type: 'OPT', udpPayloadSize: maxUdpBytes })]);
    expect((await ask({ type: 'A', name: 'web.shop.svc.cluster.local' })).additionals).toEqual([]);
    const newer = await ask({ type: 'A', name: 'web.shop.svc.cluster.local' }, { additionals: edns(4_096).map((option) => ({ ...option, ednsVersion: 1 }) as Answer) });
    expect(newer.additionals).toEqual([expect.objectContaining({ extendedRcode: 1 })]);
  });

  it.each<[string, Question, string]>([
    ['a transfer', { type: 'AXFR', name: 'cluster.local' }, 'NOTIMP'],
    ['everything', { type: 'UNKNOWN_255' as 'A', name: 'cluster.local' }, 'NOTIMP'],
    ['another class', { type: 'A', name: 'version.bind', class: 'CH' }, 'REFUSED'],
  ])('refuses a question for %s', async (_what, question, rcode) => {
    expect(await rig().ask(question)).toMatchObject({ rcode, answers: [] });
  });

  it('says nothing to a response, nor to less than a header', async () => {
    const { resolver } = rig();
    expect(await resolver.resolve(encode({ type: 'response', id: 1, questions: [{ type: 'A', name: 'a.b' }] }), 'udp')).toBeUndefined();
    expect(await resolver.resolve(Buffer.alloc(11), 'udp')).toBeUndefined();
  });

  it('never breaks, whatever bytes come: it is silent, or answers with the id, little more than it was sent', async () => {
    const { resolver } = rig(({ name }) => ({ answers: [a(name, '192.0.2.1')] }));
    const valid = encode({ type: 'query', id: 9, questions: [{ type: 'SRV', name: '_sql._tcp.db.shop.svc.cluster.local' }], additionals: edns(4_096) });
    const mutated = fc.tuple(fc.array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }), fc.nat(valid.length)).map(([changes, length]) => {
      const bytes = Buffer.from(valid);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes.subarray(0, length);
    });
    await fc.assert(fc.asyncProperty(fc.oneof(mutated, fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes))), fc.constantFrom('udp' as const, 'tcp' as const), async (packet, transport) => {
      const reply = await resolver.resolve(packet, transport);
      if (!reply) return;
      expect([reply.readUInt16BE(0), reply.readUInt16BE(2) & 0x8000]).toEqual([packet.readUInt16BE(0), 0x8000]);
      expect(reply.length).toBeLessThanOrEqual(transport === 'udp' ? maxUdpBytes : 65_535);
    }), { numRuns: 3_000 });
  });
});
