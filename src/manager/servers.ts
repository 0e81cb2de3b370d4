import type { Host } from "./host.ts";

/** The servers that run in this thread, by their ids. */
const servers: Map<string, Host> = new Map();

export function addServer(server: Host): void {
  servers.set(server.server, server);
}

export function removeServer(server: Host): void {
  servers.delete(server.server);
}

/** The server that a proxy belongs to, if it runs here. */
export function localServer(id: string): Host | undefined {
  return servers.get(id);
}
