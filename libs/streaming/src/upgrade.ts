import { request } from 'node:http';
import type { Duplex } from 'node:stream';

/** A connection that a streaming server has handed over. */
export interface Upgraded {
  readonly transport: Duplex;
  /** The sub-protocol that the server chose. */
  readonly protocol: string;
}

/**
 * Asks a streaming server (the URL that CRI's Exec, Attach and PortForward give) to change to SPDY/3.1. Throws with the server's
 * own words where it refuses.
 */
export function upgradeToSpdy(url: string, protocols: readonly string[], signal?: AbortSignal): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const call = request(url, {
      method: 'POST', agent: false, ...(signal && { signal }),
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': [...protocols], 'content-length': '0' },
    });
    call.on('upgrade', (response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve({ transport: socket, protocol: String(response.headers['x-stream-protocol-version'] ?? protocols[0] ?? '') });
    });
    call.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => reject(new Error(`the streaming server refused (${response.statusCode}): ${Buffer.concat(parts).toString().trim().slice(0, 500)}`)));
    });
    call.on('error', reject);
    call.end();
  });
}
