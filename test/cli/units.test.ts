import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { BlockSize } from "../../dist/cli/map/run/block-size.js";
import { parseDuration } from "../../dist/cli/map/parse/duration.js";
import { parseJobCount } from "../../dist/cli/map/parse/job-count.js";
import type { BlockBody, RecordShape } from "../../dist/cli/map/input/block.js";
import { textRecords, unitsOf } from "../../dist/cli/map/input/split.js";
import { loadCsvParser } from "../../dist/cli/map/input/csv-parser.js";
import { recordsOf } from "../../dist/cli/map/work/records-of.js";
import { Slots } from "../../dist/cli/map/run/slots.js";
import { bytesText, clockText, countedText, rateText, spanText } from "../../dist/cli/text.js";
import { userStack } from "../../dist/cli/map/work/user-stack.js";

describe("parseDuration", () => {
  test.each([
    ["500ms", 500],
    ["1.5s", 1500],
    ["2m", 120_000],
    ["1h", 3_600_000],
  ])("reads %s", (text, ms) => {
    expect(parseDuration(text, "--timeout")).toBe(ms);
  });

  test("refuses a bare number, with both readings", () => {
    expect(() => parseDuration("30", "--timeout")).toThrow(
      "--timeout needs a unit: write 30s or 30ms",
    );
  });

  test.each(["", "s", "-1s", "0s", "5 parsecs"])("refuses %j", (text) => {
    expect(() => parseDuration(text, "--timeout")).toThrow(/expects a duration/);
  });
});

describe("parseJobCount", () => {
  test.each([
    ["3", 3],
    ["auto", 8],
    ["50%", 4],
    ["1%", 1],
    ["+2", 10],
    ["-1", 7],
    ["-20", 1],
  ])("reads %s on 8 cores as %i", (text, jobs) => {
    expect(parseJobCount(text, 8)).toBe(jobs);
  });

  test.each(["0", "many", "1.5", "-5%", ""])("refuses %j", (text) => {
    expect(() => parseJobCount(text, 8)).toThrow(/--jobs expects/);
  });
});

