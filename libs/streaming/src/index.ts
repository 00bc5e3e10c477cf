/**
 * The byte protocols in which exec, attach and port-forward travel between clients, apiserver, kubelet and containerd:
 * SPDY/3.1, over a socket or inside a WebSocket, and the channels of Kubernetes' WebSocket sub-protocols.
 */
export { SpdyConnection, type SpdyConnectionOptions, type SpdyStream } from './spdy-connection';
export { type SpdyHeaders } from './spdy-frames';
export {
  exitStatus, failureStatus, joinCommand, type CommandCaller, type CommandStreams, type RunningCommand, type TerminalSize,
} from './remote-command';
export { spdyCaller, spdyCommand, spdyCommandProtocol } from './spdy-command';
export { commandProtocols, sendMessage, webSocketCaller, type CommandProtocol } from './websocket-command';
export { pieceQueue } from './byte-queue';
export { drained } from './drained';
export { duplexPair } from './duplex-pair';
export { Pipe } from './pipe';
export { joinSockets } from './join-sockets';
export { commandConversation, messageCaller, type CommandConversation, type MessageCaller } from './message-command';
export { messagePortForward, messagePortForwardCaller, type MessagePortForward, type MessagePortForwardCaller } from './message-port-forward';
export {
  joinPortForward, SpdyPortForward, spdyPortForwardCaller, spdyPortForwardProtocol, webSocketPortForwardCaller, type Forwarded, type ForwardedConnection, type PortForwardCaller, type PortForwardTarget,
} from './port-forward';
export { upgradeToSpdy, type Upgraded } from './upgrade';
