/** What the two halves of the relay tell each other. Connections travel beside `connection` messages, as handles. */
export type Protocol = 'tcp' | 'udp';

/** A port on the machine's loopback. */
export interface Door {
  readonly protocol: Protocol;
  readonly port: number;
}

/** From the half inside the cluster's network. */
export type ToDoorkeeper =
  | { readonly kind: 'open'; readonly door: Door }
  | { readonly kind: 'close'; readonly door: Door }
  | { readonly kind: 'reply'; readonly port: number; readonly client: UdpClient; readonly data: Uint8Array };

/** From the half on the machine. `opened` answers each `open`, with what was wrong where the port cannot be had. */
export type FromDoorkeeper =
  | { readonly kind: 'opened'; readonly door: Door; readonly error?: string }
  | { readonly kind: 'connection'; readonly port: number }
  | { readonly kind: 'datagram'; readonly port: number; readonly client: UdpClient; readonly data: Uint8Array };

export interface UdpClient {
  readonly address: string;
  readonly port: number;
}

export const doorId = ({ protocol, port }: Door): string => `${protocol}/${port}`;
