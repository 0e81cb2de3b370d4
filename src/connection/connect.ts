import type { Socket } from "node:net";
import { TimeoutError } from "../errors/index.ts";
import { abortSignal, boolean, milliseconds } from "../util/checks.ts";
import { checkOptions, type OptionChecks, type OptionTable } from "../util/option-table.ts";
import { waitWithin, timeoutOf, type WaitOptions } from "../util/wait-options.ts";
import { type Address, type Place, placeOf } from "./address.ts";
import { Connection } from "./connection.ts";
import { checkKey } from "./handshake.ts";
import { introduce, tooSlow } from "./introduction.ts";
import { setTimer } from "../util/timer.ts";
import { moveToCaller } from "../errors/own-frames.ts";
import { net } from "../util/builtin.ts";
import { authKey, maxBytesOf, positive } from "./options.ts";
import { clearTimeout, performance, setTimeout } from "../util/platform.ts";

/** Options of {@link connect}. */
export interface ConnectOptions extends WaitOptions {
  /** The listener's key. Default: none, for a listener that asks for none; where one does, the first receive or send rejects with AuthenticationError. */
  readonly authKey?: Uint8Array | string | undefined;
  /** The largest message that may arrive, in bytes. Default: 1 GiB. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds that the listener has to show that it knows the key. Default: 10,000. */
  readonly handshakeTimeout?: number | undefined;
  /** Also talks to a listener of Python up to 3.11, which only knows HMAC-MD5. Default: false. */
  readonly legacyMd5?: boolean | undefined;
}

/** The checks of {@link ConnectOptions}. */
export const CONNECT_CHECKS: OptionChecks<ConnectOptions> = {
  timeout: milliseconds,
  signal: abortSignal,
  authKey,
  maxBytes: positive,
  handshakeTimeout: milliseconds,
  legacyMd5: boolean,
};

const CONNECT: OptionTable<ConnectOptions> = {
  of: "connect()",
  checks: CONNECT_CHECKS,
  sisters: { key: "authKey" },
  bare: "authKey",
};

const HANDSHAKE_MS = 10_000;
/** A listener whose backlog is full refuses for a moment. */
const RETRY_MS = 10;

/**
 * Connects to a {@link Listener}, of this package or Python's, as Python's `Client`.
 *
 * **Waiting**: until both sides have shown that they know the key.
 * **Cancellation**: safe; nothing stays open.
 *
 * @param address - the listener's `address`; without a host: this machine.
 * @throws AuthenticationError when one side does not know the key, or does not ask for one.
 * @throws TimeoutError after `timeout` milliseconds.
 * @throws the system's error, such as `ECONNREFUSED` or `ENOENT`, when nobody listens there.
 * @throws EndOfStreamError when the listener closes during the handshake.
 * @since 0.2.0
 */
export async function connect<T = unknown>(
  address: Address,
  options: ConnectOptions = {},
): Promise<Connection<T>> {
  try {
    return await open(address, options);
  } catch (error) {
    // Made in callbacks of the socket; what the signal gives is the caller's own.
    const isMade = error instanceof Error && error !== options?.signal?.reason;
    throw isMade ? moveToCaller(error, connect) : error;
  }
}

async function open<T>(address: Address, options: ConnectOptions): Promise<Connection<T>> {
  const place = placeOf(address);
  checkOptions(options, CONNECT);
  const key = checkKey(options.authKey);
  const maxBytes = maxBytesOf(options.maxBytes);
  const handshakeTimeout = Math.max(0, options.handshakeTimeout ?? HANDSHAKE_MS);
  const begun = performance.now();
  const timeout = timeoutOf(options);
  const left = (): WaitOptions => ({
    signal: options.signal,
    timeout: Math.max(0, timeout - (performance.now() - begun)),
  });
  const tooLate = (): never => {
    throw new TimeoutError(`There was no connection to ${nameOf(place)} within ${timeout} ms.`);
  };
  const socket = await dial(place, left, tooLate);
  const patience = setTimer(() => socket.destroy(tooSlow(handshakeTimeout)), handshakeTimeout);
  try {
    const handshake =
      key === undefined ? undefined : { key, legacyMd5: options.legacyMd5 ?? false };
    const introduced = introduce(socket, "client", maxBytes, handshake);
    if (handshake !== undefined) socket.ref();
    const endpoint = await waitWithin(introduced, left(), tooLate);
    endpoint.resume();
    return new Connection<T>(endpoint);
  } catch (error) {
    socket.destroy();
    throw (error as Error).cause instanceof Error && isOurs((error as Error).cause)
      ? (error as Error).cause
      : error;
  } finally {
    clearTimeout(patience);
  }
}

function isOurs(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ERR_MANYCORE_AUTHENTICATION";
}

async function dial(place: Place, left: () => WaitOptions, tooLate: () => never): Promise<Socket> {
  for (;;) {
    const socket =
      place.family === "unix"
        ? net().connect({ path: place.path })
        : net().connect({ host: place.host, port: place.port, noDelay: true });
    const connected = new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    try {
      await waitWithin(connected, left(), tooLate);
      return socket;
    } catch (error) {
      socket.destroy();
      connected.catch(() => {});
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    const pause = new Promise<void>((resolve) => setTimeout(resolve, RETRY_MS));
    await waitWithin(pause, left(), tooLate);
  }
}

function nameOf(place: Place): string {
  return place.family === "unix" ? JSON.stringify(place.path) : `${place.host}:${place.port}`;
}
