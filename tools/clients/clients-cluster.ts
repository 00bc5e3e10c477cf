/** A local cluster of real containers, and foreign programs that are pointed at it by nothing but its kubeconfig. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { Places } from '../../apps/cluster/src/cluster/places';
import { kubeconfigFile } from '../../apps/cluster/src/control-plane/kubeconfig';
import { createTestHome, resultOf, type CommandResult } from '../../apps/cluster/src/testing/local-cluster';

/** A program with the directory it works in and the kubeconfig it was given. */
export interface Client {
  /** Runs to the end, whatever comes of it. */
  run(args: readonly string[], input?: string, env?: NodeJS.ProcessEnv): Promise<CommandResult>;
  /** What it wrote to stdout; fails with what it complained of. */
  ok(args: readonly string[], input?: string, env?: NodeJS.ProcessEnv): Promise<string>;
  start(args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcessWithoutNullStreams;
}

export interface ClientsCluster {
  readonly home: string;
  places(): Places;
  /** With these variables for all processes of the cluster. */
  up(environment?: NodeJS.ProcessEnv): Promise<void>;
  down(): Promise<void>;
  /** What `navarch …` writes to stdout about this cluster; fails with what it complained of. */
  navarch(args: readonly string[]): Promise<string>;
  /** `name` sets clients apart: each has its own copy of the kubeconfig. */
  client(name: string, program: string, fixedArgs?: readonly string[]): Client;
}

export function createClientsCluster(prefix: string): ClientsCluster {
  const name = `${prefix}-${process.pid}`;
  const test = createTestHome();
  return {
    home: test.home,
    places: () => test.places(name),
    up: async (environment) => {
      const { code, stdout, stderr } = await test.navarch(['up', '--nodes', '2', '--name', name], '', environment);
      if (code !== 0) throw new Error(`${stdout}${stderr}`);
    },
    navarch: async (args) => {
      const { code, stdout, stderr } = await test.navarch([...args, '--name', name]);
      if (code !== 0) throw new Error(stderr);
      return stdout;
    },
    down: async () => {
      await test.navarch(['down', '--name', name]);
      rmSync(test.home, { recursive: true, force: true });
    },
    client: (clientName, program, fixedArgs = []) => {
      const kubeconfig = join(test.home, `kubeconfig-${clientName}`);
      copyFileSync(kubeconfigFile(test.places(name)), kubeconfig);
      return clientOf(program, fixedArgs, { cwd: test.home, env: { PATH: process.env['PATH'], HOME: test.home, KUBECONFIG: kubeconfig } });
    },
  };
}

function clientOf(program: string, fixedArgs: readonly string[], { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }): Client {
  const start: Client['start'] = (args, more) => spawn(program, [...fixedArgs, ...args], { cwd, env: { ...env, ...more } });
  const run: Client['run'] = (args, input = '', more) => {
    const child = start(args, more);
    child.stdin.on('error', () => undefined); // It may end without having read all.
    child.stdin.end(input);
    return resultOf(child);
  };
  return {
    start, run,
    ok: async (args, input, more) => {
      const { code, stdout, stderr } = await run(args, input, more);
      if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
      return stdout;
    },
  };
}

/** Collects what `child` writes to stdout; the function answered resolves with all of it as soon as `pattern` is in it, and fails if it ends before. */
export function outputOf(child: ChildProcessWithoutNullStreams): (pattern: RegExp) => Promise<string> {
  let text = '';
  let ended = false;
  child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  child.once('close', () => { ended = true; });
  return (pattern) => new Promise((resolve, reject) => {
    const look = (): void => {
      if (pattern.test(text)) resolve(text);
      else if (ended) reject(new Error(`it ended before ${pattern} came; it wrote:\n${text}`));
    };
    child.stdout.on('data', look);
    child.once('close', look);
    look();
  });
}
