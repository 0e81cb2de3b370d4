import { registerOwnClass } from "../wire/class-registry.ts";
import type { Host } from "./host.ts";
import type { Referent } from "./referents.ts";
import { arriveAsProxy } from "./arrive.ts";
import { PROXY_CLASS, writeToken } from "./token.ts";

/** An object of a server on its way to a client, where it arrives as a proxy. */
export class Outgoing {
  readonly host: Host;
  readonly referent: Referent;

  static {
    registerOwnClass<object, unknown>(
      Outgoing,
      PROXY_CLASS,
      (sent) => (sent as Outgoing).#write(),
      arriveAsProxy,
    );
  }

  constructor(host: Host, referent: Referent) {
    this.host = host;
    this.referent = referent;
  }

  #write(): unknown {
    const { id, kind, methods, isBuiltIn } = this.referent;
    return writeToken(this.host, { id, kind, methods: isBuiltIn ? [] : [...methods] });
  }
}
