import { Connection } from "./connection.ts";
import { Endpoint } from "./endpoint.ts";
import { MemoryTransport } from "./memory-transport.ts";
import { boolean } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { maxBytesOf, positive } from "./options.ts";

/** Options of {@link pipe}. */
export interface PipeOptions {
  /** False: the first end only receives, the second only sends. Default: true. */
  readonly duplex?: boolean | undefined;
  /** The largest message that may arrive, in bytes. Default: 1 GiB. */
  readonly maxBytes?: number | undefined;
}

const PIPE: OptionTable<PipeOptions> = {
  of: "pipe()",
  checks: { duplex: boolean, maxBytes: positive },
  bare: "duplex",
};

/**
 * Makes two connected ends, as Python's `Pipe()`. Each can be used here or be sent to another process
 * or thread, before its first use or later.
 *
 * The system is not asked for anything until an end leaves this thread; there a local socket takes over.
 * When both ends have gone, they are linked to each other and this process is not needed any more.
 *
 * @returns two ends; with `duplex: false` the receiving one and the sending one.
 * @throws RangeError when `maxBytes` is not a positive integer.
 * @example
 * const [here, there] = pipe<number[]>();
 * const child = await new Process({ target: sum, args: [there] }).start();
 * await here.send([1, 2, 3]);
 * console.log(await here.recv()); // [6]
 * @since 0.2.0
 */
export function pipe<T = unknown>(options: PipeOptions = {}): [Connection<T>, Connection<T>] {
  checkOptions(options, PIPE);
  const { duplex = true } = options;
  const maxBytes = maxBytesOf(options.maxBytes);
  const first = new Endpoint({ readable: true, writable: duplex, maxBytes });
  const second = new Endpoint({ readable: duplex, writable: true, maxBytes });
  const [a, b] = MemoryTransport.pair(first, second);
  first.attach(a);
  second.attach(b);
  return [new Connection<T>(first), new Connection<T>(second)];
}
