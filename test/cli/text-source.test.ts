import { parse } from "csv-parse/sync";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { BlockRange, RecordShape } from "../../dist/cli/map/input/block.js";
import type { Segment } from "../../dist/cli/map/input/block-source.js";
import { wholeInputs } from "../../dist/cli/map/input/block-source.js";
import { loadCsvParser } from "../../dist/cli/map/input/csv-parser.js";
import { SelectingSource } from "../../dist/cli/map/input/selecting-source.js";
import { TextSource } from "../../dist/cli/map/input/text-source.js";
import { remainingSegments } from "../../dist/cli/map/journal/journal-reader.js";
import { recordsOf } from "../../dist/cli/map/work/records-of.js";

beforeAll(loadCsvParser);

interface Reading {
  readonly format: RecordShape["format"];
  readonly files: readonly string[];
  /** Bytes of one read. */
  readonly piece: number;
  readonly blockBytes: number;
  readonly maxRecords: number;
  readonly batch?: number;
  readonly hasHeader?: boolean;
  readonly segments?: readonly Segment[];
  readonly delimiter?: string;
  readonly only?: ReadonlySet<number>;
}

interface Found {
  readonly index: number;
  readonly line: number;
  readonly value: unknown;
  readonly malformed: string | undefined;
}

/** Reads inputs as the command and its workers do together. */
async function readAll(
  reading: Reading,
): Promise<{ records: Found[]; ranges: BlockRange[]; counts: number[] }> {
  const { format, files, piece, blockBytes, maxRecords, batch = 1 } = reading;
  const shape = { format, separator: 10, delimiter: reading.delimiter ?? "," };
  const source = new TextSource({
    shape,
    paths: files.map((_, at) => String(at)),
    segments: reading.segments ?? wholeInputs(files.length),
    sizes: files.map(() => undefined),
    blockBytes,
    batch,
    hasHeader: reading.hasHeader ?? false,
    columns: undefined,
    open: (path, start) => {
      const bytes = Buffer.from(files[Number(path)] ?? "");
      let at = start;
      return {
        inflation: 1,
        read: () => {
          // A byte order mark is looked for in the first piece, which a file never cuts.
          const part = bytes.subarray(at, at + Math.max(piece, at === 0 ? 3 : 1));
          at += part.length;
          return Promise.resolve(part.length === 0 ? undefined : part);
        },
        close: () => undefined,
      };
    },
  });
  const { only } = reading;
  const selection = { skip: 0, limit: Infinity, sample: 1, seed: 1, only };
  const reader = only === undefined ? source : new SelectingSource(source, shape, selection, 0);
  const records: Found[] = [];
  const ranges: BlockRange[] = [];
  const counts: number[] = [];
  for (let block; (block = await reader.next(maxRecords)) !== undefined;) {
    const found = [...recordsOf(shape, block.body)];
    expect(found).toHaveLength(block.body.count);
    records.push(...found);
    ranges.push(...block.ranges);
    counts.push(block.body.count);
  }
  return { records, ranges, counts };
}

const cutting = {
  piece: fc.integer({ min: 1, max: 20 }),
  blockBytes: fc.integer({ min: 1, max: 60 }),
  maxRecords: fc.integer({ min: 1, max: 5 }),
};

const field = fc
  .array(fc.constantFrom("a", "é", '"', ",", "\n", "\r\n", " ", "😀", "1"), { maxLength: 5 })
  .map((list) => list.join(""));
// A row of one empty field is an empty line, which is no row.
const rows = fc.array(fc.tuple(field, field, field), { minLength: 1, maxLength: 12 });

function csvOf(table: readonly (readonly string[])[], end: string, isTerminated: boolean): string {
  const quoted = (text: string): string =>
    /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const text = table.map((row) => row.map(quoted).join(",")).join(end);
  return isTerminated ? text + end : text;
}

