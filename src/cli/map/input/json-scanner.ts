import type { RecordScanner } from "./scanner.ts";

const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/**
 * The elements of a JSON array, from behind its opening bracket on.
 *
 * Only nesting and strings are looked at; whether an element is valid is found out where it is parsed.
 */
export class JsonScanner implements RecordScanner {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The byte after the comma behind the element, or the array's closing bracket itself. */
  endOf(start: number, isLast: boolean): number {
    const bytes = this.#bytes;
    let depth = 0;
    for (let at = start; at < bytes.length; at++) {
      switch (bytes[at]) {
        case QUOTE:
          at = this.#endOfString(at + 1);
          if (at < 0) return isLast ? bytes.length : -1;
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          depth += 1;
          break;
        case CLOSE_BRACE:
          depth -= 1;
          break;
        case CLOSE_BRACKET:
          if (depth === 0) return at;
          depth -= 1;
          break;
        case COMMA:
          if (depth <= 0) return at + 1;
          break;
        default:
      }
    }
    return isLast ? bytes.length : -1;
  }

  isRecord(start: number, end: number): boolean {
    return firstInk(this.#bytes, start, end) >= 0;
  }

  /** The end of a string that is open at `from`; -1 when the piece ends before. */
  #endOfString(from: number): number {
    const bytes = this.#bytes;
    for (let at = from; ; at++) {
      at = bytes.indexOf(QUOTE, at);
      if (at < 0) return -1;
      let slashes = 0;
      while (bytes[at - 1 - slashes] === BACKSLASH && at - 1 - slashes >= from) slashes += 1;
      if (slashes % 2 === 0) return at;
    }
  }
}

/** The first byte in `[start, end)` that is no blank; -1 when there is none. */
export function firstInk(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    if ((bytes[at] ?? 0) > SPACE) return at;
  }
  return -1;
}

/** True when the array closes at `start`, blanks aside. `undefined`: the piece does not tell. */
export function closesAt(bytes: Buffer, start: number): boolean | undefined {
  const ink = firstInk(bytes, start, bytes.length);
  return ink < 0 ? undefined : bytes[ink] === CLOSE_BRACKET;
}
