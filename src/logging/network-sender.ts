import { Writable } from "node:stream";
import type { Address, Connection } from "../connection/index.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import { MAX_BATCH_BYTES } from "./log-server.ts";
import { tell, writeToStderr } from "./route.ts";
import { performance } from "../util/platform.ts";

/** Bytes that may be unconfirmed; beyond them those who log wait. */
const WINDOW_BYTES = 1 << 20;
const NEWLINE = 10;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
/** Milliseconds for one attempt to reach the server. */
const REACH_MS = 5_000;

/** Sends whole lines, and keeps them until the server has confirmed them. */
export class NetworkSender extends Writable {
  #connection: Connection;
  readonly #address: string;
  readonly #reach: (bounds: WaitOptions) => Promise<Connection>;
  /** Batches that were sent and not confirmed, oldest first. */
  #unconfirmed: Uint8Array[] = [];
  #bytes = 0;
  #isGone = false;
  readonly #closing = new AbortController();
  #isReaching = false;
  /** Time at which the server may be tried again. */
  #retryAt = 0;
  #delay = FIRST_RETRY_MS;
  #isListening = false;
  #goOn: (() => void) | undefined;
  #onIdle: (() => void) | undefined;
  readonly #onExit = (): void => this.#fallBack("this program exits");

  /** @param reach - connects again. */
  constructor(
    connection: Connection,
    address: Address,
    reach: (bounds: WaitOptions) => Promise<Connection>,
  ) {
    super({ highWaterMark: WINDOW_BYTES, decodeStrings: false });
    this.#connection = connection;
    this.#reach = reach;
    this.#address = typeof address === "string" ? address : `${address.host ?? ""}:${address.port}`;
    process.on("exit", this.#onExit);
  }

  override _write(lines: Uint8Array, _encoding: string, done: () => void): void {
    if (this.#isGone) {
      writeToStderr(lines);
      void this.#reachAgain();
      done();
      return;
    }
    for (const batch of batches(lines)) this.#send(batch);
    void this.#listen();
    if (this.#bytes < WINDOW_BYTES) done();
    else this.#goOn = done;
  }

  override _final(done: () => void): void {
    this.#closing.abort();
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
    this.#bytes = 0;
    this.#retryAt = performance.now() + this.#delay;
    tell(
      `the log server at ${this.#address} has not confirmed ${lost.length} messages (${why}); ` +
        "records go to standard error",
    );
    for (const lines of lost) writeToStderr(lines);
    this.#connection.close();
    // What the stream holds back goes the same way, at once.
    this.#continue();
  }

  /** Looks, when it is time to, whether the server is back; as Python's SocketHandler, when there is a record. */
  async #reachAgain(): Promise<void> {
    if (this.#isReaching || performance.now() < this.#retryAt) return;
    this.#isReaching = true;
    try {
      const { signal } = this.#closing;
      const connection = await this.#reach({ timeout: REACH_MS, signal });
      if (signal.aborted) return connection.close();
      this.#connection = connection;
      this.#isGone = false;
      this.#delay = FIRST_RETRY_MS;
      tell(`the log server at ${this.#address} is back; records go there again`);
    } catch {
      // It was told of already; the records are on standard error.
      this.#delay = Math.min(this.#delay * 2, MAX_RETRY_MS);
      this.#retryAt = performance.now() + this.#delay;
    } finally {
      this.#isReaching = false;
    }
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
