import { existsSync, writeFileSync } from 'node:fs';
import { createServer as createNetServer } from 'node:net';
import { join } from 'node:path';

import { ApiError, deferred, hasReason, type Logger } from '@navarch/base';

import { grpcService, type CallContext, type ServiceHandlers } from './grpc-service';
import { collect, createTestBed, echo, echoHandlers, failureOf, untilAborted, type TestBed } from './test-support';

let bed: TestBed;
beforeEach(async () => {
  bed = await createTestBed();
});
afterEach(() => bed.close());

const hello = Buffer.from('hello');
const serving = (handlers: Partial<ServiceHandlers<typeof echo>> = {}) => [grpcService(echo, { ...echoHandlers, ...handlers })];

describe('a call', () => {
  it('works in all four shapes over TLS on loopback', async () => {
    const channel = bed.connect(await bed.serve({ services: serving() }));
    const source = async function* () {
      yield await Promise.resolve(Buffer.from('a'));
      yield Buffer.from('b');
    };
    expect((await channel.unary(echo.say, hello)).toString()).toBe('hello');
    expect((await collect(channel.serverStream(echo.repeat, hello))).map(String)).toEqual(['hello 0', 'hello 1', 'hello 2']);
    expect((await collect(channel.bidi(echo.chat, source()))).map(String)).toEqual(['A', 'B']);
    expect((await collect(channel.bidi(echo.collect, source()))).map(String)).toEqual(['ab']);
  });

  it('works over TLS on a unix socket, whose file only its owner can use', async () => {
    const path = join(bed.directory, 's');
    const channel = bed.connect(await bed.serve({ listen: [`unix:${path}`], services: serving() }));
    expect((await channel.unary(echo.say, hello)).toString()).toBe('hello');
    expect((await import('node:fs')).statSync(path).mode & 0o777).toBe(0o600);
  });

  it('an empty message is a message', async () => {
    const channel = bed.connect(await bed.serve({ services: serving() }));
    expect(await channel.unary(echo.say, Buffer.alloc(0))).toHaveLength(0);
  });

  it('of a method that does not exist is MethodNotAllowed', async () => {
    const channel = bed.connect(await bed.serve({ services: serving() }));
    expect(hasReason(await failureOf(channel.unary({ ...echo.say, path: '/navarch.test.Echo/Absent' }, hello)), 'MethodNotAllowed')).toBe(true);
  });

  it('with a message that the handler cannot decode is BadRequest', async () => {
    const strict = { say: { ...echo.say, requestDeserialize: (): Buffer => { throw new Error('invalid tag 0'); } } };
    const channel = bed.connect(await bed.serve({ services: [grpcService(strict, { say: echoHandlers.say })] }));
    const failure = await failureOf(channel.unary(echo.say, hello));
    expect(hasReason(failure, 'BadRequest') && failure.message).toContain('/navarch.test.Echo/Say');
  });
});

