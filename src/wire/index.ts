export type { Channel } from "./channel.ts";
export { createRingPair, RingChannel, type RingPair } from "./ring-channel.ts";
export { SocketChannel, type SocketChannelOptions } from "./socket-channel.ts";
export type {
  Boot,
  ExitStatus,
  Host,
  Peer,
  PeerKind,
  ProcessIdentity,
  Role,
  ThreadIdentity,
} from "./peer.ts";
export { registerClass } from "./class-registry.ts";
