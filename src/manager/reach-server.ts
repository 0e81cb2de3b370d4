import { type Address, connect, type Connection } from "../connection/index.ts";
import { EndOfStreamError } from "../errors/index.ts";
import { processIdentity } from "../process/identity.ts";
import { HELLO } from "./protocol.ts";
import { formatAddress } from "./server-errors.ts";

/** Address and key of a server, and bounds for reaching it. */
export interface LinkOptions {
  readonly address: Address;
  /** Which server it has to be; default: whichever is there. */
  readonly server?: string | undefined;
  /** Default: that of this family of processes. */
  readonly key?: Uint8Array | (() => Uint8Array) | undefined;
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly maxBytes?: number | undefined;
}

/** Milliseconds for the answer to a call that was given up, or whose time is up; see `Link.call`. */
export const ANSWER_GRACE_MS = 5_000;

/** A connection to a server that has said who it is. */
interface Reached {
  readonly connection: Connection;
  readonly server: string;
}

/**
 * Connects to a server.
 *
 * @param expected - which server it has to be; "": any.
 * @throws EndOfStreamError when something else listens there.
 */
export async function reachServer(
  options: LinkOptions,
  key: Uint8Array | undefined,
  expected: string,
): Promise<Reached> {
  const { address, maxBytes, timeout, signal } = options;
  const authKey = key ?? processIdentity().authKey;
  const connection = await connect(address, { authKey, maxBytes, timeout, signal });
  try {
    const hello = await connection.recv({ timeout: ANSWER_GRACE_MS });
    if (!Array.isArray(hello) || hello[0] !== HELLO || typeof hello[1] !== "string") {
      throw new EndOfStreamError(
        `What listens at ${formatAddress(address)} is no manager of this version of manycore.`,
      );
    }
    if (expected !== "" && expected !== hello[1]) {
      throw new EndOfStreamError(
        `The manager at ${formatAddress(address)} has ended; another one has taken its place and does not have its objects.`,
      );
    }
    return { connection, server: hello[1] };
  } catch (error) {
    connection.close();
    throw error;
  }
}
