import { ApiError, hasReason, sleep, systemClock, toError, type Clock } from '@navarch/base';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';

import { isPermanentConnectError, isTimeout, toApiError } from './nats-errors';

export type { NatsConnection };

/** PEM texts. With `ca` alone the server is checked; with `cert` and `key` the client shows itself too. */
export interface NatsTls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

export type NatsCredentials =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  /** The text of a .creds file. */
  | { readonly creds: string };

export interface NatsConnectionOptions {
  /** `host:port` or `nats://…`, `tls://…`; one or several of one cluster. */
  readonly servers: string | readonly string[];
  readonly tls?: NatsTls;
  readonly credentials?: NatsCredentials;
  /** What the server's monitoring shows. */
  readonly name?: string;
  /** How long to wait for a server that does not answer, milliseconds; 10 s unless told. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

const minPayload = 8 * 1024 * 1024;
const minVersion = [2, 9, 0] as const;

/**
 * Connects and checks that this server can hold the log: version, JetStream, max_payload. Afterwards the connection heals itself for as
 * long as it takes. Throws Unauthorized, Unavailable, or Invalid with what to change in the server's configuration.
 */
export async function connectNats(options: NatsConnectionOptions): Promise<NatsConnection> {
  const connection = await dial(options);
  try {
    await checkServer(connection);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function dial(options: NatsConnectionOptions): Promise<NatsConnection> {
  const clock = options.clock ?? systemClock;
  const deadlineMs = clock.monotonic() + (options.timeoutMs ?? 10_000);
  const doing = `connecting to NATS at ${[options.servers].flat().join(', ')}`;
  for (;;) {
    if (options.signal?.aborted) throw new ApiError('Canceled', `${doing} was given up`, {}, { cause: options.signal.reason });
    try {
      return await connect(connectOptions(options));
    } catch (error) {
      const permanent = isPermanentConnectError(error);
      if (permanent || clock.monotonic() >= deadlineMs) {
        const translated = toApiError(error, doing);
        throw permanent && !hasReason(translated, 'Unauthorized') ? new ApiError('Invalid', `${doing}: TLS failed (${toError(error).message}); check the CA and the certificates`, {}, { cause: error }) : translated;
      }
    }
    await sleep(clock, 100, options.signal).catch(() => undefined);
  }
}

function connectOptions({ servers, tls, credentials, name, timeoutMs }: NatsConnectionOptions): NodeConnectionOptions {
  return {
    servers: [servers].flat(), name: name ?? 'navarch', maxReconnectAttempts: -1, reconnectTimeWait: 100, reconnectJitter: 50, reconnectJitterTLS: 50,
    // A server that hangs is found by two pings without an answer.
    pingInterval: 5_000, maxPingOut: 2, timeout: Math.min(timeoutMs ?? 5_000, 5_000), ignoreAuthErrorAbort: true,
    ...(tls && { tls: { ca: tls.ca, ...(tls.cert !== undefined && { cert: tls.cert }), ...(tls.key !== undefined && { key: tls.key }) } }),
    ...authOptions(credentials),
  };
}

function authOptions(credentials: NatsCredentials | undefined): Partial<NodeConnectionOptions> {
  if (!credentials) return {};
  if ('user' in credentials) return { user: credentials.user, pass: credentials.password };
  return 'token' in credentials ? { token: credentials.token } : { authenticator: credsAuthenticator(new TextEncoder().encode(credentials.creds)) };
}

async function checkServer(connection: NatsConnection): Promise<void> {
  const { version, max_payload: maxPayload } = connection.info ?? { version: '0', max_payload: 0 };
  if (isOlder(version)) throw new ApiError('Invalid', `nats-server ${version} is too old: Navarch needs ${minVersion.join('.')} or later`);
  if (maxPayload < minPayload) throw new ApiError('Invalid', `nats-server takes messages of ${maxPayload} bytes at most: set max_payload to 8MB or more in its configuration`);
  try {
    await (await jetstreamManager(connection, { checkAPI: false })).getAccountInfo();
  } catch (error) {
    if (isTimeout(error)) throw toApiError(error, 'asking whether JetStream is on');
    throw new ApiError('Invalid', `JetStream is not on for this account: start nats-server with --jetstream, or with a jetstream block in its configuration (${toError(error).message})`, {}, { cause: error });
  }
}

function isOlder(version: string): boolean {
  const parts = version.split(/[.-]/).map(Number);
  for (const [index, wanted] of minVersion.entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part < wanted;
  }
  return false;
}
