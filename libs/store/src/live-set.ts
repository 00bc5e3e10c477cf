import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';

/** A live object's place: its subject and the sequence of its last write. */
export interface LivePlace {
  readonly subject: string;
  readonly sequence: number;
}

export interface LiveDigest {
  readonly count: number;
  /** Independent of order: the sums of two CRCs per place. */
  readonly hash: string;
}

const placesPerChunk = 10_000;

export function digestOf(places: Iterable<LivePlace>): LiveDigest {
  let [count, first, second] = [0, 0, 0];
  for (const { subject, sequence } of places) {
    const place = `${subject} ${sequence}`;
    count++;
    first = (first + crc32(place)) >>> 0;
    second = (second + crc32(place, 0x9e3779b9)) >>> 0;
  }
  return { count, hash: first.toString(16).padStart(8, '0') + second.toString(16).padStart(8, '0') };
}

/** The set in compressed pieces, each small enough for a message. */
export function encodeChunks(places: readonly LivePlace[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < places.length; start += placesPerChunk) {
    const lines = places.slice(start, start + placesPerChunk).map(({ subject, sequence }) => `${subject} ${sequence}`);
    chunks.push(deflateRawSync(lines.join('\n')));
  }
  return chunks;
}

export function decodeChunks(chunks: readonly Uint8Array[]): LivePlace[] {
  return chunks.flatMap((chunk) => inflateRawSync(chunk).toString('utf8').split('\n').map((line) => {
    const [subject = '', sequence = ''] = line.split(' ');
    return { subject, sequence: Number(sequence) };
  }));
}

/** What a load found as a subject's last message. */
export interface LoadedPlace {
  readonly sequence: number;
  readonly live: boolean;
}

/**
 * Compares what was live below `floor` when compaction recorded it with what a later load found. A recorded object may have
 * changed or gone since, but only by a write at or above the floor.
 */
export function compareLive(recorded: readonly LivePlace[], loaded: ReadonlyMap<string, LoadedPlace>, floor: number): { cameBack: string[]; went: string[] } {
  const sequences = new Map(recorded.map(({ subject, sequence }) => [subject, sequence]));
  const cameBack: string[] = [];
  for (const [subject, place] of loaded) {
    if (place.live && place.sequence < floor && sequences.get(subject) !== place.sequence) cameBack.push(subject);
  }
  const went = recorded.filter(({ subject, sequence }) => {
    const now = loaded.get(subject);
    return !now || (now.sequence < floor && (now.sequence !== sequence || !now.live));
  });
  return { cameBack, went: went.map(({ subject }) => subject) };
}
