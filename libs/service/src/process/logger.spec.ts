import { ApiError, type Logger } from '@navarch/base';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';

import { createLogger } from './logger';
import { redact } from './redact';

function logging(options: { format?: 'json' | 'pretty'; level?: 'debug' | 'warn' } = {}): { logger: Logger; lines: string[]; json: () => Record<string, unknown>[] } {
  const lines: string[] = [];
  const logger = createLogger({ name: 'navarch-test', format: 'json', ...options, destination: { write: (line) => void lines.push(line) } });
  return { logger, lines, json: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('the logger', () => {
  it('writes one JSON object a line: time, level, process, message, then the fields', () => {
    const { logger, json } = logging();
    logger.child({ controller: 'node-range' }).warn('retrying', { attempt: 2 });
    expect(json()).toEqual([{ time: expect.stringMatching(/^\d{4}-.*Z$/), level: 'warn', name: 'navarch-test', controller: 'node-range', attempt: 2, msg: 'retrying' }]);
  });

  it('leaves out what is below its level', () => {
    const { logger, lines } = logging({ level: 'warn' });
    logger.info('no');
    logger.debug('no');
    logger.error('yes');
    expect(lines).toHaveLength(1);
  });

  it('adds the trace id while a span is active', () => {
    const manager = new AsyncLocalStorageContextManager().enable();
    context.setGlobalContextManager(manager);
    const { logger, json } = logging();
    const span = trace.wrapSpanContext({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 });
    context.with(trace.setSpan(context.active(), span), () => logger.info('inside'));
    logger.info('outside');
    context.disable();
    expect(json()[0]).toMatchObject({ trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) });
    expect(json()[1]).not.toHaveProperty('trace_id');
  });

  it('tells an ApiError by its reason, an unexpected error with its stack and causes', () => {
    const { logger, json } = logging();
    logger.error('failed', { error: new ApiError('NotFound', 'no such pod') });
    logger.error('failed', { error: new Error('outer', { cause: new Error('inner') }) });
    expect(json()[0]).toMatchObject({ error: { reason: 'NotFound', message: 'no such pod' } });
    expect(json()[1]).toMatchObject({ error: { message: 'outer', stack: expect.stringContaining('logger.spec'), cause: { message: 'inner' } } });
  });

  it('writes a line for people where that is asked for, with a stack below it', () => {
    const { logger, lines } = logging({ format: 'pretty' });
    logger.info('ready', { address: '127.0.0.1:7443', why: 'two words' });
    logger.error('failed', { error: new Error('boom') });
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}navarch-test: ready address=127\.0\.0\.1:7443 why="two words"\n$/);
    expect(lines[1]).toMatch(/error="boom"\nError: boom\n {4}at /);
  });
});

describe('redaction', () => {
  it('leaves out what fields named like secrets hold, at any depth', () => {
    const secrets = { token: 'x', bearerToken: 'x', password: 'x', authorization: 'Bearer x', clientKey: 'x', nested: { deep: [{ dbPassword: 'x', stringData: { a: 'x' } }] } };
    expect(JSON.stringify(redact(secrets))).not.toContain('"x"');
  });

  it('leaves out the data of a Secret, as JSON and as message', () => {
    expect(redact({ kind: 'Secret', metadata: { name: 's' }, data: { a: 'czNjcmV0' } })).toEqual({ kind: 'Secret', metadata: { name: 's' }, data: '[redacted]' });
    expect(redact({ data: { a: Buffer.from('s3cret') } })).toEqual({ data: { a: '[6 bytes]' } });
  });

  it('keeps what only sounds like one', () => {
    expect(redact({ automountServiceAccountToken: false, tokens: 3, name: 'token', key: 'default/web' })).toEqual({ automountServiceAccountToken: false, tokens: 3, name: 'token', key: 'default/web' });
  });

  it('ends on objects that contain themselves', () => {
    const loop: Record<string, unknown> = { name: 'a' };
    loop['self'] = loop;
    expect(() => JSON.stringify(redact(loop))).not.toThrow();
  });
});
