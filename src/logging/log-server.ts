import { type Address, type Connection, Listener } from "../connection/index.ts";
import { processIdentity } from "../process/identity.ts";

/** Settings of taking lines over the network. */
export interface LogServerOptions {
  readonly address: Address;
  readonly authKey: Uint8Array | string | undefined;
  readonly maxLineBytes: number;
  /** Writes whole lines. @returns a promise when the destination wants a pause. */
  write(lines: Uint8Array): Promise<unknown> | undefined;
}

const NEWLINE = 10;
/** A sender puts together as many lines as it has; see `log-server-link.ts`. */
export const MAX_BATCH_BYTES: number = 256 * 1024;
/** Said for each message, when its lines are where they belong. */
const TAKEN: Uint8Array = new Uint8Array([1]);

/**
 * Takes the lines of other programs, which have to know the key. Each message is whole lines and is answered when
 * they were written, so that a sender knows what would be lost with this program.
 */
export class LogServer {
  readonly #listener: Listener;
  readonly #options: LogServerOptions;
  readonly #connections = new Set<Connection>();

  private constructor(listener: Listener, options: LogServerOptions) {
    this.#listener = listener;
    this.#options = options;
  }

  static async listen(options: LogServerOptions): Promise<LogServer> {
    const listener = await Listener.listen({
      address: options.address,
      authKey: options.authKey ?? processIdentity().authKey,
      maxBytes: MAX_BATCH_BYTES + options.maxLineBytes,
    });
    const server = new LogServer(listener, options);
    void server.#accept();
    return server;
  }

  get address(): Address {
    return this.#listener.address;
  }

  close(): void {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#connections.add(connection);
      void this.#take(connection);
    }
  }

  async #take(connection: Connection): Promise<void> {
    try {
      for (;;) {
        const lines = await connection.recvBytes();
        // None of our senders: what it sends would spoil the lines of others.
        if (lines.at(-1) !== NEWLINE || this.#isTooLong(lines)) break;
        await this.#options.write(lines);
        await connection.sendBytes(TAKEN);
      }
    } catch {
      // The sender has ended, or the destination has failed, whose owner knows.
    }
    connection.close();
    this.#connections.delete(connection);
  }

  #isTooLong(lines: Uint8Array): boolean {
    const { maxLineBytes } = this.#options;
    for (let at = 0; at < lines.length;) {
      const end = lines.indexOf(NEWLINE, at) + 1;
      if (end - at > maxLineBytes) return true;
      at = end;
    }
    return false;
  }
}
