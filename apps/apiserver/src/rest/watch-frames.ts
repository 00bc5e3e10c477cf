import { codecFor, encodeEnvelope, type JsonObject } from '@navarch/api';
import { type Status, WatchEvent } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import type { WatchItem } from '../core/cache/watch-item';
import type { Negotiated } from './negotiation';
import { renderObject } from './render';
import type { TableOptions } from './table';

const statusCodec = codecFor<Status>('k8s.io.apimachinery.pkg.apis.meta.v1.Status');

/** Watch events on the wire: JSON lines, or length-prefixed protobuf frames (encodings: "Watch"). */
export interface FrameOptions extends Pick<TableOptions, 'includeObject'> {
  readonly negotiated: Negotiated;
  readonly now: () => number;
  /** Over WebSocket each message is one event: no newline, no length. */
  readonly framed: boolean;
}

/** Makes each event's bytes. Keeps whether a Table's columns have been sent: one per watch. */
export class WatchFramer {
  private columnsSent = false;

  constructor(private readonly options: FrameOptions) {}

  event(item: WatchItem): Buffer {
    const { negotiated, includeObject, now } = this.options;
    const object = renderObject(item.object, { negotiated, includeObject, nowMs: now(), pretty: false, withoutColumns: this.columnsSent });
    this.columnsSent = true;
    return this.frame(item.type, object);
  }

  /** The event that ends a watch with a failure. */
  error(status: JsonObject): Buffer {
    if (this.options.negotiated.encoding !== 'protobuf') return this.frame('ERROR', Buffer.from(JSON.stringify(status)));
    const raw = statusCodec.encode(statusCodec.fromJson(status));
    return this.frame('ERROR', Buffer.from(encodeEnvelope({ apiVersion: 'v1', kind: 'Status', raw })));
  }

  private frame(type: string, object: Buffer): Buffer {
    if (this.options.negotiated.encoding === 'protobuf') {
      const event = Buffer.from(WatchEvent.encode({ type, object: { raw: object } }).finish());
      if (!this.options.framed) return event;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(event.length);
      return Buffer.concat([length, event]);
    }
    const text = object.at(-1) === 0x0a ? object.subarray(0, -1) : object;
    return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), text, Buffer.from(this.options.framed ? '}\n' : '}')]);
  }
}
