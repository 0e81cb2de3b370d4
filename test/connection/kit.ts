import { type Socket, connect as netConnect } from "node:net";
import { tasks } from "manycore";

/** Functions that the tests run elsewhere. */
export const work = tasks<typeof import("../fixtures/connection/work.js")>(
  new URL("../fixtures/connection/work.js", import.meta.url),
);

/** The error a promise rejects with; fails when it does not. */
export async function rejection(
  promise: PromiseLike<unknown>,
): Promise<Error & { code?: string; bytes?: Uint8Array }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("expected a rejection, got a value");
}

/** A stranger's socket, connected. */
export async function stranger(address: unknown): Promise<Socket> {
  const socket = netConnect(
    typeof address === "string" ? { path: address } : (address as { port: number }),
  );
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  return socket;
}

/** All that a socket gets until its end. */
export function untilClosed(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => socket.once("close", () => resolve(Buffer.concat(chunks))));
}

/** Waits for the next bytes of a socket. */
export function nextBytes(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => socket.once("data", resolve));
}

/** A message as it stands on the wire. */
export function framed(message: Uint8Array | string): Buffer {
  const body = Buffer.from(message);
  const header = Buffer.alloc(4);
  header.writeInt32BE(body.length);
  return Buffer.concat([header, body]);
}

/** Calls back for each whole message that a socket gets. */
export function messagesOf(socket: Socket, onMessage: (message: Buffer) => void): void {
  let unread = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= 4 && unread.length >= 4 + unread.readInt32BE(0)) {
      const end = 4 + unread.readInt32BE(0);
      const message = unread.subarray(4, end);
      unread = unread.subarray(end);
      onMessage(message);
    }
  });
}
