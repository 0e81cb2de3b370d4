import { Writable } from "node:stream";
import { type Address, connect, type Connection, type ConnectOptions } from "../channel/index.ts";
import { processIdentity } from "../process/identity.ts";
import { LogCollector } from "./collector.ts";
import { MAX_BATCH_BYTES } from "./log-server.ts";
import { tell, writeToStderr } from "./route.ts";
import type { LogLevel } from "./settings.ts";

/** Options of {@link connectLogServer}. */
export interface LogServerConnectOptions extends Pick<
  ConnectOptions,
  "authKey" | "timeout" | "signal"
> {
  /** As for {@link setLogLevel}. */
  readonly level?: LogLevel;
}

/** This much may be on its way to the server; then those who log wait for it. */
const WINDOW_BYTES = 1 << 20;
const NEWLINE = 10;

/**
 * Sends the records of this process, and of every process and thread that is started from now on, to the
 * {@link LogCollector} of another program, which was started with an `address`.
 *
 * What was logged keeps the program open until the server has it. When the server is gone, what it has not
 * confirmed and all that follows goes to standard error, with a notice.
 *
 * @param address - of the collector.
 * @param options - `authKey`: that of the collector; `timeout` and `signal` bound the wait for it.
 * @throws {@link AuthenticationError} when the key is not the collector's.
 * @throws {@link TimeoutError} after `timeout`.
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
  const { level, authKey, ...rest } = options;
  const connection = await connect(address, {
    authKey: authKey ?? processIdentity().authKey,
    ...rest,
  });
  const sender = new NetworkSender(connection, address);
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

/** Sends whole lines, and keeps them until the server has confirmed them. */
class NetworkSender extends Writable {
  readonly #connection: Connection;
  readonly #address: string;
  /** What was sent and not confirmed, oldest first. */
  #unconfirmed: Uint8Array[] = [];
  #bytes = 0;
  #isGone = false;
  #isListening = false;
  #goOn: (() => void) | undefined;
  #onIdle: (() => void) | undefined;
  readonly #onExit = (): void => this.#fallBack("this program exits");

  constructor(connection: Connection, address: Address) {
    super({ highWaterMark: WINDOW_BYTES, decodeStrings: false });
    this.#connection = connection;
    this.#address = typeof address === "string" ? address : `${address.host ?? ""}:${address.port}`;
    process.on("exit", this.#onExit);
  }

  override _write(lines: Uint8Array, _encoding: string, done: () => void): void {
    if (this.#isGone) {
      writeToStderr(lines);
      done();
      return;
    }
    for (const batch of batches(lines)) this.#send(batch);
    void this.#listen();
    if (this.#bytes < WINDOW_BYTES) done();
    else this.#goOn = done;
  }

  override _final(done: () => void): void {
    const close = (): void => {
      process.off("exit", this.#onExit);
      this.#connection.close();
      done();
    };
    if (this.#unconfirmed.length === 0) close();
    else this.#onIdle = close;
  }

  #send(batch: Uint8Array): void {
    this.#unconfirmed.push(batch);
    this.#bytes += batch.length;
    // That it fails is seen by the one who listens.
    this.#connection.sendBytes(batch).catch(() => {});
  }

  /** Takes confirmations, as long as some are missing: that keeps the program open. */
  async #listen(): Promise<void> {
    if (this.#isListening) return;
    this.#isListening = true;
    try {
      while (this.#unconfirmed.length > 0) {
        await this.#connection.recvBytes();
        this.#bytes -= this.#unconfirmed.shift()?.length ?? 0;
        if (this.#bytes < WINDOW_BYTES) this.#continue();
      }
    } catch (error) {
      this.#fallBack((error as Error).message);
    } finally {
      this.#isListening = false;
    }
    this.#continue();
    this.#onIdle?.();
  }

  #continue(): void {
    const goOn = this.#goOn;
    this.#goOn = undefined;
    goOn?.();
  }

  #fallBack(why: string): void {
    const lost = this.#unconfirmed;
    if (this.#isGone || (lost.length === 0 && why === "this program exits")) return;
    this.#isGone = true;
    this.#unconfirmed = [];
    tell(`the log server at ${this.#address} has not confirmed ${lost.length} messages (${why})`);
    for (const lines of lost) writeToStderr(lines);
    this.#connection.close();
    // What the stream holds back goes the same way, at once.
    this.#continue();
  }
}

/** Cuts lines into messages of a bounded size, between lines. */
function* batches(lines: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < lines.length;) {
    let end = lines.length;
    if (end - from > MAX_BATCH_BYTES) {
      end = lines.lastIndexOf(NEWLINE, from + MAX_BATCH_BYTES) + 1;
      if (end <= from) end = lines.indexOf(NEWLINE, from) + 1;
    }
    yield lines.subarray(from, end);
    from = end;
  }
}