describe('deadline and cancellation', () => {
  it('a call past its deadline is a Timeout for the caller, and the handler is told', async () => {
    const seen = deferred<unknown>();
    const say = async (_: Buffer, context: CallContext): Promise<Buffer> => {
      seen.resolve(await untilAborted(context));
      return hello;
    };
    const channel = bed.connect(await bed.serve({ services: serving({ say }) }));
    await collect(channel.serverStream(echo.repeat, hello));
    expect(hasReason(await failureOf(channel.unary(echo.say, hello, { timeoutMs: 500 })), 'Timeout')).toBe(true);
    expect(hasReason(await seen.promise, 'Timeout', 'Canceled')).toBe(true);
  });

  it('the handler knows the deadline that the caller set', async () => {
    let deadlineMs: number | undefined;
    const say = (request: Buffer, context: CallContext): Promise<Buffer> => {
      deadlineMs = context.deadlineMs;
      return Promise.resolve(request);
    };
    const channel = bed.connect(await bed.serve({ services: serving({ say }) }), { clock: { now: () => Date.now(), monotonic: () => 0, setTimer: () => () => undefined } });
    await channel.unary(echo.say, hello, { timeoutMs: 3_600_000 });
    expect(deadlineMs).toBeGreaterThan(Date.now() + 3_000_000);
  });

  it('a call whose signal aborts is Canceled for the caller, and the handler is told', async () => {
    const entered = deferred<void>();
    const seen = deferred<unknown>();
    const say = async (_: Buffer, context: CallContext): Promise<Buffer> => {
      entered.resolve();
      seen.resolve(await untilAborted(context));
      return hello;
    };
    const channel = bed.connect(await bed.serve({ services: serving({ say }) }));
    const stop = new AbortController();
    const failure = failureOf(channel.unary(echo.say, hello, { signal: stop.signal }));
    await entered.promise;
    stop.abort(new Error('enough'));
    expect(hasReason(await failure, 'Canceled')).toBe(true);
    expect(hasReason(await seen.promise, 'Canceled')).toBe(true);
  });

  it('a caller that leaves a stream ends the generator behind it', async () => {
    const ended = deferred<void>();
    const repeat = async function* (_: Buffer, { signal }: CallContext) {
      try {
        for (let count = 0; !signal.aborted; count++) yield await Promise.resolve(Buffer.from(String(count)));
      } finally {
        ended.resolve();
      }
    };
    const channel = bed.connect(await bed.serve({ services: serving({ repeat }) }));
    for await (const item of channel.serverStream(echo.repeat, hello)) if (item.toString() === '5') break;
    await ended.promise;
  });

  it('a finished call does not abort its signal', async () => {
    let signal: AbortSignal | undefined;
    const say = (request: Buffer, context: CallContext): Promise<Buffer> => {
      signal = context.signal;
      return Promise.resolve(request);
    };
    const server = await bed.serve({ services: serving({ say }) });
    const channel = bed.connect(server);
    await channel.unary(echo.say, hello);
    await channel.unary(echo.say, hello);
    expect(signal?.aborted).toBe(false);
    expect(server.running).toBe(0);
  });
});

describe('sizes and pace', () => {
  it('messages of 15 MB pass in both directions where both ends allow 16', async () => {
    const server = await bed.serve({ services: serving(), limits: { receiveBytes: 16 * 1024 * 1024 } });
    const big = Buffer.alloc(15_000_000, 7);
    expect((await bed.connect(server).unary(echo.say, big)).equals(big)).toBe(true);
  });

  it('a request above the limit is RequestEntityTooLarge, and the next call works', async () => {
    const channel = bed.connect(await bed.serve({ services: serving(), limits: { receiveBytes: 1_000 } }));
    expect(hasReason(await failureOf(channel.unary(echo.say, Buffer.alloc(2_000))), 'RequestEntityTooLarge')).toBe(true);
    expect((await channel.unary(echo.say, hello)).toString()).toBe('hello');
  });

  it('a slow reader slows the generator down instead of filling memory', async () => {
    let produced = 0;
    const message = Buffer.alloc(64 * 1024);
    const repeat = async function* (_: Buffer, { signal }: CallContext) {
      while (!signal.aborted && produced < 10_000) {
        produced++;
        yield await Promise.resolve(message);
      }
    };
    const server = await bed.serve({ services: serving({ repeat }) });
    const stream = bed.connect(server).serverStream(echo.repeat, hello);
    await stream.next();
    // Other calls on the same server go on while the stream stands: each gives the generator time to run ahead, if it would.
    const other = bed.connect(server);
    for (let count = 0; count < 200; count++) await other.unary(echo.say, hello);
    expect(produced).toBeLessThan(200);
    await stream.return();
  });
});

