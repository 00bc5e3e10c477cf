import { withResourceVersion, type ApiObject, type Resource } from '@navarch/api';
import type { TraceHeaders } from '@navarch/base';
import type { ObjectMeta } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import type { LogEntry } from '@navarch/store';

import { firstField } from './wire-field';

/**
 * One version of one object: the bytes every reader gets, with the version in its place inside metadata, made once when
 * the cache takes the write in. Everything derived (decoded form, JSON, metadata alone) is made at first use and kept.
 * Shared by all readers: never change what it hands out.
 */
export class StoredObject<T extends ApiObject = ApiObject> implements TraceHeaders {
  private decoded: T | undefined;
  private jsonBytes: Buffer | undefined;

  constructor(
    readonly resource: Resource<T>,
    readonly namespace: string,
    readonly name: string,
    readonly uid: string,
    /** 0: never written (dry run). */
    readonly sequence: number,
    readonly timeMs: number,
    /** The protobuf message, with metadata.resourceVersion. */
    readonly bytes: Uint8Array,
    readonly traceparent?: string,
    readonly origin?: string,
  ) {}

  get resourceVersion(): string {
    return this.sequence === 0 ? '' : String(this.sequence);
  }

  get object(): T {
    this.decoded ??= this.resource.codec.decode(this.bytes);
    return this.decoded;
  }

  get metadata(): ObjectMeta {
    return this.object.metadata ?? {};
  }

  /** As Kubernetes writes it, with apiVersion and kind first. */
  get json(): Buffer {
    const { group, version, kind } = this.resource;
    const head = { apiVersion: group ? `${group}/${version}` : version, kind };
    this.jsonBytes ??= Buffer.from(JSON.stringify({ ...head, ...this.resource.codec.toJson(this.object) }));
    return this.jsonBytes;
  }

  /** A PartialObjectMetadata message: metadata is field 1 of every object. */
  get metadataBytes(): Uint8Array {
    return firstField(this.bytes, 1);
  }

  /** The same state under another version: what a DELETED event shows. */
  at(sequence: number): StoredObject<T> {
    const bytes = withResourceVersion(this.bytes, String(sequence));
    return new StoredObject(this.resource, this.namespace, this.name, this.uid, sequence, this.timeMs, bytes, this.traceparent, this.origin);
  }
}

/** A log entry as readers will see it. Throws where the body is not a message at all. */
export function storedFromEntry(resource: Resource, entry: LogEntry): StoredObject {
  const bytes = withResourceVersion(entry.body, String(entry.sequence));
  const { namespace, name } = entry.key;
  return new StoredObject(resource, namespace, name, entry.uid, entry.sequence, entry.timeMs, bytes, entry.traceparent, entry.origin);
}
