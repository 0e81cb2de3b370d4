export { pipe, type PipeOptions } from "./pipe.ts";
export { Connection } from "./connection.ts";
export { Listener, type ListenerOptions } from "./listener.ts";
export { connect, type ConnectOptions } from "./connect.ts";
export { freshSocketPath, type Address, type AddressFamily, type TcpAddress } from "./address.ts";
export { type ReadyObject, waitReady } from "./wait-ready.ts";
export { DupFd, type HasDescriptor, recvHandle, sendHandle } from "./dup-fd.ts";
