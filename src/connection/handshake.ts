import { wrongType } from "../util/argument-error.ts";
import { AuthenticationError } from "../errors/index.ts";
import { crypto } from "../util/builtin.ts";

const CHALLENGE = Buffer.from("#CHALLENGE#");
const WELCOME = Buffer.from("#WELCOME#");
const FAILURE = Buffer.from("#FAILURE#");

/** Nothing that is said here is longer. */
export const MAX_HANDSHAKE_BYTES = 256;
/** The first bytes of our own nonces say who asks. As long as Python's, whose nonces are 40 random bytes. */
const MARKERS: Readonly<Record<Role, Buffer>> = {
  listener: Buffer.from("mc:listn"),
  client: Buffer.from("mc:clint"),
};
const RANDOM_BYTES = 32;
/** Python up to 3.11 sends bare challenges of this length and answers with a bare HMAC-MD5 of 16 bytes. */
const LEGACY_NONCE_BYTES = 20;
const LEGACY_MAC_BYTES = 16;

/** Python's names of digests, and Node's. */
const DIGESTS: ReadonlyMap<string, string> = new Map([
  ["sha256", "sha256"],
  ["sha384", "sha384"],
  ["sha3_256", "sha3-256"],
  ["sha3_384", "sha3-384"],
]);

/** Which side of the handshake this is. */
export type Role = "listener" | "client";

/** Settings on which both sides have to agree. */
export interface HandshakeOptions {
  readonly key: Uint8Array;
  /** Also talks to Python up to 3.11, which knows nothing but HMAC-MD5. */
  readonly legacyMd5: boolean;
}

type Expects = "response" | "challenge" | "verdict";

/**
 * The mutual proof that both sides know the key, as Python 3.12 and later does it: each sends a
 * challenge that names a digest, the other answers with an HMAC of the whole challenge, prefix included.
 * The listening side asks first.
 *
 * The answer does not say who gave it, so that somebody without the key could pass one client's challenge
 * on to another and give its answer back. Therefore our challenges begin with the role of the one who asks,
 * and nobody answers a challenge of its own role. Python's peers neither mark nor look, and answer anything:
 * see docs/channels.md. `test/model/handshake.pml` is the model of it.
 *
 * A machine without I/O: it is fed message by message. Each message is bounded by the reader, and so is
 * their number: whoever says anything else than the next expected one is out.
 */
export class Handshake {
  readonly #role: Role;
  readonly #options: HandshakeOptions;
  readonly #send: (message: Uint8Array) => void;
  readonly #expected: Expects[];
  #challenge: Buffer = Buffer.alloc(0);

  constructor(role: Role, options: HandshakeOptions, send: (message: Uint8Array) => void) {
    this.#role = role;
    this.#options = options;
    this.#send = send;
    this.#expected =
      role === "listener"
        ? ["response", "challenge", "verdict"]
        : ["challenge", "verdict", "response"];
    if (role === "listener") this.#ask();
  }

  /**
   * Takes the other side's next message and answers it.
   *
   * @returns true when both sides have shown that they know the key.
   * @throws AuthenticationError when it does not know it, or says something else.
   */
  step(message: Uint8Array): boolean {
    switch (this.#expected.shift()) {
      case "challenge":
        this.#send(this.#answer(message));
        break;
      case "response":
        this.#judge(message);
        break;
      default:
        if (!WELCOME.equals(message)) {
          throw new AuthenticationError(
            "The other side did not accept our key: give both sides the same `authKey`.",
          );
        }
        if (this.#expected.length > 0) this.#ask();
    }
    return this.#expected.length === 0;
  }

  #ask(): void {
    const random = crypto().randomBytes(RANDOM_BYTES);
    this.#challenge = Buffer.concat([Buffer.from("{sha256}"), MARKERS[this.#role], random]);
    this.#send(Buffer.concat([CHALLENGE, this.#challenge]));
  }