describe('errors', () => {
  it('an ApiError arrives with reason, message, causes and retry time', async () => {
    const original = new ApiError('Invalid', 'Pod "x" is invalid', {
      kind: 'Pod', name: 'x', retryAfterSeconds: 3, causes: [{ reason: 'FieldValueRequired', field: 'spec.containers', message: 'Required value' }],
    });
    const channel = bed.connect(await bed.serve({ services: serving({ say: () => Promise.reject(original) }) }));
    const failure = await failureOf(channel.unary(echo.say, hello)) as ApiError;
    expect([failure.reason, failure.message, failure.details]).toEqual([original.reason, original.message, original.details]);
  });

  it('an ApiError in the middle of a stream arrives after what was sent before it', async () => {
    const repeat = async function* () {
      yield await Promise.resolve(hello);
      throw new ApiError('Expired', 'too old resource version');
    };
    const channel = bed.connect(await bed.serve({ services: serving({ repeat }) }));
    const seen: string[] = [];
    const failure = await failureOf((async () => {
      for await (const item of channel.serverStream(echo.repeat, hello)) seen.push(item.toString());
    })());
    expect(seen).toEqual(['hello']);
    expect(hasReason(failure, 'Expired')).toBe(true);
  });

  it('an unexpected error tells the caller nothing but an id, under which it is logged', async () => {
    const lines: unknown[] = [];
    const logger: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (message, fields) => void lines.push({ message, ...fields }), child: () => logger };
    const channel = bed.connect(await bed.serve({ logger, services: serving({ say: () => Promise.reject(new Error('password is hunter2')) }) }));
    const failure = await failureOf(channel.unary(echo.say, hello)) as ApiError;
    expect(failure.reason).toBe('Internal');
    expect(failure.message).not.toContain('hunter2');
    const id = /\(([0-9a-f]{12})\)/.exec(failure.message)?.[1];
    expect(lines).toEqual([expect.objectContaining({ id, error: expect.objectContaining({ message: 'password is hunter2' }) })]);
  });

  it('a handler that throws at once, before any promise, fails the call and nothing else', async () => {
    const say = (): never => {
      throw new ApiError('Forbidden', 'no');
    };
    const channel = bed.connect(await bed.serve({ services: serving({ say, repeat: say }) }));
    expect(hasReason(await failureOf(channel.unary(echo.say, hello)), 'Forbidden')).toBe(true);
    expect(hasReason(await failureOf(collect(channel.serverStream(echo.repeat, hello))), 'Forbidden')).toBe(true);
  });

  it('two hundred causes still arrive as Invalid: the detail is cut to what a header may carry', async () => {
    const causes = Array.from({ length: 200 }, (_, index) => ({ reason: 'FieldValueInvalid', field: `spec.containers[${index}].image`, message: 'x'.repeat(200) }));
    const channel = bed.connect(await bed.serve({ services: serving({ say: () => Promise.reject(new ApiError('Invalid', 'y'.repeat(50_000), { causes })) }) }));
    const failure = await failureOf(channel.unary(echo.say, hello)) as ApiError;
    expect(failure.reason).toBe('Invalid');
    expect(failure.details.causes?.length).toBeGreaterThan(5);
  });
});

