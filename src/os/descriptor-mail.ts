import type { Binding, ForeignFunction } from "./binding.ts";
import { MAP_PRIVATE, PROT_READ_WRITE } from "./constants.ts";

// `struct msghdr`, `struct iovec` and `struct cmsghdr` of Linux on 64 bits, one behind the other, and a byte of data.
const HEADER = 0;
const IOVEC = 56;
const CONTROL = 72;
const DATA = 96;
const BYTES = 4096;

const CONTROL_BYTES = 24;
const CONTROL_LENGTH = 20;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MAP_ANONYMOUS = 0x20;

/** Sends open files and sockets to other processes, over a Unix socket; Linux only. */
export class DescriptorMail {
  readonly #sendmsg: ForeignFunction;
  readonly #recvmsg: ForeignFunction;
  readonly #view: DataView;
  readonly #address: bigint;

  constructor(binding: Binding, mmap: ForeignFunction) {
    const libc = binding.load(null);
    this.#sendmsg = libc.func("int64_t sendmsg(int fd, void *message, int flags)");
    this.#recvmsg = libc.func("int64_t recvmsg(int fd, void *message, int flags)");
    const pointer = mmap(null, BYTES, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    this.#address = binding.address(pointer);
    this.#view = new DataView(binding.view(pointer, BYTES));
  }

  /** @returns false when it could not be sent, as the other side is gone or behind. */
  send(socket: number, descriptor: number): boolean {
    const view = this.#prepare();
    view.setBigUint64(CONTROL, BigInt(CONTROL_LENGTH), true);
    view.setInt32(CONTROL + 8, SOL_SOCKET, true);
    view.setInt32(CONTROL + 12, SCM_RIGHTS, true);
    view.setInt32(CONTROL + 16, descriptor, true);
    return Number(this.#sendmsg(socket, this.#address, MSG_DONTWAIT | MSG_NOSIGNAL)) === 1;
  }

  /** Takes a descriptor that has arrived, without waiting. @returns undefined when there is none. */
  receive(socket: number): number | undefined {
    const view = this.#prepare();
    const read = Number(this.#recvmsg(socket, this.#address, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
    const isThere =
      read === 1 &&
      view.getBigUint64(HEADER + 40, true) >= BigInt(CONTROL_LENGTH) &&
      view.getInt32(CONTROL + 8, true) === SOL_SOCKET &&
      view.getInt32(CONTROL + 12, true) === SCM_RIGHTS;
    return isThere ? view.getInt32(CONTROL + 16, true) : undefined;
  }

  #prepare(): DataView {
    const view = this.#view;
    for (let at = 0; at <= DATA; at += 8) view.setBigUint64(at, 0n, true);
    view.setBigUint64(HEADER + 16, this.#address + BigInt(IOVEC), true);
    view.setBigUint64(HEADER + 24, 1n, true);
    view.setBigUint64(HEADER + 32, this.#address + BigInt(CONTROL), true);
    view.setBigUint64(HEADER + 40, BigInt(CONTROL_BYTES), true);
    view.setBigUint64(IOVEC, this.#address + BigInt(DATA), true);
    view.setBigUint64(IOVEC + 8, 1n, true);
    return view;
  }
}