describe("csv", () => {
  test("is read as csv-parse reads it, wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.constantFrom("\n", "\r\n"),
        fc.boolean(),
        fc.boolean(),
        fc.record(cutting),
        async (table, end, isTerminated, hasMark, cut) => {
          const text = (hasMark ? "\ufeff" : "") + csvOf(table, end, isTerminated);
          const wanted = parse(text, { bom: true, record_delimiter: end, skip_empty_lines: true });
          const { records } = await readAll({ format: "csv", files: [text], ...cut });
          expect(records.map(({ value }) => value)).toEqual(wanted);
          expect(records.map(({ index }) => index)).toEqual(records.map((_, at) => at));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("names the fields by each file's own header, and counts its lines", async () => {
    const files = ['\ufeffid,"na\nme"\r\n\r\n1,x\r\n2,"y\r\nz"\r\n3,w', "name\nq\n"];
    const cut = { piece: 4, blockBytes: 5, maxRecords: 2 };
    const { records } = await readAll({ format: "csv", files, hasHeader: true, ...cut });
    expect(records).toEqual([
      { index: 0, line: 4, value: { id: "1", "na\nme": "x" }, malformed: undefined },
      { index: 1, line: 5, value: { id: "2", "na\nme": "y\r\nz" }, malformed: undefined },
      { index: 2, line: 7, value: { id: "3", "na\nme": "w" }, malformed: undefined },
      { index: 3, line: 2, value: { name: "q" }, malformed: undefined },
    ]);
  });

  test("tells what is malformed and spoils no neighbour", async () => {
    const files = ['a,b\n1,2\n3\n4,"x"y\n5,6,7\n8,5" pipe\n'];
    const cut = { piece: 99, blockBytes: 99, maxRecords: 9 };
    const { records } = await readAll({ format: "csv", files, hasHeader: true, ...cut });
    expect(records.map(({ malformed }) => malformed !== undefined)).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
    expect(records[1]?.malformed).toBe("expected 2 fields (a, b), got 1");
    expect(records[2]?.malformed).toMatch(/^not a csv record/);
    expect(records[4]?.value).toEqual({ a: "8", b: '5" pipe' });
  });

  test("refuses a header that names two columns alike", async () => {
    const cut = { piece: 99, blockBytes: 99, maxRecords: 9 };
    const reading = readAll({ format: "csv", files: ["a,b,a\n1,2,3\n"], hasHeader: true, ...cut });
    await expect(reading).rejects.toThrow(/Two columns of 0 are called "a"/);
  });
});

describe("a JSON array", () => {
  test("is read as JSON.parse reads it, wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 8 }),
        fc.constantFrom(undefined, 2),
        fc.record(cutting),
        async (values, space, cut) => {
          const text = ` \n${JSON.stringify(values, undefined, space)}\n`;
          const { records } = await readAll({ format: "json", files: [text], ...cut });
          expect(records.map(({ value }) => value)).toEqual(JSON.parse(text));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("with a malformed element gives the others, and its line", async () => {
    const cut = { piece: 3, blockBytes: 99, maxRecords: 9 };
    const { records } = await readAll({ format: "json", files: ["[\n1,\n{x},\n  3\n]"], ...cut });
    expect(records).toMatchObject([
      { value: 1, line: 2 },
      { malformed: expect.stringMatching(/^not a JSON value/), line: 3 },
      { value: 3, line: 4 },
    ]);
  });

  test.each([
    ["an object", '{"a":1}', /is not a JSON array. For one value per line pass --format jsonl/],
    ["an empty file", "", /is not a JSON array/],
    ["an array that is cut off", "[1,2,", /end in the middle of the file/],
    ["an element that is cut off", '[1,{"a":', /Record 1 .*end in the middle of the file/],
    ["more behind the array", "[1] [2]", /There is more behind the array of 0/],
  ])("is told from %s", async (_, text, message) => {
    const cut = { piece: 3, blockBytes: 99, maxRecords: 9 };
    await expect(readAll({ format: "json", files: [text], ...cut })).rejects.toThrow(message);
  });
});

describe("what a run has left", () => {
  const lines = fc.array(fc.constantFrom("", "1", "22", '{"a":3}', "é"), { maxLength: 12 });
  const inputs = fc.array(
    lines.map((list) => list.join("\n")),
    { minLength: 1, maxLength: 3 },
  );
  const formats = fc.constantFrom("lines" as const, "jsonl" as const, "csv" as const);

  test("is, with what it has done, the whole input, whichever blocks those are", async () => {
    await fc.assert(
      fc.asyncProperty(
        inputs,
        formats,
        fc.record(cutting),
        fc.record(cutting),
        fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
        async (files, format, cut, laterCut, isDone) => {
          const reading = { format, files, hasHeader: format === "csv" };
          const whole = await readAll({ ...reading, ...cut });
          const done = whole.ranges.filter((_, at) => isDone[at]);
          const segments = remainingSegments(done, files.length);
          const rest = await readAll({ ...reading, ...laterCut, segments });
          const covered = new Set(
            done.flatMap(({ first, count }) =>
              Array.from({ length: count }, (_, at) => first + at),
            ),
          );
          expect(rest.records).toEqual(whole.records.filter(({ index }) => !covered.has(index)));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("of an array goes on inside it", async () => {
    const files = ["[1, [2],\n 3, 4]"];
    const cut = { piece: 2, blockBytes: 1, maxRecords: 1 };
    const { ranges } = await readAll({ format: "json", files, ...cut });
    const done = [ranges[1], ranges[3]].filter((range) => range !== undefined);
    const segments = remainingSegments(done, 1);
    const rest = await readAll({ format: "json", files, ...cut, segments });
    expect(rest.records).toMatchObject([
      { index: 0, value: 1, line: 1 },
      { index: 2, value: 3, line: 2 },
    ]);
  });

  test("may be single records", async () => {
    await fc.assert(
      fc.asyncProperty(
        inputs,
        formats,
        fc.record(cutting),
        fc.array(fc.nat({ max: 30 })),
        async (files, format, cut, wanted) => {
          const reading = { format, files, hasHeader: format === "csv", ...cut };
          const only = new Set(wanted);
          const { records } = await readAll({ ...reading, only });
          const all = await readAll(reading);
          expect(records).toEqual(all.records.filter(({ index }) => only.has(index)));
        },
      ),
    );
  });
});

test("batches are whole, however small the blocks, until a file ends", async () => {
  const text = Array.from({ length: 11 }, (_, at) => `${at}\n`).join("");
  await fc.assert(
    fc.asyncProperty(fc.record(cutting), fc.integer({ min: 1, max: 4 }), async (cut, batch) => {
      const maxRecords = batch * cut.maxRecords;
      const reading = { format: "lines" as const, files: [text, text], ...cut, maxRecords, batch };
      const { records, counts } = await readAll(reading);
      expect(records).toHaveLength(22);
      let total = 0;
      for (const count of counts) {
        total += count;
        expect(count % batch === 0 || total === 11 || total === 22).toBe(true);
      }
    }),
  );
});

test("a record longer than any should be ends the run instead of filling memory", async () => {
  const source = new TextSource({
    shape: { format: "lines", separator: 10, delimiter: "," },
    paths: ["endless"],
    segments: wholeInputs(1),
    sizes: [undefined],
    blockBytes: 1024,
    batch: 1,
    hasHeader: false,
    columns: undefined,
    open: () => ({
      inflation: 1,
      read: () => Promise.resolve(Buffer.alloc(16 * 1024 * 1024, "x")),
      close: () => undefined,
    }),
  });
  await expect(source.next(1)).rejects.toThrow(/Record 0 \(line 1 of endless\) is longer than/);
});