describe('TLS', () => {
  const peerOf = (seen: CallContext[]) => ({
    say: (request: Buffer, context: CallContext) => {
      seen.push(context);
      return Promise.resolve(request);
    },
  });

  it.each(['127.0.0.1:0', 'unix'])('the handler knows whom the client certificate names (%s)', async (address) => {
    const seen: CallContext[] = [];
    const listen = [address === 'unix' ? `unix:${join(bed.directory, 's')}` : address];
    const server = await bed.serve({ listen, services: serving(peerOf(seen)) });
    const tls = await bed.issue({ commonName: 'system:node:node-1', organizations: ['system:nodes', 'two, with a comma'], usages: ['client'] });
    const channel = bed.connect(server, { tls });
    await channel.unary(echo.say, hello);
    await channel.unary(echo.say, hello);
    expect(seen.map(({ peer }) => peer)).toEqual(Array(2).fill({ commonName: 'system:node:node-1', organizations: ['system:nodes', 'two, with a comma'] }));
    expect(seen[0]?.peerAddress).toMatch(address === 'unix' ? /^unix$/ : /^127\.0\.0\.1:\d+$/);
  });

  it('a client without certificate gets in as nobody, and its token travels', async () => {
    const seen: CallContext[] = [];
    await bed.connect(await bed.serve({ services: serving(peerOf(seen)) }), { token: () => 'abc' }).unary(echo.say, hello);
    expect(seen[0]?.peer).toBeUndefined();
    expect(seen[0]?.metadata.get('authorization')).toEqual(['Bearer abc']);
  });

  it('a token is never sent without TLS', async () => {
    const seen: CallContext[] = [];
    const server = await bed.serve({ tls: 'insecure', services: serving(peerOf(seen)) });
    await bed.connect(server, { tls: 'insecure', token: () => 'abc' }).unary(echo.say, hello);
    expect(seen[0]?.metadata.get('authorization')).toEqual([]);
  });

  it('a client certificate of another CA is refused, not taken for nobody', async () => {
    const seen: CallContext[] = [];
    const stranger = await (await import('../tls/authority')).createAuthority({ commonName: 'stranger' });
    const server = await bed.serve({ services: serving(peerOf(seen)) });
    const tls = await bed.issue({ commonName: 'system:masters', usages: ['client'] }, stranger);
    expect(hasReason(await failureOf(bed.connect(server, { tls }).unary(echo.say, hello)), 'Unavailable')).toBe(true);
    expect(seen).toEqual([]);
  });

  it('an expired client certificate is refused', async () => {
    const server = await bed.serve({ services: serving() });
    const tls = await bed.issue({ usages: ['client'], days: 1 }, undefined, { now: () => Date.now() - 10 * 86_400_000 });
    expect(hasReason(await failureOf(bed.connect(server, { tls }).unary(echo.say, hello)), 'Unavailable')).toBe(true);
  });

  it('a certificate for servers only is refused from a client', async () => {
    const server = await bed.serve({ services: serving() });
    const tls = await bed.issue({ usages: ['server'] });
    expect(hasReason(await failureOf(bed.connect(server, { tls }).unary(echo.say, hello)), 'Unavailable')).toBe(true);
  });

  it('a server of another CA is refused, and the message says why', async () => {
    const stranger = await (await import('../tls/authority')).createAuthority({ commonName: 'stranger' });
    const channel = bed.connect(await bed.serve({ services: serving() }), { tls: { ca: stranger.certificate } });
    const failure = await failureOf(channel.unary(echo.say, hello));
    expect(hasReason(failure, 'Unavailable') && failure.message).toMatch(/self.signed|unable to (verify|get)/i);
  });

  it('a server whose certificate bears another name is refused, and the message says why', async () => {
    const tls = await bed.issue({ dnsNames: ['other.example'], ipAddresses: [] });
    const server = await bed.serve({ tls, services: serving() });
    const failure = await failureOf(bed.connect(server).unary(echo.say, hello));
    expect(hasReason(failure, 'Unavailable') && failure.message).toMatch(/altnames/i);
    expect((await bed.connect(server, { serverName: 'other.example' }).unary(echo.say, hello)).toString()).toBe('hello');
  });

  it('a server whose certificate has expired is refused, and the message says why', async () => {
    const tls = await bed.issue({ days: 1 }, undefined, { now: () => Date.now() - 10 * 86_400_000 });
    const failure = await failureOf(bed.connect(await bed.serve({ tls, services: serving() })).unary(echo.say, hello));
    expect(hasReason(failure, 'Unavailable') && failure.message).toMatch(/expired/i);
  });

  it('plain text gets no answer from a TLS server', async () => {
    const channel = bed.connect(await bed.serve({ services: serving() }), { tls: 'insecure' });
    expect(hasReason(await failureOf(channel.unary(echo.say, hello)), 'Unavailable')).toBe(true);
  });
});

describe('listening', () => {
  it('listens on several addresses at once and names them with their real ports', async () => {
    const path = join(bed.directory, 's');
    const server = await bed.serve({ listen: ['127.0.0.1:0', `unix:${path}`], services: serving() });
    expect(server.addresses).toEqual([expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/), `unix:${path}`]);
    for (const target of server.addresses) expect((await bed.connect(server, { target }).unary(echo.say, hello)).toString()).toBe('hello');
  });

  it('replaces the socket that a dead process left behind', async () => {
    const path = join(bed.directory, 's');
    const { spawnSync } = await import('node:child_process');
    spawnSync(process.execPath, ['-e', `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`]);
    expect(existsSync(path)).toBe(true);
    const server = await bed.serve({ listen: [`unix:${path}`], services: serving() });
    expect((await bed.connect(server).unary(echo.say, hello)).toString()).toBe('hello');
  });

  it('leaves a socket alone on which another process answers, and a file that is no socket', async () => {
    const path = join(bed.directory, 's');
    const other = createNetServer().listen(path);
    await new Promise((resolve) => other.once('listening', resolve));
    await expect(bed.serve({ listen: [`unix:${path}`] })).rejects.toThrow(/another process listens/);
    other.close();
    writeFileSync(path, 'data');
    await expect(bed.serve({ listen: [`unix:${path}`] })).rejects.toThrow(/no socket/);
  });

  it('says which address cannot be listened on, and lets go of the others', async () => {
    const taken = await bed.serve({ services: serving() });
    const path = join(bed.directory, 's');
    await expect(bed.serve({ listen: [`unix:${path}`, taken.addresses[0] ?? ''] })).rejects.toThrow(`cannot listen on ${taken.addresses[0]}`);
    expect(existsSync(path)).toBe(false);
  });
});

