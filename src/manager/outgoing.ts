import { registerOwnClass } from "../wire/class-registry.ts";
import type { Host } from "./host.ts";
import type { RefEntry } from "./ref-table.ts";
import { arriveAsProxy } from "./arrive.ts";
import { PROXY_CLASS, writeToken } from "./token.ts";

/** An object of a server on its way to a client, where it arrives as a proxy. */
export class Outgoing {
  readonly host: Host;
  readonly entry: RefEntry;

  static {
    registerOwnClass<object, unknown>(
      Outgoing,
      PROXY_CLASS,
      (sent) => (sent as Outgoing).#write(),
      arriveAsProxy,
    );
  }

  constructor(host: Host, entry: RefEntry) {
    this.host = host;
    this.entry = entry;
  }

  #write(): unknown {
    const { id, kind, methods, isBuiltIn } = this.entry;
    return writeToken(this.host, { id, kind, methods: isBuiltIn ? [] : [...methods] });
  }
}
