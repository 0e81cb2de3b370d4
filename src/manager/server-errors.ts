import type { Address } from "../connection/index.ts";
import { openMessage } from "../connection/value-message.ts";
import { EndOfStreamError } from "../errors/index.ts";
import { decodeThrown, joinStacks } from "../wire/error-codec.ts";

/** The error of a call that finds, or leaves, the server gone. */
export function serverGone(address: Address, reason: Error): Error {
  const { code } = reason as { code?: unknown };
  const isOurs = typeof code === "string" && code.startsWith("ERR_MANYCORE_");
  // A wrong key, a closed connection: that is another matter, and says so itself.
  if (isOurs && !(reason instanceof EndOfStreamError)) return reason;
  return new EndOfStreamError(
    `The manager at ${formatAddress(address)} has ended, and its objects with it: ${reason.message}`,
    { cause: reason },
  );
}

/** The error that a call threw in the server, with the caller's stack behind the server's. */
export function thrownByServer(bytes: Uint8Array, address: Address, stack?: string): Error {
  try {
    const { bytes: encoded, attachments } = openMessage(bytes);
    const error = decodeThrown(encoded, attachments);
    joinStacks(error, stack, `manager at ${formatAddress(address)} [manycore]`);
    return error;
  } catch (error) {
    return error as Error;
  }
}

/** The text of an address. */
export function formatAddress(address: Address): string {
  return typeof address === "string"
    ? JSON.stringify(address)
    : `${address.host ?? "localhost"}:${address.port}`;
}
