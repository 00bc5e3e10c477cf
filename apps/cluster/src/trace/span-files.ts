import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { spansOf, type OtlpRequest, type TraceSpan } from './otlp';

/** The span files of a directory, rotated ones included. */
export async function spanFilesIn(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => /\.jsonl?(\.1)?$/.test(name)).sort().map((name) => join(directory, name));
}

export interface ReadTrace {
  readonly spans: readonly TraceSpan[];
  /** Lines that mention the trace but are no JSON: cut off when their writer was killed. */
  readonly brokenLines: number;
}

/** All spans of a trace in these files, each once; files that vanish meanwhile (rotation) count as empty. */
export async function readTrace(files: readonly string[], traceId: string): Promise<ReadTrace> {
  const spans = new Map<string, TraceSpan>();
  let brokenLines = 0;
  for (const file of files) {
    for await (const line of linesOf(file)) {
      // Files hold many traces: looking for the id is a hundred times cheaper than parsing.
      if (!line.includes(traceId)) continue;
      const found = parseLine(line, traceId);
      if (!found) brokenLines++;
      for (const span of found ?? []) spans.set(span.id, span);
    }
  }
  return { spans: [...spans.values()], brokenLines };
}

/** The trace in which the object with this uid was made; undefined where the files do not tell. */
export async function findCreation(files: readonly string[], uidAttribute: string, uid: string): Promise<string | undefined> {
  for (const file of files) {
    for await (const line of linesOf(file)) {
      if (!line.includes(uid)) continue;
      const made = parseLine(line)?.find(({ name, attributes }) => name === 'apiserver.request' && attributes.get('navarch.verb') === 'create' && attributes.get(uidAttribute) === uid);
      if (made) return made.source.span.traceId;
    }
  }
  return undefined;
}

/** Of one trace, or of all. */
export function parseLine(line: string, traceId?: string): TraceSpan[] | undefined {
  let request: OtlpRequest;
  try {
    request = JSON.parse(line) as OtlpRequest;
  } catch {
    return undefined;
  }
  return spansOf(request, traceId);
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const input = createReadStream(file, 'utf8');
  try {
    yield* createInterface({ input, crlfDelay: Infinity });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    input.destroy();
  }
}
