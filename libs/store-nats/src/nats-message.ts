import type { StreamMessage } from '@navarch/store';
import type { Msg } from '@nats-io/transport-node';

/** Where the client keeps a message as it came; not part of its public interface, so its absence is provided for. */
interface Received {
  readonly _rdata?: Uint8Array;
  readonly _msg?: { readonly hdr: number };
}

/** A delivered message. Its headers are searched in the bytes: the client's own decoding takes six times as long, which a load of 200,000 feels. */
export class NatsMessage implements StreamMessage {
  readonly subject: string;
  private text: string | undefined;

  constructor(private readonly message: Msg, readonly sequence: number, readonly timeMs: number) {
    this.subject = message.subject;
  }

  get body(): Uint8Array {
    return this.message.data;
  }

  header(name: string): string | undefined {
    this.text ??= headerText(this.message);
    const at = this.text.indexOf(`\r\n${name}:`);
    if (at < 0) return undefined;
    const start = at + name.length + 3;
    return this.text.slice(start, this.text.indexOf('\r\n', start)).trim() || undefined;
  }
}

/** `NATS/1.0`, then `name: value` per line, each ended by CR LF. */
function headerText(message: Msg): string {
  const { _rdata: data, _msg: place } = message as Msg & Received;
  if (data && place) return place.hdr > 0 ? Buffer.from(data.buffer, data.byteOffset, place.hdr).toString('latin1') : '';
  const lines = ['NATS/1.0'];
  for (const [name, values] of message.headers ?? []) for (const value of values) lines.push(`${name}: ${value}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
