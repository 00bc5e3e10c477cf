import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { deferred, silentLogger } from '@navarch/base';

import { createGrpcServer } from '../grpc/grpc-server';

/** OpenTelemetry's exporters load parts of themselves by import(), which jest's sandbox refuses: a process of its own does it. */
const program = `
  const { trace } = require('@opentelemetry/api');
  const { startTelemetry } = require(${JSON.stringify(join(__dirname, 'telemetry.ts'))});
  const say = (message) => console.log('log ' + message);
  const logger = { debug: say, info: say, warn: say, error: say, child: () => logger };
  const options = JSON.parse(process.argv[1]);
  startTelemetry({ serviceName: 'navarch-test', env: process.env, logger, ...options }).then(async (telemetry) => {
    trace.getTracer('test').startSpan('one').end();
    console.log('ended');
    if (options.stay) return setInterval(() => undefined, 1000);
    await telemetry.close();
    console.log('closed');
  });
`;

interface Child {
  readonly process: ChildProcess;
  readonly lines: string[];
  readonly exited: Promise<number | null>;
  saw(line: string): Promise<void>;
}

let directory: string;
let children: Child[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nv-'));
});
afterEach(async () => {
  for (const child of children) child.process.kill('SIGKILL');
  await Promise.all(children.map(({ exited }) => exited));
  children = [];
  rmSync(directory, { recursive: true, force: true });
});

function run(options: object, env: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, ['--import', 'tsx', '-e', program, JSON.stringify(options)], {
    cwd: join(__dirname, '../../../..'), env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const waiting = new Map<string, () => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n').filter(Boolean)) {
      lines.push(line);
      waiting.get(line)?.();
    }
  });
  const saw = (line: string): Promise<void> => new Promise((resolve) => (lines.includes(line) ? resolve() : waiting.set(line, resolve)));
  const result: Child = { process: child, lines, saw, exited: new Promise((resolve) => child.on('exit', resolve)) };
  children.push(result);
  return result;
}

async function collector(): Promise<{ url: string; requests: { path?: string; type?: string; body: string }[]; first: Promise<void>; close(): Promise<void> }> {
  const requests: { path?: string; type?: string; body: string }[] = [];
  const first = deferred<void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ path: request.url, type: request.headers['content-type'], body: Buffer.concat(chunks).toString('latin1') });
      response.writeHead(200).end();
      first.resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> => new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, first: first.promise, close };
}

describe('telemetry of a process', () => {
  it('goes as OTLP protobuf to the endpoint that is configured, and to the file as well', async () => {
    const { url, requests, close } = await collector();
    const spansFile = join(directory, 'spans.jsonl');
    expect(await run({ otlpEndpoint: url, spansFile }).exited).toBe(0);
    await close();
    expect(requests).toEqual([{ path: '/v1/traces', type: 'application/x-protobuf', body: expect.stringContaining('navarch-test') }]);
    expect(readFileSync(spansFile, 'utf8')).toContain('"name":"one"');
  }, 60_000);

  it('honours the standard OTEL_ variables', async () => {
    const { url, requests, close } = await collector();
    expect(await run({}, { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SERVICE_NAME: 'renamed', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=lab' }).exited).toBe(0);
    await close();
    expect(requests.map(({ body }) => [body.includes('renamed'), body.includes('lab'), body.includes('navarch-test')])).toEqual([[true, true, false]]);
  }, 60_000);

  it('goes by gRPC where OTEL_EXPORTER_OTLP_PROTOCOL says so', async () => {
    const bodies: string[] = [];
    const handle = (request: Buffer): Promise<Uint8Array> => {
      bodies.push(request.toString('latin1'));
      return Promise.resolve(new Uint8Array());
    };
    const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
    const server = await createGrpcServer({ listen: ['127.0.0.1:0'], tls: 'insecure', logger: silentLogger, services: [[{ path, kind: 'unary', handle }]] });
    const exited = run({ otlpEndpoint: `http://${server.addresses[0]}` }, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }).exited;
    expect(await exited).toBe(0);
    await server.close(0);
    expect(bodies.map((body) => body.includes('navarch-test'))).toEqual([true]);
  }, 60_000);

  it('to a collector that is not there costs a warning, not the process', async () => {
    const child = run({ otlpEndpoint: 'http://127.0.0.1:1' });
    expect(await child.exited).toBe(0);
    expect(child.lines.some((line) => line.startsWith('log '))).toBe(true);
  }, 60_000);

  it('leaves within its short delay: kill -9 after that loses nothing', async () => {
    const { url, first, requests, close } = await collector();
    const spansFile = join(directory, 'spans.jsonl');
    const child = run({ otlpEndpoint: url, spansFile, stay: true });
    await child.saw('ended');
    await first;
    child.process.kill('SIGKILL');
    await child.exited;
    await close();
    expect(requests).toHaveLength(1);
    expect(readFileSync(spansFile, 'utf8')).toContain('"name":"one"');
  }, 60_000);
});
