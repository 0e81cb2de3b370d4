import { inspectAs } from "../util/inspectable.ts";
import type { Writable } from "node:stream";
import {
  type Address,
  connect,
  type Connection,
  type ConnectOptions,
} from "../connection/index.ts";
import { processIdentity } from "../process/identity.ts";
import { LogCollector } from "./collector.ts";
import { NetworkSender } from "./network-sender.ts";
import { checkAddress } from "../connection/address.ts";
import { CONNECT_CHECKS } from "../connection/connect.ts";
import { checkLevel, type LogLevel } from "./settings.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { WAIT_SISTERS, type WaitOptions } from "../util/wait-options.ts";

/** Options of {@link connectLogServer}. */
export interface LogServerConnectOptions extends Pick<
  ConnectOptions,
  "authKey" | "timeout" | "signal"
> {
  /** As for {@link setLogLevel}. */
  readonly level?: LogLevel;
}

const CONNECT: OptionTable<LogServerConnectOptions> = {
  of: "connectLogServer()",
  checks: {
    authKey: CONNECT_CHECKS.authKey,
    timeout: CONNECT_CHECKS.timeout,
    signal: CONNECT_CHECKS.signal,
    level: checkLevel,
  },
  sisters: { ...WAIT_SISTERS, key: "authKey" },
  bare: "authKey",
};

/**
 * Sends the records of this process, and of every process and thread that is started from now on, to the
 * {@link LogCollector} of another program, which was started with an `address`.
 *
 * What was logged keeps the program open until the server has it. When the server is gone, what it has not
 * confirmed and all that follows goes to standard error, with a notice, until it can be reached again:
 * that is tried with a record after one second, then after twice as long each time, up to 30.
 *
 * @param address - of the collector.
 * @param options - `authKey`: that of the collector; `timeout` and `signal` bound the wait for it.
 * @throws AuthenticationError when the key is not the collector's.
 * @throws TimeoutError after `timeout`.
 * @throws the system's error, such as `ECONNREFUSED`, when nobody listens there.
 * @example
 * await using server = await connectLogServer({ host: "logs.example", port: 6020 }, { authKey });
 * getLogger().info("hello");
 * @since 0.2.0
 */
export async function connectLogServer(
  address: Address,
  options: LogServerConnectOptions = {},
): Promise<LogServerLink> {
  checkAddress(address);
  checkOptions(options, CONNECT);
  const { level, authKey = processIdentity().authKey, ...rest } = options;
  const reach = (bounds: WaitOptions): Promise<Connection> =>
    connect(address, { authKey, ...bounds });
  const connection = await reach(rest);
  const sender = new NetworkSender(connection, address, reach);
  try {
    // What is started here has a socket to this process, which outlives those that are killed.
    const collector = await LogCollector.start({
      destination: sender,
      ...(level === undefined ? {} : { level }),
    });
    return new LogServerLink(collector, sender);
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** The way of this program's records to a log server. */
export class LogServerLink implements AsyncDisposable {
  static {
    inspectAs<LogServerLink>(LogServerLink, (link) => {
      return `<LogServerLink ${link.#sender.writable ? "open" : "closed"}>`;
    });
  }

  readonly #collector: LogCollector;
  readonly #sender: Writable;

  /** @internal */
  constructor(collector: LogCollector, sender: Writable) {
    this.#collector = collector;
    this.#sender = sender;
  }

  /**
   * Sends what was logged and leaves the server; records go to standard error from then on.
   *
   * @returns when the server has everything, or is gone and standard error has it.
   */
  async close(): Promise<void> {
    await this.#collector.close();
    if (this.#sender.writableFinished) return;
    await new Promise<void>((resolve) => this.#sender.end(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
