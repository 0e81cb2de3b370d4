import { CliError } from "../../cli-error.ts";
import type { RecordShape } from "./block.ts";

/** So many bytes show what a text is written in. */
const SAMPLE_BYTES = 4096;
const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;

/** First bytes of packed files, and the program that unpacks them. */
const PACKED: readonly (readonly [name: string, program: string, start: readonly number[]])[] = [
  ["zstd", "zstd -dc", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", "xz -dc", [0xfd, 0x37, 0x7a, 0x58]],
  ["bzip2", "bzip2 -dc", [0x42, 0x5a, 0x68, 0x31]],
  ["lz4", "lz4 -dc", [0x04, 0x22, 0x4d, 0x18]],
  ["zip", "unzip -p", [0x50, 0x4b, 0x03, 0x04]],
];

/** The same by the ends of names; brotli has nothing that its files start with. */
const PACKED_NAMES: Readonly<Record<string, string>> = {
  br: "brotli -dc",
  zst: "zstd -dc",
  xz: "xz -dc",
  bz2: "bzip2 -dc",
  lz4: "lz4 -dc",
  zip: "unzip -p",
};

/** The program that unpacks a file, by the end of its name; `undefined` for every other name. */
export function unpackerOf(path: string): string | undefined {
  return PACKED_NAMES[/\.([a-z0-9]+)$/.exec(path.toLowerCase())?.[1] ?? ""];
}

/** The error for an input that is packed in a way that is not read. */
export function packedError(path: string, program: string): CliError {
  return new CliError(
    `${path} is packed in a way that is not read (gzip is); unpack it on the way: ` +
      `${program} ${path} | manycore map … --format … -`,
  );
}

/** True when an input may start with a mark of which the rest has not come. */
export function isCutMark(head: Buffer): boolean {
  const [first = 0] = head;
  return head.length < 4 && (first >= 0x80 || (head.length === 1 && first !== LINE_FEED));
}

/**
 * Looks whether an input is text that can be read: UTF-8, and not packed.
 *
 * @param head - its first bytes.
 * @throws CliError that says what it is, and what to do.
 */
export function refuseForeignText(head: Buffer, label: string, { separator }: RecordShape): void {
  const packed = PACKED.find(([, , start]) => start.every((byte, at) => head[at] === byte));
  if (packed !== undefined) throw packedError(label, packed[1]);
  const encoding = separator === 0 ? markedEncoding(head) : wideEncoding(head);
  if (encoding === undefined) return;
  throw new CliError(
    `${label} is ${encoding}, and UTF-8 is read; convert it on the way: ` +
      `iconv -f ${encoding} -t UTF-8 ${label} | manycore map … --format … -`,
  );
}

function wideEncoding(head: Buffer): string | undefined {
  const marked = markedEncoding(head);
  if (marked !== undefined) return marked;
  // Without a mark: what is written in ASCII has a zero in every other byte, and UTF-8 has none.
  const sample = head.subarray(0, Math.min(head.length & ~1, SAMPLE_BYTES));
  if (!sample.includes(0)) return undefined;
  let [even, odd] = [0, 0];
  for (let at = 0; at < sample.length; at += 2) {
    if (sample[at] === 0) even += 1;
    if (sample[at + 1] === 0) odd += 1;
  }
  const pairs = sample.length / 2;
  if (odd > pairs * 0.3 && even < pairs * 0.1) return "UTF-16LE";
  if (even > pairs * 0.3 && odd < pairs * 0.1) return "UTF-16BE";
  return undefined;
}

function markedEncoding(head: Buffer): string | undefined {
  const [a, b, c, d] = head;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? "UTF-32" : "UTF-16";
  if (a === 0xfe && b === 0xff) return "UTF-16";
  return a === 0 && b === 0 && c === 0xfe && d === 0xff ? "UTF-32" : undefined;
}

/** The place of a carriage return that no line feed follows; -1 when there is none. What ends the text does not count. */
export function loneReturn(bytes: Buffer, start: number, end: number): number {
  for (let at = bytes.indexOf(CARRIAGE_RETURN, start); at >= 0 && at < end - 1;) {
    if (bytes[at + 1] !== LINE_FEED) return at;
    at = bytes.indexOf(CARRIAGE_RETURN, at + 1);
  }
  return -1;
}

/** The error for a file of lines that no line feed ends. */
export function loneReturnError(label: string): CliError {
  return new CliError(
    `The lines of ${label} end with a carriage return alone; convert it on the way: ` +
      `tr '\\r' '\\n' < ${label} | manycore map … --format … -`,
  );
}
