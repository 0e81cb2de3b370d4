/** As many bytes as it takes to tell protocols apart. */
export const OPENING_BYTES = 8;

const HTTP = /^(?:HTTP\/|GET |HEAD |POST |PUT |DELETE |OPTIONS|CONNECT|PATCH |TRACE |PRI \*)/;
/** The two kinds of TLS records that begin a conversation. */
const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 3;
const TLS_LAST_MINOR = 4;

/**
 * Names the protocol whose first bytes these are; undefined for any other, also our own.
 *
 * Only for messages about what could not be read: a length may look the same.
 */
export function protocolOf(opening: Uint8Array): string | undefined {
  const text = Buffer.from(opening).toString("latin1");
  if (HTTP.test(text)) return "HTTP";
  if (text.startsWith("SSH-")) return "SSH";
  const [kind, major, minor] = opening;
  const isTls =
    (kind === TLS_ALERT || kind === TLS_HANDSHAKE) &&
    major === TLS_MAJOR &&
    minor !== undefined &&
    minor <= TLS_LAST_MINOR;
  return isTls ? "TLS" : undefined;
}
