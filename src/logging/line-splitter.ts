const NEWLINE = 10;

/** Cuts a stream of bytes into whole lines. */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #length = 0;

  /** @param maxBytes - of one line. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns the whole lines there are by now, as one piece; "too long" for a line that exceeds the limit. */
  push(bytes: Uint8Array): Uint8Array | "too long" | undefined {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0) return this.#keep(bytes);
    const first = bytes.indexOf(NEWLINE) + 1;
    if (this.#length + first > this.#maxBytes) return "too long";
    const whole = Buffer.concat([...this.#parts, bytes.subarray(0, end)]);
    this.#parts = [];
    this.#length = 0;
    return end < bytes.length && this.#keep(bytes.subarray(end)) === "too long"
      ? "too long"
      : whole;
  }

  #keep(rest: Uint8Array): "too long" | undefined {
    this.#length += rest.length;
    if (this.#length > this.#maxBytes) return "too long";
    // The socket's buffer is not used again, so it need not be copied.
    this.#parts.push(rest);
    return undefined;
  }
}
