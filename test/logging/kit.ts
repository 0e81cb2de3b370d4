import { Writable } from "node:stream";

/** One record as it is written. */
export interface Line {
  readonly level: number;
  readonly pid: number;
  readonly process: string;
  readonly thread: string;
  readonly name?: string;
  readonly msg: string;
  readonly label?: string;
  readonly i?: number;
  readonly err?: { readonly type: string; readonly message: string; readonly stack: string };
}

/** A destination that keeps what it is given. */
export class Kept extends Writable {
  #parts: Buffer[] = [];

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.#parts.push(Buffer.from(chunk));
    done();
  }

  get lines(): Line[] {
    const text = Buffer.concat(this.#parts).toString();
    if (text !== "" && !text.endsWith("\n")) throw new Error("the last line is cut");
    return text
      .split("\n")
      .slice(0, -1)
      .map((line): Line => JSON.parse(line) as Line);
  }
}

/** The numbers of the lines with a label, in their order. */
export const numbersOf = (lines: readonly Line[], label: string): number[] =>
  lines.filter((line) => line.label === label).map((line) => line.i!);

/** 0, 1, … */
export const count = (length: number): number[] => Array.from({ length }, (_, i) => i);
