import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { parseArgs } from 'node:util';

import { Doorkeeper } from './doorkeeper';
import type { ToDoorkeeper } from './messages';

/** Lives as long as its relay: whoever supervises it starts both anew. */
export function runDoorkeeper(): void {
  const { values } = parseArgs({ options: { 'network-namespace': { type: 'string' } }, strict: false });
  const namespace = values['network-namespace'];
  if (typeof namespace !== 'string') {
    process.stderr.write('navarch-relay: --network-namespace is required; "navarch up" starts this process\n');
    process.exitCode = 1;
    return;
  }
  const child = spawn('nsenter', [`--net=${namespace}`, process.execPath, ...process.argv.slice(1)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
  const doorkeeper = new Doorkeeper((message, connection?: Socket) => {
    if (!child.connected) connection?.destroy();
    else child.send(message, connection, { keepOpen: false }, (error) => error && connection?.destroy());
  });
  child.on('message', (message) => doorkeeper.receive(message as ToDoorkeeper));
  child.on('error', (error) => process.stderr.write(`navarch-relay: ${error.message}\n`));
  child.on('close', (code) => {
    doorkeeper.close();
    process.exitCode = code ?? 1;
    process.disconnect?.();
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
}
