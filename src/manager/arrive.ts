import type { Host } from "./host.ts";
import { Handle } from "./host.ts";
import { linkTo } from "./links.ts";
import { openKey } from "./seal.ts";
import { localServer } from "./servers.ts";
import { readToken } from "./token.ts";

/** Makes the proxy of a handle; set by the room of proxies, which knows all their classes. */
let makeProxy: (handle: Handle) => object;

export function setProxyMaker(make: (handle: Handle) => object): void {
  makeProxy = make;
}

/** Makes a proxy of what has arrived, with a reference of its own. */
export function arriveAsProxy(data: unknown): object {
  const { server, address, key, id, kind, methods, pinId } = readToken(data);
  const host: Host =
    localServer(server) ??
    linkTo({ server, address, key: key === null ? undefined : () => openKey(key) });
  host.retain(id, pinId);
  return makeProxy(new Handle(host, id, kind, methods));
}
