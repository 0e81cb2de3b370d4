export { pipe, type PipeOptions } from "./pipe.ts";
export { Connection } from "./connection.ts";
export { Listener, type ListenerOptions } from "./listener.ts";
export { connect, type ConnectOptions } from "./connect.ts";
export type { Address, AddressFamily, TcpAddress } from "./address.ts";
export { type ReadyObject, waitReady } from "./wait-ready.ts";
