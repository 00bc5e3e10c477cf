import { ApiError, traceIdOf } from '@navarch/base';
import { crc32 } from 'node:zlib';

import type { StreamMessage, StreamWrite } from './log-stream';
import type { LogEntry, LogVerb, LogWrite, ObjectKey } from './object-log';
import { describeKey } from './subject';

/** How an object's write looks as a message: its headers, and the checksum that finds a body that is not what was written. */
export const headerNames = {
  verb: 'Navarch-Verb', uid: 'Navarch-Uid', messageId: 'Nats-Msg-Id', checksum: 'Navarch-Checksum', format: 'Navarch-Format',
  traceparent: 'traceparent', origin: 'Navarch-Origin',
} as const;

const formatVersion = '1';
const longestSubject = 2_048;

export function encodeWrite(write: LogWrite, subject: string): StreamWrite {
  checkWrite(write, subject);
  const headers: Record<string, string> = {
    [headerNames.verb]: write.verb,
    [headerNames.uid]: write.uid,
    [headerNames.checksum]: checksumOf(subject, write.verb, write.uid, write.body),
    [headerNames.format]: formatVersion,
  };
  // W3C Trace Context: an invalid traceparent is ignored, it never fails the request.
  if (write.traceparent !== undefined && traceIdOf(write.traceparent)) headers[headerNames.traceparent] = write.traceparent;
  if (write.origin !== undefined && traceIdOf(write.origin)) headers[headerNames.origin] = write.origin;
  return { subject, headers, body: write.body, messageId: write.messageId, expectedSequence: write.expectedSequence };
}

/** The entry of a message, checked. Throws Internal with the key where the message is not what was written. */
export function decodeEntry(message: StreamMessage, key: ObjectKey): LogEntry {
  const verb = message.header(headerNames.verb);
  const uid = message.header(headerNames.uid) ?? '';
  const format = message.header(headerNames.format);
  if (format !== undefined && format !== formatVersion) throw corrupt(message, key, `has format ${format}, and this version reads ${formatVersion}`);
  if (!isVerb(verb)) throw corrupt(message, key, `has no valid verb (${verb ?? 'none'})`);
  const checksum = checksumOf(message.subject, verb, uid, message.body);
  if (message.header(headerNames.checksum) !== checksum) throw corrupt(message, key, 'does not match its checksum');
  const traceparent = message.header(headerNames.traceparent);
  const origin = message.header(headerNames.origin);
  return {
    sequence: message.sequence, key, verb, uid, messageId: message.header(headerNames.messageId) ?? '', timeMs: message.timeMs, body: message.body,
    ...(traceparent !== undefined && { traceparent }), ...(origin !== undefined && { origin }),
  };
}

/** Whether this message is a tombstone, without reading its body. */
export function isTombstone(message: StreamMessage): boolean {
  return message.header(headerNames.verb) === 'delete';
}

function checksumOf(subject: string, verb: LogVerb, uid: string, body: Uint8Array): string {
  return crc32(body, crc32(`${subject}\n${verb}\n${uid}\n`)).toString(16);
}

function isVerb(text: string | undefined): text is LogVerb {
  return text === 'create' || text === 'update' || text === 'delete';
}

function corrupt(message: StreamMessage, key: ObjectKey, what: string): ApiError {
  return new ApiError('Internal', `the log's entry ${message.sequence} of ${describeKey(key)} ${what}: it is not served; write or restore the object anew`, { name: key.name, kind: key.resource, group: key.group });
}

function checkWrite(write: LogWrite, subject: string): void {
  if (subject.length > longestSubject) throw new ApiError('Invalid', `the key ${describeKey(write.key).slice(0, 200)}… is too long for the log`);
  if (!/^[\x21-\x7e]{1,255}$/.test(write.messageId)) throw new ApiError('Invalid', 'a message id must be 1 to 255 printable ASCII characters');
  if (!/^[\x21-\x7e]{0,255}$/.test(write.uid)) throw new ApiError('Invalid', 'a uid must be at most 255 printable ASCII characters');
  if (!Number.isSafeInteger(write.expectedSequence) || write.expectedSequence < 0) throw new ApiError('Invalid', `${write.expectedSequence} is not a sequence`);
}