describe("blocks of text", () => {
  beforeAll(loadCsvParser);

  const shapeOf = (format: RecordShape["format"], separator = 10): RecordShape => ({
    format,
    separator,
    delimiter: ",",
  });

  const block = (shape: RecordShape, text: string): BlockBody => {
    const bytes = Buffer.from(text);
    const count = [...textRecords(shape, bytes)].length;
    return { first: 7, count, source: "x", line: 3, text: bytes };
  };

  const pieces = fc.constantFrom(
    ...[
      "a",
      "é",
      "\n",
      "\r\n",
      "\r",
      " ",
      "\t",
      "\u00a0",
      "{}",
      "😀",
      '"',
      '""',
      ",",
      "[1]",
      "\\",
      "\0",
    ],
  );
  const texts = fc.array(pieces, { minLength: 1 }).map((list) => list.join(""));
  const shapes = fc.constantFrom(
    shapeOf("lines"),
    shapeOf("lines", 0),
    shapeOf("jsonl"),
    shapeOf("csv"),
    shapeOf("json"),
  );

  test("have the same records for the command and the worker, whatever the text", () => {
    fc.assert(
      fc.property(texts, shapes, fc.integer({ min: 1, max: 3 }), (text, shape, size) => {
        // The source never hands out what follows an array's end.
        fc.pre(shape.format !== "json" || !/\]/.test(text.replaceAll("[1]", "")));
        const whole = block(shape, text);
        const records = [...recordsOf(shape, whole)];
        expect(records).toHaveLength(whole.count);
        const units = unitsOf(shape, whole, 0, size).map((unit) => unit.body);
        expect(units.flatMap((unit) => [...recordsOf(shape, unit)])).toEqual(records);
        expect(units.map((unit) => unit.first)).toEqual(
          Array.from({ length: Math.ceil(records.length / size) }, (_, at) => 7 + at * size),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("keep blank lines as records, and skip them in jsonl, but count them", () => {
    const lines = shapeOf("lines");
    expect([...recordsOf(lines, block(lines, "a\n\nb"))].map(({ value }) => value)).toEqual([
      "a",
      "",
      "b",
    ]);
    const jsonl = shapeOf("jsonl");
    expect([...recordsOf(jsonl, block(jsonl, "1\n \r\n2\n"))]).toMatchObject([
      { value: 1, index: 7, line: 3 },
      { value: 2, index: 8, line: 5 },
    ]);
  });
});

describe("BlockSize", () => {
  const observe = (size: BlockSize, msEach: number, bytesEach = 1, resultBytesEach = 1): void => {
    const records = size.records;
    const [bytes, resultBytes] = [records * bytesEach, records * resultBytesEach];
    size.take(records, bytes);
    size.observe({ records, bytes, ms: records * msEach, resultBytes });
  };

  test("grows step by step while records are quick, and shrinks at once when they turn slow", () => {
    const size = new BlockSize();
    const seen = [size.records];
    for (let round = 0; round < 4; round++) {
      observe(size, 0.001);
      seen.push(size.records);
    }
    expect(seen).toEqual([1, 4, 16, 64, 256]);
    for (let round = 0; round < 4; round++) observe(size, 400);
    expect(size.records).toBe(1);
  });

  test("stays at one record when fixed", () => {
    const size = new BlockSize({ fixed: 1 });
    observe(size, 0.001);
    expect(size.records).toBe(1);
  });

  test("stays small when results are large", () => {
    const size = new BlockSize();
    for (let round = 0; round < 10; round++) observe(size, 0.001, 1, 1024 * 1024);
    expect(size.records).toBe(2);
  });

  test.each(["bytes", "records"] as const)(
    "is a share of what is left, known by its %s, so that the last blocks are small",
    (known) => {
      const totals = { records: 10_000, bytes: known === "bytes" ? 700_000 : undefined };
      const size = new BlockSize({ jobs: 2, totals: () => totals });
      const seen: number[] = [];
      for (let left = 10_000; left > 0; left -= seen.at(-1) ?? 0) {
        seen.push(Math.min(left, size.records));
        observe(size, 1, 70);
      }
      // Four hundred milliseconds at the most, an eighth of what is left, five milliseconds at the least.
      expect(seen.slice(0, 6)).toEqual([1, 4, 16, 64, 256, 400]);
      expect(seen.slice(-5)).toEqual([5, 5, 5, 5, expect.any(Number)]);
      expect(seen.reduce((sum, count) => sum + count, 0)).toBe(10_000);
    },
  );

  test("takes as much to be left as has come when nobody knows", () => {
    const size = new BlockSize({ jobs: 2 });
    for (let round = 0; round < 10; round++) observe(size, 1);
    expect(size.records).toBe(5);
    for (let round = 0; round < 200; round++) observe(size, 1);
    expect(size.records).toBe(400);
  });

  test("counts what an earlier run has done as gone", () => {
    const totals = { records: undefined, bytes: 1000 };
    const size = new BlockSize({ totals: () => totals, bytesBefore: 900 });
    for (let round = 0; round < 4; round++) observe(size, 1);
    expect(size.records).toBe(15);
  });
});

describe("Slots", () => {
  test("are given in the order of asking", async () => {
    const slots = new Slots(1);
    await slots.take();
    const order: string[] = [];
    const first = slots.take().then(() => order.push("first"));
    const second = slots.take().then(() => order.push("second"));
    slots.release();
    await first;
    expect(order).toEqual(["first"]);
    slots.release();
    await second;
    expect(order).toEqual(["first", "second"]);
  });
});

describe("texts for people", () => {
  test("have short numbers", () => {
    expect([bytesText(0), bytesText(999), bytesText(66_768_788), bytesText(999_999)]).toEqual([
      "0 B",
      "999 B",
      "66.8 MB",
      "1.0 MB",
    ]);
    expect([countedText(1, "file"), countedText(12_345, "file")]).toEqual([
      "1 file",
      "12,345 files",
    ]);
    expect([rateText(0.42), rateText(310_000)]).toEqual(["0.4", "310,000"]);
    expect([clockText(7000), clockText(760_000), clockText(11_100_000)]).toEqual([
      "0:07",
      "12:40",
      "3:05:00",
    ]);
    expect([spanText(84), spanText(41_234), spanText(760_000)]).toEqual([
      "84 ms",
      "41.2 s",
      "12:40",
    ]);
  });

  test("have the user's own frames of a stack, and no others", () => {
    const own = new URL("../../dist/cli/map/work/block-runner.js", import.meta.url).href;
    const stack = [
      "RangeError: no",
      "    at parse (file:///home/me/work.ts:3:9)",
      `    at runBlock (${own}:50:1)`,
      "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    ].join("\n");
    expect(userStack(stack)).toBe("RangeError: no\n    at parse (file:///home/me/work.ts:3:9)");
  });
});
