import type { Duplex } from 'node:stream';

import { ApiError } from '@navarch/base';
import {
  commandProtocols, joinCommand, joinPortForward, spdyCaller, spdyCommandProtocol, spdyPortForwardCaller, spdyPortForwardProtocol, webSocketCaller, webSocketPortForwardCaller,
  type PortForwardCaller,
} from '@navarch/streaming';
import { createWebSocketStream, type WebSocket } from 'ws';

import { badRequest } from '../core/errors';
import type { Conversation } from '../core/request';

/** A session in a protocol that the caller speaks. `begin` starts it at the node; what it answers carries it on over the connection. */
interface ChosenProtocol<Connection> {
  readonly protocol: string;
  begin(signal: AbortSignal): Promise<(connection: Connection) => Promise<void>>;
}

export type WebSocketSession = ChosenProtocol<WebSocket>;

/** SPDY/3.1 inside a WebSocket's binary messages (KEP-4006, for kubectl's port-forward). */
const tunnelProtocol = `SPDY/3.1+${spdyPortForwardProtocol}`;
const channelProtocol = 'v4.channel.k8s.io';
/** How long a SPDY caller may take to open the streams it asked for (Kubernetes' default). */
const openStreamsTimeoutMs = 30_000;

/** Throws BadRequest where no protocol fits. */
export function webSocketSession(session: Conversation, offered: readonly string[]): WebSocketSession {
  if (session.kind === 'command') {
    const protocol = choose(commandProtocols, offered, 'BadRequest');
    return {
      protocol,
      begin: async (signal) => {
        const command = await session.start(signal);
        return (socket) => joinCommand(webSocketCaller(socket, protocol), command);
      },
    };
  }
  const { ports } = session;
  const protocol = choose([tunnelProtocol, channelProtocol], offered, 'BadRequest');
  if (protocol === tunnelProtocol) return { protocol, begin: (signal) => forward(session, signal, (socket) => spdyPortForwardCaller(createWebSocketStream(socket))) };
  if (ports.length === 0) throw badRequest('query parameter "ports" is required');
  return { protocol, begin: (signal) => forward(session, signal, (socket) => webSocketPortForwardCaller(socket, ports)) };
}

/** Throws Forbidden where no protocol fits, as Kubernetes does for SPDY. */
export function spdySession(session: Conversation, offered: readonly string[]): ChosenProtocol<Duplex> {
  if (session.kind === 'portForward') {
    return { protocol: choose([spdyPortForwardProtocol], offered, 'Forbidden'), begin: (signal) => forward(session, signal, spdyPortForwardCaller) };
  }
  return {
    protocol: choose([spdyCommandProtocol], offered, 'Forbidden'),
    begin: async (signal) => {
      const command = await session.start(signal);
      return async (transport) => {
        try {
          await joinCommand(await spdyCaller(transport, session.streams, openStreamsTimeoutMs), command);
        } finally {
          command.close();
        }
      };
    },
  };
}

async function forward<Connection>(
  session: Extract<Conversation, { kind: 'portForward' }>, signal: AbortSignal, callerOn: (connection: Connection) => PortForwardCaller,
): Promise<(connection: Connection) => Promise<void>> {
  const target = await session.start(signal);
  return (connection) => joinPortForward(callerOn(connection), target);
}

function choose<Protocol extends string>(served: readonly Protocol[], offered: readonly string[], reason: 'BadRequest' | 'Forbidden'): Protocol {
  const found = served.find((protocol) => offered.includes(protocol));
  if (!found) throw new ApiError(reason, `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${served.join(' ')}]`);
  return found;
}