  #answer(message: Uint8Array): Buffer {
    const said = Buffer.from(message);
    if (!said.subarray(0, CHALLENGE.length).equals(CHALLENGE)) {
      throw new AuthenticationError(
        "The other side sent something else than a challenge: it uses no `authKey`, or is no Listener.",
      );
    }
    const challenge = said.subarray(CHALLENGE.length);
    if (challenge.length === LEGACY_NONCE_BYTES) {
      if (!this.#options.legacyMd5) throw legacyError();
      return this.#mac("md5", challenge);
    }
    const digest = digestOf(challenge);
    // A challenge that is mostly the other side's constant text proves nothing.
    if (digest === undefined || challenge.length < digest.prefix.length + LEGACY_NONCE_BYTES) {
      throw new AuthenticationError("The other side sent a challenge of an unknown kind.");
    }
    const nonce = challenge.subarray(digest.prefix.length);
    const own = MARKERS[this.#role];
    if (nonce.subarray(0, own.length).equals(own)) {
      throw new AuthenticationError(
        `The other side asked what only a ${this.#role} asks: it passes challenges on and does not know the key.`,
      );
    }
    return Buffer.concat([digest.prefix, this.#mac(digest.algorithm, challenge)]);
  }

  #judge(message: Uint8Array): void {
    const said = Buffer.from(message);
    const isLegacy = said.length === LEGACY_MAC_BYTES;
    const digest = isLegacy ? undefined : digestOf(said);
    const algorithm = isLegacy && this.#options.legacyMd5 ? "md5" : digest?.algorithm;
    if (algorithm !== undefined) {
      const mac = said.subarray(digest?.prefix.length ?? 0);
      const expected = this.#mac(algorithm, this.#challenge);
      if (mac.length === expected.length && crypto().timingSafeEqual(mac, expected)) {
        this.#send(WELCOME);
        return;
      }
    }
    this.#send(FAILURE);
    if (isLegacy && !this.#options.legacyMd5) throw legacyError();
    throw new AuthenticationError(
      "The other side does not know the key: give both sides the same `authKey`.",
    );
  }

  #mac(algorithm: string, message: Uint8Array): Buffer {
    return crypto().createHmac(algorithm, this.#options.key).update(message).digest();
  }
}

/** True for the challenge of a listener that wants a key. */
export function isChallenge(message: Uint8Array): boolean {
  if (message.length > MAX_HANDSHAKE_BYTES) return false;
  const said = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (!said.subarray(0, CHALLENGE.length).equals(CHALLENGE)) return false;
  const challenge = said.subarray(CHALLENGE.length);
  return challenge.length === LEGACY_NONCE_BYTES || digestOf(challenge) !== undefined;
}

/** The error of one who has no key where one is asked for. */
export function keyWanted(): AuthenticationError {
  return new AuthenticationError(
    "The other side asks for a key: give connect() the listener's `authKey`.",
  );
}

/** The digest that a challenge or an answer names at its beginning. */
function digestOf(message: Buffer): { algorithm: string; prefix: Buffer } | undefined {
  if (message[0] !== 0x7b) return undefined;
  const end = message.indexOf(0x7d);
  const algorithm = end < 0 ? undefined : DIGESTS.get(message.toString("latin1", 1, end));
  if (algorithm === undefined) return undefined;
  return { algorithm, prefix: message.subarray(0, end + 1) };
}

function legacyError(): AuthenticationError {
  return new AuthenticationError(
    "The other side speaks the old form of the handshake, with MD5, as Python up to 3.11 does. " +
      "Update it, or allow that with the option `legacyMd5: true`.",
  );
}

/** The key as bytes. @throws TypeError when it is something else. */
export function checkKey(key: unknown): Uint8Array | undefined {
  if (key === undefined) return undefined;
  if (typeof key === "string") return Buffer.from(key);
  // A copy: what the caller does with his does not matter any more.
  if (key instanceof Uint8Array) return Buffer.from(key);
  throw wrongType("authKey", "a Uint8Array or a string", key);
}
