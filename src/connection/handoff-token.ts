import { tmpdir } from "node:os";

/** Where an end that was given away waits, and the secret it is given out for, once. */
export interface HandoffToken {
  readonly address: string;
  readonly secret: string;
}

/** What the keeper of an end answers to its new owner. What was not read yet follows. */
export type Answer =
  /** This socket is the connection from now on. `moves`: the other side speaks of moving, too. */
  | { readonly kind: "link"; readonly moves: boolean }
  /** After the end of this socket the other end comes to you: say where. */
  | { readonly kind: "host" }
  /** After the end of this socket go on there. */
  | { readonly kind: "go"; readonly token: HandoffToken }
  /** Call there at once: when this socket ends, the connection's own socket has been sent that way. */
  | { readonly kind: "take"; readonly token: HandoffToken };

/** Words between two linked ends. */
export type Words =
  /** This end goes elsewhere: say where it finds you. Nothing else will come from here. */
  | { readonly kind: "move" }
  /** Here; nothing else will come. */
  | { readonly kind: "at"; readonly token: HandoffToken };

const SECRET = /^[0-9a-f]{32}$/;

/** The beginning of the addresses at which this package's threads wait. */
export function handoffPrefix(): string {
  if (process.platform === "linux") return "\0manycore-";
  if (process.platform === "win32") return String.raw`\\.\pipe\manycore-`;
  return `${tmpdir()}/manycore-`;
}

/** Reads a token, which may come from anybody. @throws TypeError when it is none of ours. */
export function parseHandoffToken(data: unknown): HandoffToken {
  const { address, secret } = (data ?? {}) as Partial<Record<keyof HandoffToken, unknown>>;
  // Nobody may make this process connect to whatever else listens on this machine.
  const isOurs =
    typeof address === "string" &&
    address.startsWith(handoffPrefix()) &&
    /^[\w-]+$/.test(address.slice(handoffPrefix().length));
  if (!isOurs || typeof secret !== "string" || !SECRET.test(secret)) {
    throw new TypeError("A connection arrived without a place to fetch it from.");
  }
  return { address, secret };
}
