import type { Address } from "../connection/index.ts";
import { SerializationError } from "../errors/index.ts";
import { crypto } from "../util/builtin.ts";
import { moves } from "../wire/moves.ts";
import type { Host } from "./host.ts";
import type { Token } from "./protocol.ts";
import { sealKey } from "./seal.ts";

/** Under this name proxies travel. */
export const PROXY_CLASS = "manycore.ManagerProxy";

const PIN_ID_BYTES = 12;

/** An object, as its proxy is sent. */
interface Sent {
  readonly id: number;
  readonly kind: string;
  readonly methods: readonly string[];
}

/**
 * Writes a proxy for somebody else: the object is held by a pin until the receiver has its own
 * reference, or until it is known that the message will not be read.
 */
export function writeToken(host: Host, sent: Sent): Token {
  const pinId = crypto().randomBytes(PIN_ID_BYTES).toString("base64url");
  moves({
    commit: () => host.pin(sent.id, pinId),
    lost: () => host.unpin(pinId),
    again: () => host.pin(sent.id, pinId),
  });
  const { server, address, key } = host;
  const { id, kind, methods } = sent;
  const sealed = key === undefined ? null : sealKey(key);
  return { server, address, key: sealed, id, kind, methods, pinId };
}

/** Reads what {@link writeToken} wrote. */
export function readToken(data: unknown): Token {
  const token = (data ?? {}) as Partial<Record<keyof Token, unknown>>;
  const { server, address, key, id, kind, methods, pinId } = token;
  if (
    typeof server === "string" &&
    isAddress(address) &&
    (key === null || key instanceof Uint8Array) &&
    Number.isSafeInteger(id) &&
    typeof kind === "string" &&
    Array.isArray(methods) &&
    methods.every((name) => typeof name === "string") &&
    typeof pinId === "string"
  ) {
    return data as Token;
  }
  throw new SerializationError(
    "A manager's proxy could not be read: it is not one of this version.",
  );
}

function isAddress(value: unknown): value is Address {
  if (typeof value === "string") return true;
  const { host, port } = (value ?? {}) as { host?: unknown; port?: unknown };
  return typeof port === "number" && (host === undefined || typeof host === "string");
}
