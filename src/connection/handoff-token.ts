import { tmpdir } from "node:os";
import { AuthenticationError } from "../errors/index.ts";
import { crypto } from "../util/builtin.ts";
import { messageHeader } from "./message-reader.ts";

/** The address at which an end waits for its new owner, and the secret that fetches it, once. */
export interface HandoffToken {
  readonly address: string;
  readonly secret: string;
}

/** The keeper's answer to the new owner of an end. What was not read yet follows. */
export type Answer =
  /** This socket is the connection from now on. `moves`: the other side takes control frames, too. */
  | { readonly kind: "link"; readonly moves: boolean }
  /** After the end of this socket the other end comes to you: say where. */
  | { readonly kind: "host" }
  /** After the end of this socket go on there. */
  | { readonly kind: "go"; readonly token: HandoffToken }
  /** Call there at once: when this socket ends, the connection's own socket has been sent that way. */
  | { readonly kind: "take"; readonly token: HandoffToken };

/** Control frames between two linked ends. */
export type ControlFrame =
  /** This end goes elsewhere: say where it finds you. Nothing else will come from here. */
  | { readonly kind: "move" }
  /** Here; nothing else will come. */
  | { readonly kind: "at"; readonly token: HandoffToken };

const SECRET = /^[0-9a-f]{32}$/;

/** The common prefix of the addresses of all handoff servers. */
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

/**
 * What a claimer sends instead of the secret: the address may be somebody else's by now, since anybody may take
 * the abstract name of a program that has ended.
 */
export function claimOf(secret: string): string {
  return crypto().createHmac("sha256", secret).update("claim").digest("hex");
}

/** The proof that only the keeper can give. */
export function proofOf(secret: string): string {
  return crypto().createHmac("sha256", secret).update("keeper").digest("hex");
}

/** The first message to a keeper. */
export function claimFrame({ secret }: HandoffToken): Buffer {
  const claim = Buffer.from(claimOf(secret));
  return Buffer.concat([messageHeader(claim.length), claim]);
}

/** @throws AuthenticationError when it is not the keeper's. @throws TypeError when it is no answer. */
export function parseAnswer(message: Uint8Array, token: HandoffToken): Answer {
  const answer = JSON.parse(Buffer.from(message).toString()) as Answer & { proof?: unknown };
  if (answer.proof !== proofOf(token.secret)) {
    throw new AuthenticationError(
      "Somebody else answered in the place of the one who sent this: it has ended, and its address was taken.",
    );
  }
  if (answer.kind === "link" || answer.kind === "host") return answer;
  const next = parseHandoffToken(answer.token);
  return { kind: answer.kind === "take" ? "take" : "go", token: next };
}
