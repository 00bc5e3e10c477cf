import {
  AUTHORITATIVE_ANSWER, CHECKING_DISABLED, decode, encode, RECURSION_AVAILABLE, RECURSION_DESIRED, TRUNCATED_RESPONSE,
  type Answer, type DecodedPacket, type OptAnswer, type Question,
} from 'dns-packet';

/** Largest answer by UDP that we send or say that we take: what fits one packet on every link (DNS flag day 2020). */
export const maxUdpBytes = 1_232;
/** Without EDNS (RFC 1035, 2.3.4). */
const plainUdpBytes = 512;
const headerBytes = 12;

/** RFC 1035, 4.1.1 and RFC 6891. */
export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;
export type Rcode = keyof typeof rcodes;

export interface Query {
  readonly id: number;
  readonly question: Question;
  /** Bits to be repeated in the answer: recursion desired, checking disabled. */
  readonly flags: number;
  readonly edns?: { readonly udpBytes: number; readonly dnssecOk: boolean };
}

export interface Reply {
  readonly rcode: Rcode;
  readonly authoritative?: boolean;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly additionals?: readonly Answer[];
}

/** A query to be answered, a refusal to be sent as it is, or nothing at all to say. */
export type ReadQuery = { readonly query: Query } | { readonly refuse: Buffer } | undefined;

/** Reads what came in. To a response, or to less than a header, nothing is said: two servers must never talk to each other for ever. */
export function readQuery(packet: Buffer): ReadQuery {
  if (packet.length < headerBytes || (packet.readUInt16BE(2) & 0x8000) !== 0) return undefined;
  const [id, bits] = [packet.readUInt16BE(0), packet.readUInt16BE(2)];
  const refuse = (rcode: Rcode): ReadQuery => ({ refuse: header(id, bits, rcodes[rcode]) });
  if (((bits >> 11) & 0xf) !== 0) return refuse('NOTIMP');
  if (packet.readUInt16BE(4) !== 1) return refuse('FORMERR');
  let message: DecodedPacket;
  try {
    message = decode(packet);
  } catch {
    return refuse('FORMERR');
  }
  const [question] = message.questions ?? [];
  const options = (message.additionals ?? []).filter((record): record is OptAnswer => record.type === 'OPT');
  if (!question || !isWritable(question) || options.length > 1) return refuse('FORMERR');
  const [edns] = options;
  const query: Query = {
    id, question, flags: bits & (RECURSION_DESIRED | CHECKING_DISABLED),
    ...(edns && { edns: { udpBytes: Math.max(edns.udpPayloadSize, plainUdpBytes), dnssecOk: edns.flag_do } }),
  };
  if (edns && edns.ednsVersion > 0) return { refuse: writeReply(query, { rcode: 'BADVERS' }, 'udp') };
  return { query };
}

/** A name that would not come back as it was sent cannot be answered: labels that hold dots, for example. */
function isWritable({ name }: Question): boolean {
  return name === '.' || name.split('.').every((label) => label.length > 0 && Buffer.byteLength(label) <= 63);
}

function header(id: number, bits: number, rcode: number): Buffer {
  const reply = Buffer.alloc(headerBytes);
  reply.writeUInt16BE(id, 0);
  reply.writeUInt16BE(0x8000 | (bits & 0x7800) | (bits & RECURSION_DESIRED) | rcode, 2);
  return reply;
}

/** The bytes of an answer. By UDP, what the client cannot take is left out: records it can do without first, then all, with the bit that sends it to TCP. */
export function writeReply(query: Query, reply: Reply, transport: 'udp' | 'tcp'): Buffer {
  const limit = transport === 'tcp' ? 65_535 : Math.min(query.edns?.udpBytes ?? plainUdpBytes, maxUdpBytes);
  const whole = written(query, reply);
  if (whole.length <= limit) return whole;
  const short = written(query, { ...reply, additionals: [] });
  if (short.length <= limit) return short;
  return written(query, { ...reply, answers: [], authorities: [], additionals: [] }, TRUNCATED_RESPONSE);
}

function written({ id, question, flags, edns }: Query, { rcode, authoritative = false, answers = [], authorities = [], additionals = [] }: Reply, more = 0): Buffer {
  const option: OptAnswer[] = edns
    ? [{ type: 'OPT', name: '.', udpPayloadSize: maxUdpBytes, extendedRcode: rcodes[rcode] >> 4, ednsVersion: 0, flags: edns.dnssecOk ? 0x8000 : 0, flag_do: edns.dnssecOk, options: [] }]
    : [];
  return encode({
    type: 'response', id, questions: [question], answers: [...answers], authorities: [...authorities], additionals: [...additionals, ...option],
    flags: flags | more | RECURSION_AVAILABLE | (authoritative ? AUTHORITATIVE_ANSWER : 0) | (rcodes[rcode] & 0xf),
  });
}