describe('stopping', () => {
  it('lets calls under way end, takes no new ones, and removes its socket', async () => {
    const entered = deferred<void>();
    const go = deferred<void>();
    const say = async (request: Buffer): Promise<Buffer> => {
      entered.resolve();
      await go.promise;
      return request;
    };
    const path = join(bed.directory, 's');
    const server = await bed.serve({ listen: [`unix:${path}`], services: serving({ say }) });
    const channel = bed.connect(server);
    const answer = channel.unary(echo.say, hello);
    await entered.promise;
    const closed = server.close(60_000);
    expect(server.draining.aborted).toBe(true);
    go.resolve();
    expect((await answer).toString()).toBe('hello');
    await closed;
    expect(existsSync(path)).toBe(false);
    expect(hasReason(await failureOf(bed.connect(server).unary(echo.say, hello)), 'Unavailable')).toBe(true);
  });

  it('a stream that watches `draining` ends well; its client just connects again', async () => {
    const started = deferred<void>();
    const draining = deferred<AbortSignal>();
    const repeat = async function* () {
      yield await Promise.resolve(hello);
      const signal = await draining.promise;
      started.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      yield Buffer.from('bye');
    };
    const server = await bed.serve({ services: serving({ repeat }) });
    draining.resolve(server.draining);
    const items = collect(bed.connect(server).serverStream(echo.repeat, hello));
    await started.promise;
    await server.close(60_000);
    expect((await items).map(String)).toEqual(['hello', 'bye']);
  });

  it('after the grace time calls are aborted and their callers told Unavailable', async () => {
    const entered = deferred<void>();
    const say = async (_: Buffer, context: CallContext): Promise<Buffer> => {
      entered.resolve();
      throw await untilAborted(context);
    };
    const server = await bed.serve({ services: serving({ say }) });
    const failure = failureOf(bed.connect(server).unary(echo.say, hello));
    await entered.promise;
    await server.close(10);
    expect(hasReason(await failure, 'Unavailable')).toBe(true);
  });
});

describe('the channel', () => {
  it('comes back by itself when the server does', async () => {
    const path = join(bed.directory, 's');
    const first = await bed.serve({ listen: [`unix:${path}`], services: serving() });
    const channel = bed.connect(first, { waitForReady: true });
    await channel.unary(echo.say, hello);
    await first.close(0);
    const waiting = channel.unary(echo.say, hello);
    await bed.serve({ listen: [`unix:${path}`], services: serving() });
    expect((await waiting).toString()).toBe('hello');
  });

  it('fails at once with Unavailable where nobody listens, and `ready` with what went wrong', async () => {
    const channel = bed.connect({ addresses: [`unix:${join(bed.directory, 'nobody')}`] } as never);
    expect(hasReason(await failureOf(channel.unary(echo.say, hello)), 'Unavailable')).toBe(true);
    expect(hasReason(await failureOf(channel.ready(50)), 'Unavailable')).toBe(true);
  });

  it('says at once what is wrong with a target', () => {
    expect(() => bed.connect({ addresses: ['nonsense'] } as never)).toThrow('"nonsense" is not an address: give host:port or unix:/path');
  });

  it('fails a stream with Unavailable when the server dies under it', async () => {
    const repeat = async function* (_: Buffer, context: CallContext) {
      yield await Promise.resolve(hello);
      await untilAborted(context);
    };
    const server = await bed.serve({ services: serving({ repeat }) });
    const stream = bed.connect(server).serverStream(echo.repeat, hello);
    await stream.next();
    const next = failureOf(stream.next());
    await server.close(0);
    expect(hasReason(await next, 'Unavailable')).toBe(true);
  });
});
