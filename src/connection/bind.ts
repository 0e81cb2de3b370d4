import { statSync, unlinkSync } from "node:fs";
import type { Server } from "node:net";
import { isFile, isLiteral, type Place } from "./address.ts";
import { net } from "../util/builtin.ts";

/** Node's own step behind `listen()`, which looks up no name and so is done when it returns. */
interface DirectServer {
  readonly _listen2?: (
    host: string,
    port: number,
    family: 4 | 6,
    backlog: number,
    fd: undefined,
    flags: number,
  ) => void;
}

/**
 * Lets a server listen. Where no name has to be looked up it listens when this returns, so that its
 * address is known; the promise tells whether it could.
 *
 * The file of a Unix socket whose owner died is taken over.
 */
export async function bind(server: Server, place: Place, backlog: number): Promise<void> {
  const first = tryBind(server, place, backlog);
  try {
    await first;
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    if (!isTaken || !isFile(place) || !(await removeStale(place.path))) throw error;
    await tryBind(server, place, backlog);
  }
}

function tryBind(server: Server, place: Place, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      server.off("listening", settle);
      server.off("error", settle);
      if (error === undefined) resolve();
      else reject(error);
    };
    server.once("listening", settle);
    server.once("error", settle);
    const direct = (server as unknown as DirectServer)._listen2;
    if (place.family === "unix") server.listen({ path: place.path, backlog });
    else if (direct !== undefined && isLiteral(place.host)) {
      const family = net().isIPv6(place.host) ? 6 : 4;
      direct.call(server, place.host, place.port, family, backlog, undefined, 0);
    } else server.listen({ host: place.host, port: place.port, backlog });
  });
}

/** Removes the file of a socket at which nobody listens. @returns true when it did. */
async function removeStale(path: string): Promise<boolean> {
  const before = inodeOf(path);
  if (before === undefined || (await answers(path))) return false;
  // Somebody else may have had the same thought and be listening there by now.
  if (inodeOf(path) !== before) return false;
  unlinkSync(path);
  return true;
}

function inodeOf(path: string): number | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isSocket() === true ? stat.ino : undefined;
}

/** True when somebody listens; a listener that is too busy to answer counts. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net().connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
  });
}
