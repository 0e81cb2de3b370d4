import type { Address } from "../channel/index.ts";

/** The first thing a server says, so that one of another version is noticed. */
export const HELLO = "manycore-manager-1";

/**
 * What a client asks. Arguments travel as bytes of their own: some that cannot be read fail their call,
 * not the connection.
 *
 * - `call`: id, object, method, arguments, attachments, timeout, flow
 * - `create`: id, kind, arguments, attachments
 * - `retain`: object, ticket
 * - `release`, `pin` (object, ticket), `unpin` (ticket): not answered
 * - `cancel`: id of a call
 * - `shutdown`, `count`: id
 */
export const Ask = {
  call: 0,
  create: 1,
  retain: 2,
  release: 3,
  pin: 4,
  unpin: 5,
  cancel: 6,
  shutdown: 7,
  count: 8,
} as const;

/** How a call ended: `[id, status, bytes, attachments]`. */
export const Answer = { value: 0, error: 1, withdrawn: 2 } as const;

/** What of a proxy travels. */
export interface Token {
  /** Which server, wherever it listens. */
  readonly server: string;
  readonly address: Address;
  /** The server's key, sealed with that of this family of processes; null: it is that key itself. */
  readonly key: Uint8Array | null;
  readonly id: number;
  readonly kind: string;
  /** Methods of an own class; empty for what the package itself knows. */
  readonly methods: readonly string[];
  /** Holds the object until the receiver has its own reference. */
  readonly ticket: string;
}
