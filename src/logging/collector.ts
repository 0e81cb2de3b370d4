import { inspectAs } from "../util/inspectable.ts";
import { once } from "node:events";
import { rmSync } from "node:fs";
import type { Server, Socket } from "node:net";
import type { Writable } from "node:stream";
import { explainFileError } from "../memory/index.ts";
import { net } from "../util/builtin.ts";
import { freshSocketPath, type Address } from "../connection/index.ts";
import { LineSplitter } from "./line-splitter.ts";
import { setLocalTarget, setTarget } from "./route.ts";
import { writeFully } from "./line-sender.ts";
import { LogServer } from "./log-server.ts";
import { setLogLevel } from "./logger.ts";
import { checkAddress } from "../connection/address.ts";
import { authKey, positive } from "../connection/options.ts";
import { outOfRange, wrongType } from "../util/argument-error.ts";
import type { Check } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkLevel, type LogLevel } from "./settings.ts";
import { setImmediate } from "../util/platform.ts";

/** Options of a collector. */
export interface LogCollectorOptions {
  /** A stream, or a file descriptor; default: standard error. */
  readonly destination?: Writable | number;
  /** As for {@link setLogLevel}. */
  readonly level?: LogLevel;
  /** The longest line taken from a sender, in bytes; a longer one ends the connection. Default: 4 MiB. */
  readonly maxLineBytes?: number;
  /** Also takes records of other programs, which call {@link connectLogServer}, at this address. */
  readonly address?: Address;
  /** Key that those have to know. Default: the key of this program, which only processes it starts have. */
  readonly authKey?: Uint8Array | string;
}

const checkDestination: Check = (value, name) => {
  const expected = "a writable stream or a file descriptor";
  if (typeof value === "number") {
    const isDescriptor = Number.isInteger(value) && value >= 0 && value < 2 ** 31;
    if (!isDescriptor) throw outOfRange(name, expected, value);
    return;
  }
  const stream = value as Partial<Writable> | null;
  const isStream = typeof stream === "object" && typeof stream?.write === "function";
  if (!isStream) throw wrongType(name, expected, value);
};

const COLLECTOR: OptionTable<LogCollectorOptions> = {
  of: "LogCollector.start()",
  checks: {
    destination: checkDestination,
    level: checkLevel,
    maxLineBytes: positive,
    address: checkAddress,
    authKey,
  },
  sisters: { stream: "destination", key: "authKey" },
  bare: "destination",
};

const DEFAULT_MAX_LINE = 4 << 20;
const STDERR = 2;
const BACKLOG = 4096;

/**
 * Gathers the records of this process and of every process and thread that is started while it runs into
 * one stream: whole lines, in the order in which they arrive, each sender's in the order of its calls.
 *
 * A record is formatted once, by its sender, and is forwarded as it is. What a process wrote before it was
 * killed arrives; one that ends by itself loses nothing. When the destination is slow, senders
 * wait, in their sockets first.
 *
 * @example
 * const collector = await LogCollector.start({ destination: createWriteStream("all.log") });
 * await pool.map(work, items); // in work: getLogger("work").info("…")
 * await collector.close();
 * @since 0.2.0
 */
export class LogCollector {
  static {
    inspectAs<LogCollector>(LogCollector, (collector) => {
      const open = collector.#server.listening ? `${collector.#sockets.size} children` : "closed";
      const { address } = collector;
      return `<LogCollector ${open}${address === undefined ? "" : ` at ${JSON.stringify(address)}`}>`;
    });
  }

  readonly #server: Server;
  readonly #path: string;
  readonly #options: LogCollectorOptions;
  readonly #sockets = new Set<Socket>();
  /** Something arrived since this was last cleared, or waits for the destination. */
  #hasNews = false;
  #network: LogServer | undefined;

  private constructor(path: string, options: LogCollectorOptions) {
    this.#path = path;
    this.#options = options;
    this.#server = net().createServer((socket) => this.#accept(socket));
  }

  /** Starts to gather. It does not keep the program open; processes that run do. */
  static async start(options: LogCollectorOptions = {}): Promise<LogCollector> {
    checkOptions(options, COLLECTOR);
    const path = freshSocketPath("log");
    const collector = new LogCollector(path, options);
    await new Promise<void>((resolve, reject) => {
      collector.#server.once("error", (error) => reject(explainFileError(error, path)));
      collector.#server.listen({ path, backlog: BACKLOG }, resolve);
    });
    collector.#server.unref();
    process.once("exit", collector.#removeFile);
    if (options.level !== undefined) setLogLevel(options.level);
    if (options.address !== undefined) await collector.#open(options.address);
    setLocalTarget((line) => collector.#write(line), { kind: "socket", path });
    return collector;
  }

  /** Address for other programs; undefined without the option `address`. */
  get address(): Address | undefined {
    return this.#network?.address;
  }

  /**
   * Writes what has arrived and stops. Records of this process, and what processes that still run send from
   * now on, go to standard error.
   *
   * @returns when the destination has taken everything.
   */
  async close(): Promise<void> {
    setTarget({ kind: "stderr" });
    // Whoever wrote before this call is read: its bytes are in a socket that is accepted or about to be.
    do {
      this.#hasNews = false;
      await turnOfLoop();
      if (this.#paused !== undefined) await this.#paused.then(this.#noteNews, () => {});
    } while (this.#hasNews);
    this.#server.close();
    this.#network?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#removeFile();
    process.removeListener("exit", this.#removeFile);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #paused: Promise<unknown> | undefined;

  readonly #noteNews = (): void => {
    this.#hasNews = true;
  };

  readonly #removeFile = (): void => rmSync(this.#path, { force: true });

  async #open(address: Address): Promise<void> {
    try {
      this.#network = await LogServer.listen({
        address,
        authKey: this.#options.authKey,
        maxLineBytes: this.#options.maxLineBytes ?? DEFAULT_MAX_LINE,
        write: (lines) => {
          this.#hasNews = true;
          return this.#write(lines) ? undefined : this.#drained();
        },
      });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #accept(socket: Socket): void {
    this.#hasNews = true;
    this.#sockets.add(socket);
    socket.unref();
    const lines = new LineSplitter(this.#options.maxLineBytes ?? DEFAULT_MAX_LINE);
    socket.on("data", (bytes) => {
      this.#hasNews = true;
      const whole = lines.push(bytes);
      if (whole === "too long") socket.destroy();
      else if (whole !== undefined && !this.#write(whole)) this.#pause(socket);
    });
    // A sender that was killed: what it wrote has been read, the end of its last line never came.
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }

  /** @returns false when the destination wants a pause. */
  #write(lines: Uint8Array): boolean {
    const { destination = STDERR } = this.#options;
    if (typeof destination !== "number") return destination.write(lines);
    writeFully(destination, lines);
    return true;
  }

  /** Settles when the destination has taken what it got; rejects when it has failed. */
  #drained(): Promise<unknown> {
    const destination = this.#options.destination as Writable;
    this.#paused ??= once(destination, "drain").finally(() => (this.#paused = undefined));
    return this.#paused;
  }

  /** Leaves what a sender writes in its socket, until the destination has taken what it got. */
  #pause(socket: Socket): void {
    socket.pause();
    void this.#drained().then(
      () => socket.resume(),
      // The destination has failed: its owner knows, and nobody must wait for it here.
      () => socket.destroy(),
    );
  }
}

/** Lets the event loop accept and read once what is there. */
async function turnOfLoop(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}
