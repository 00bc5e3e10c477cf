import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

import { toError } from '@navarch/base';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';

const defaultMaxBytes = 32 * 1024 * 1024;

/**
 * Appends spans to a file as OTLP JSON lines: one ExportTraceServiceRequest a line (OpenTelemetry's file exporter format).
 * A file that would grow above `maxBytes` becomes `<file>.1`, in the place of the one before it. Lines are written whole
 * and at once, so that kill -9 loses at most the spans that still wait in the batch. One process per file.
 */
export class SpanFileExporter implements SpanExporter {
  private fd: number | undefined;
  private size = 0;

  constructor(private readonly file: string, private readonly maxBytes = defaultMaxBytes) {
    mkdirSync(dirname(file), { recursive: true });
    this.open();
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    try {
      const request = JsonTraceSerializer.serializeRequest(spans);
      if (request) this.append(Buffer.concat([request, Buffer.from('\n')]));
      done({ code: ExportResultCode.SUCCESS });
    } catch (error) {
      done({ code: ExportResultCode.FAILED, error: toError(error) });
    }
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
    return Promise.resolve();
  }

  private append(line: Buffer): void {
    if (this.size > 0 && this.size + line.length > this.maxBytes) this.rotate();
    if (this.fd === undefined) throw new Error(`${this.file} is closed`);
    for (let written = 0; written < line.length;) written += writeSync(this.fd, line, written);
    this.size += line.length;
  }

  private rotate(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
    renameSync(this.file, `${this.file}.1`);
    this.open();
  }

  private open(): void {
    this.fd = openSync(this.file, 'a', 0o600);
    this.size = fstatSync(this.fd).size;
  }
}
