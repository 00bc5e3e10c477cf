import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface NatsServerOptions {
  /** A free one unless told; kept over restarts. */
  readonly port?: number;
  /** Where configuration and JetStream's files go; a temporary directory, removed at `close`, unless told. */
  readonly dir?: string;
  /** PEM texts; with `verifyClients` only clients with a certificate of this CA get in. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string; readonly verifyClients?: boolean };
  readonly auth?: { readonly user: string; readonly password: string };
  /** On unless told. */
  readonly jetstream?: boolean;
  /** 8 MiB unless told. */
  readonly maxPayload?: number;
  /** Makes it one of several: its name, and where it dials the others. */
  readonly cluster?: { readonly name: string; readonly routes: readonly string[] };
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** Where the other servers of its cluster reach it; -1 where it has none. */
  readonly routePort: number;
  readonly dir: string;
  /** Lets it end by itself (SIGTERM). */
  stop(): Promise<void>;
  kill9(): Promise<void>;
  /** Starts it again on the same port and files; stops it first where it runs. */
  restart(): Promise<void>;
  /** Ends it and removes the directory that was made for it. */
  close(): Promise<void>;
}

/** A real nats-server on loopback. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = new Server(options.dir ?? mkdtempSync(join(tmpdir(), 'navarch-nats-')), options);
  try {
    await server.restart();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

class Server implements NatsServer {
  private child: ChildProcess | undefined;
  private ownPort: number;
  private ownRoutePort = -1;

  constructor(readonly dir: string, private readonly options: NatsServerOptions) {
    this.ownPort = options.port ?? -1;
  }

  get port(): number {
    return this.ownPort;
  }

  get routePort(): number {
    return this.ownRoutePort;
  }

  get url(): string {
    return `${this.options.tls ? 'tls' : 'nats'}://127.0.0.1:${this.ownPort}`;
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  async kill9(): Promise<void> {
    await this.end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.stop();
    const config = join(this.dir, 'nats.conf');
    writeFileSync(config, configOf(this.options, this.dir, this));
    const child = spawn(process.env['NATS_SERVER'] ?? 'nats-server', ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` } });
    this.child = child;
    const killWithUs = (): void => { child.kill('SIGKILL'); };
    process.once('exit', killWithUs);
    child.once('exit', () => process.removeListener('exit', killWithUs));
    ({ port: this.ownPort, routePort: this.ownRoutePort } = await listening(child, this.options.cluster !== undefined));
  }

  async close(): Promise<void> {
    await this.kill9();
    if (this.options.dir === undefined) rmSync(this.dir, { recursive: true, force: true });
  }

  private async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => { child.once('exit', resolve); });
    child.kill(signal);
    await exited;
  }
}

/** The ports, once the server says that it is ready; rejects with its log where it ends first. */
function listening(child: ChildProcess, clustered: boolean): Promise<{ port: number; routePort: number }> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`nats-server ended:\n${log}`)));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (log.length < 100_000) log += text;
      const port = /Listening for client connections on [^\n]*:(\d+)/.exec(log)?.[1];
      const routePort = /Listening for route connections on [^\n]*:(\d+)/.exec(log)?.[1];
      if (port && log.includes('Server is ready') && (routePort || !clustered)) resolve({ port: Number(port), routePort: Number(routePort ?? -1) });
    });
  });
}

function configOf(options: NatsServerOptions, dir: string, { port, routePort }: Pick<NatsServer, 'port' | 'routePort'>): string {
  const { tls, auth, cluster, jetstream = true, maxPayload = 8 * 1024 * 1024 } = options;
  const lines = [`server_name: ${cluster?.name ?? 'test'}`, `listen: "127.0.0.1:${port}"`, `max_payload: ${maxPayload}`];
  if (jetstream) lines.push(`jetstream { store_dir: ${JSON.stringify(join(dir, 'jetstream'))} }`);
  if (auth) lines.push(`authorization { user: ${JSON.stringify(auth.user)}, password: ${JSON.stringify(auth.password)} }`);
  // It tells the others no address of its own, so that they know only the ways that they were given.
  if (cluster) lines.push(`cluster { name: test, listen: "127.0.0.1:${routePort}", cluster_advertise: "127.0.0.1:1", no_advertise: true, routes: ${JSON.stringify(cluster.routes)} }`);
  if (tls) {
    for (const name of ['ca', 'cert', 'key'] as const) writeFileSync(join(dir, `${name}.pem`), tls[name], { mode: 0o600 });
    lines.push(`tls { ca_file: "${dir}/ca.pem", cert_file: "${dir}/cert.pem", key_file: "${dir}/key.pem", verify: ${tls.verifyClients ?? false} }`);
  }
  return `${lines.join('\n')}\n`;
}
