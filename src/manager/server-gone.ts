import type { Address } from "../connection/index.ts";
import { EndOfStreamError } from "../errors/index.ts";

/** The error of a call that finds, or leaves, the server gone. */
export function serverGone(address: Address, reason: Error): Error {
  const { code } = reason as { code?: unknown };
  const isOurs = typeof code === "string" && code.startsWith("ERR_MANYCORE_");
  // A wrong key, a closed connection: that is another matter, and says so itself.
  if (isOurs && !(reason instanceof EndOfStreamError)) return reason;
  return new EndOfStreamError(
    `The manager at ${show(address)} has ended, and its objects with it: ${reason.message}`,
    { cause: reason },
  );
}

/** An address in words. */
export function show(address: Address): string {
  return typeof address === "string"
    ? JSON.stringify(address)
    : `${address.host ?? "localhost"}:${address.port}`;
}
