import { ftruncateSync, fstatSync, writeSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { unstoppable } from "../util/stop-guard.ts";
import { loadBinding, type Binding, type ForeignFunction } from "./binding.ts";
import {
  AF_UNIX,
  constantsOf,
  LOCK_EX,
  LOCK_NB,
  LOCK_UN,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  PROT_READ_WRITE,
  SOCK_DGRAM,
  SOCK_STREAM,
  type Constants,
} from "./constants.ts";
import { DescriptorMail } from "./descriptor-mail.ts";

/** Memory that a file backs, seen as an ArrayBuffer. */
export interface Mapping {
  readonly buffer: ArrayBuffer;
  readonly address: bigint;
}

/** Where something is mapped. */
export interface MappedRange {
  readonly buffer: { readonly byteLength: number };
  readonly address: bigint;
}

/** A call to the system failed; `code` is the name of its errno, such as `ENOSPC`. */
export class SystemError extends Error {
  readonly code: string;
  readonly syscall: string;

  constructor(syscall: string, code: string) {
    super(`${syscall} failed: ${code}`);
    this.name = "SystemError";
    this.code = code;
    this.syscall = syscall;
  }
}

/** What {@link Os.poll} found of its two descriptors. */
export interface PollResult {
  /** The first one can be read. */
  readonly readable: boolean;
  /** The second one, the writing end of a FIFO, has lost its reader. */
  readonly orphaned: boolean;
}

const EINTR = 4;
const EAGAIN_LINUX = 11;
const EAGAIN_DARWIN = 35;
const CHUNK = 1 << 20;
/** Of `struct sockaddr_un`, before the path. */
const ADDRESS_HEAD = 2;

/**
 * The system calls that Node does not offer. All of them return at once, but for {@link Os.poll}, whose
 * callers give it slices of at most 100 ms: a thread that sleeps in foreign code cannot be terminated.
 */
export class Os {
  readonly #binding: Binding;
  readonly #constants: Constants;
  readonly #mmap: ForeignFunction;
  readonly #munmap: ForeignFunction;
  readonly #fallocate: ForeignFunction | undefined;
  readonly #mkfifo: ForeignFunction;
  readonly #poll: ForeignFunction;
  readonly #flock: ForeignFunction;
  readonly #fcntl: ForeignFunction;
  readonly #socket: ForeignFunction;
  readonly #connect: ForeignFunction;
  readonly #close: ForeignFunction;
  readonly #dup2: ForeignFunction;
  #mail: DescriptorMail | undefined;
  /** Two `struct pollfd`: int fd, short events, short revents. */
  readonly #fds = new Int32Array(4);
  readonly #shorts = new Int16Array(this.#fds.buffer);

  constructor() {
    this.#binding = loadBinding();
    this.#constants = constantsOf(process.platform);
    const libc = this.#binding.load(null);
    this.#mmap = libc.func(
      "void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)",
    );
    this.#munmap = libc.func("int munmap(void *address, size_t length)");
    this.#fallocate =
      process.platform === "linux"
        ? libc.func("int posix_fallocate(int fd, int64_t offset, int64_t length)")
        : undefined;
    this.#mkfifo = libc.func("int mkfifo(const char *path, uint mode)");
    this.#poll = libc.func(`int poll(void *fds, ${this.#constants.nfds} count, int timeout)`);
    this.#flock = libc.func("int flock(int fd, int operation)");
    this.#fcntl = libc.func("int fcntl(int fd, int command, ...)");
    this.#socket = libc.func("int socket(int family, int type, int protocol)");
    this.#connect = libc.func("int connect(int fd, void *address, uint length)");
    this.#close = libc.func("int close(int fd)");
    this.#dup2 = libc.func("int dup2(int from, int to)");
  }

  /**
   * Maps a file, shared with every process that maps it.
   * @param length - bytes; the file must have them, or touching the rest ends the process.
   */
  map(fd: number, length: number): Mapping {
    const pointer = this.#mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, 0);
    const address = this.#binding.address(pointer);
    if (BigInt.asIntN(64, address) === -1n) throw this.#error("mmap");
    return { buffer: this.#binding.view(pointer, length), address };
  }

  /** One more ArrayBuffer of what is mapped at an address. */
  view(address: bigint, length: number): ArrayBuffer {
    return this.#binding.view(address, length);
  }

  /**
   * Puts private zeros in place of what was mapped: old views read 0 and write nowhere, and nobody can be
   * hurt by touching them. The addresses stay taken until {@link Os.unmap}.
   */
  detach({ buffer, address }: MappedRange): void {
    const flags = MAP_FIXED | MAP_PRIVATE | this.#constants.MAP_ANONYMOUS;
    const pointer = this.#mmap(address, buffer.byteLength, PROT_READ_WRITE, flags, -1, 0);
    if (this.#binding.address(pointer) !== address) throw this.#error("mmap");
  }

  /** Gives the addresses back; nothing may look at them any more. */
  unmap(address: bigint, length: number): void {
    if (this.#munmap(address, length) !== 0) throw this.#error("munmap");
  }

  /**
   * Gives a file its size *and its memory*: a file that only has the size ends the process that touches it
   * when the file system is full.
   * @throws SystemError `ENOSPC`.
   */
  allocate(fd: number, length: number): void {
    if (this.#fallocate !== undefined) {
      const code = Number(this.#fallocate(fd, 0, length));
      if (code !== 0) throw new SystemError("posix_fallocate", systemErrorName(code));
      return;
    }
    const zeros = new Uint8Array(Math.min(length, CHUNK));
    for (let at = fstatSync(fd).size; at < length; at += zeros.length) {
      writeSync(fd, zeros, 0, Math.min(zeros.length, length - at), at);
    }
    ftruncateSync(fd, length);
  }

  /** Makes a FIFO that only this user can open. */
  makeFifo(path: string): void {
    if (this.#mkfifo(path, 0o600) !== 0) throw this.#error("mkfifo");
  }

  /**
   * Sleeps until one of two descriptors has news.
   * @param bell - waited for until it can be read; -1 for none.
   * @param life - the writing end of a FIFO, waited for until its reader is gone; -1 for none.
   * @param timeout - whole milliseconds.
   */
  poll(bell: number, life: number, timeout: number): PollResult {
    const fds = this.#fds;
    fds[0] = bell;
    fds[1] = POLLIN;
    fds[2] = life;
    fds[3] = 0;
    this.#poll(fds, 2, timeout);
    const first = this.#shorts[3]!;
    const second = this.#shorts[7]!;
    // An interrupted or failed call leaves the answers empty: the caller looks at its words and comes again.
    return {
      readable: (first & POLLIN) !== 0,
      orphaned: (second & (POLLERR | POLLHUP | POLLNVAL)) !== 0,
    };
  }

  /**
   * Sleeps until a descriptor can be written to, or its other side is gone.
   * @param timeout - whole milliseconds.
   */
  awaitWritable(fd: number, timeout: number): void {
    this.#fds[0] = fd;
    this.#fds[1] = POLLOUT;
    this.#fds[2] = -1;
    this.#poll(this.#fds, 2, timeout);
  }

  /** Whether the reader of a FIFO's writing end is gone. */
  isOrphaned(life: number): boolean {
    return this.poll(-1, life, 0).orphaned;
  }

  /** Takes the file's lock if it is free; the system gives it back when its holder ends in any way. */
  tryLockFile(fd: number): boolean {
    for (;;) {
      if (this.#flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
      const code = this.#binding.errno();
      if (code === EAGAIN_LINUX || code === EAGAIN_DARWIN) return false;
      if (code !== EINTR) throw this.#error("flock");
    }
  }

  unlockFile(fd: number): void {
    this.#flock(fd, LOCK_UN);
  }

  /**
   * Whether a Unix socket that accepts streams is bound to a path, asked without calling at it: one of another type
   * is refused as such where there is one, and as nobody where there is not. It does not matter in which container
   * the socket lives.
   * @returns undefined when it cannot be told.
   */
  isBound(path: string): boolean | undefined {
    const fd = Number(this.#socket(AF_UNIX, SOCK_DGRAM, 0));
    if (fd < 0) return undefined;
    try {
      const address = this.#addressOf(path);
      if (this.#connect(fd, address, address.length) === 0) return true;
      const code = systemErrorName(this.#binding.errno());
      if (code === "EPROTOTYPE") return true;
      return code === "ECONNREFUSED" ? false : undefined;
    } finally {
      this.#close(fd);
    }
  }

  #addressOf(path: string): Buffer {
    const name = Buffer.from(path);
    const address = Buffer.alloc(ADDRESS_HEAD + name.length + 1);
    if (this.#constants.hasAddressLength) address.set([address.length, AF_UNIX]);
    else address.writeUInt16LE(AF_UNIX);
    name.copy(address, ADDRESS_HEAD);
    return address;
  }

  /** A second descriptor of the same open file, unknown to Node, for an owner that closes it itself. */
  duplicate(fd: number): number {
    const copy = Number(this.#fcntl(fd, this.#constants.F_DUPFD_CLOEXEC, "int", 3));
    if (copy < 0) throw this.#error("fcntl");
    return copy;
  }

  /** Makes `to` another descriptor of the open file of `from`; what it was before is closed. */
  replace(from: number, to: number): void {
    if (Number(this.#dup2(from, to)) < 0) throw this.#error("dup2");
  }

  /**
   * Connects to a Unix socket, which is done when it returns; the other side need not have accepted yet.
   * @returns a descriptor, not blocking and unknown to Node, for an owner that closes it itself.
   */
  connectUnix(path: string): number {
    const { SOCKET_FLAGS } = this.#constants;
    const fd = Number(this.#socket(AF_UNIX, SOCK_STREAM | SOCKET_FLAGS, 0));
    if (fd < 0) throw this.#error("socket");
    const address = this.#addressOf(path);
    if (this.#connect(fd, address, address.length) !== 0) {
      const error = this.#error("connect");
      this.#close(fd);
      throw error;
    }
    return fd;
  }

  /**
   * What sends descriptors over Unix sockets, also to unrelated processes.
   * @returns undefined on platforms where this package does not know how.
   */
  get mail(): DescriptorMail | undefined {
    if (process.platform !== "linux") return undefined;
    return (this.#mail ??= unstoppable(() => new DescriptorMail(this.#binding, this.#mmap)));
  }

  #error(syscall: string): SystemError {
    return new SystemError(syscall, systemErrorName(this.#binding.errno()));
  }
}

/** `ENOSPC` of 28. */
function systemErrorName(code: number): string {
  try {
    return getSystemErrorName(-code);
  } catch {
    return `errno ${code}`;
  }
}
