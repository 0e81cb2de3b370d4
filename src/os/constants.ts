/** Numbers of the system's C headers that differ between platforms. */
export interface Constants {
  readonly MAP_ANONYMOUS: number;
  readonly F_DUPFD_CLOEXEC: number;
  /** The C type of poll's second parameter. */
  readonly nfds: string;
  /** SOCK_CLOEXEC | SOCK_NONBLOCK, where a socket can be made with them. */
  readonly SOCKET_FLAGS: number;
  /** A socket address begins with its length. */
  readonly hasAddressLength: boolean;
}

export const PROT_READ_WRITE: number = 1 | 2;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
export const MAP_FIXED = 0x10;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;
export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLERR = 8;
export const POLLHUP = 16;
export const POLLNVAL = 32;
export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;

const LINUX: Constants = {
  MAP_ANONYMOUS: 0x20,
  F_DUPFD_CLOEXEC: 1030,
  nfds: "ulong",
  SOCKET_FLAGS: 0x80000 | 0x800,
  hasAddressLength: false,
};
/** Written along the headers, never run. */
const DARWIN: Constants = {
  MAP_ANONYMOUS: 0x1000,
  F_DUPFD_CLOEXEC: 67,
  nfds: "uint",
  SOCKET_FLAGS: 0,
  hasAddressLength: true,
};

export function constantsOf(platform: string): Constants {
  return platform === "darwin" ? DARWIN : LINUX;
}
