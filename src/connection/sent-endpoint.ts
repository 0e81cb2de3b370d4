import { InvalidStateError } from "../errors/index.ts";
import { moves } from "../wire/moves.ts";
import type { Endpoint } from "./endpoint.ts";
import { fetchEndpoint } from "./fetch-endpoint.ts";
import { Handoff } from "./handoff.ts";
import { handoffServer, newHandoffToken } from "./handoff-server.ts";
import { type HandoffToken, parseHandoffToken } from "./handoff-token.ts";
import { MAX_MESSAGE_BYTES } from "./message-reader.ts";

/** An end inside a message: how to fetch it, and its options. */
interface SentEndpoint extends HandoffToken {
  readonly readable: boolean;
  readonly writable: boolean;
  readonly maxBytes: number;
}

/**
 * Writes an end into the message that is being encoded. It is offered once the message goes out.
 *
 * @param onSent - called then.
 * @throws InvalidStateError while sends or receives of it are pending.
 */
export function offerEndpoint(endpoint: Endpoint, onSent: () => void): SentEndpoint {
  if (endpoint.isBusy) {
    throw new InvalidStateError(
      "sends or receives of it are pending: await or abort them before you send the connection itself",
    );
  }
  const token = newHandoffToken();
  let isSent = false;
  moves({
    commit: () => {
      isSent = true;
      onSent();
      Handoff.offer(endpoint, token);
    },
    lost: () => {
      if (!isSent) return;
      handoffServer().lose(token.secret, "The process that the other end was sent to is gone.");
    },
  });
  const { readable, writable, maxBytes } = endpoint.options;
  return { ...token, readable, writable, maxBytes };
}

/** Reads what {@link offerEndpoint} wrote, which may come from anybody. @throws TypeError when it is no end. */
export function receiveEndpoint(data: unknown): Endpoint {
  const token = parseHandoffToken(data);
  const { readable, writable, maxBytes } = data as Partial<Record<string, unknown>>;
  const limit = typeof maxBytes === "number" && maxBytes > 0 ? maxBytes : MAX_MESSAGE_BYTES;
  const options = { readable: readable !== false, writable: writable !== false, maxBytes: limit };
  return fetchEndpoint(token, options);
}
