import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BlockSize } from "../../dist/cli/block-size.js";
import { parseDuration } from "../../dist/cli/duration.js";
import { parseJobCount } from "../../dist/cli/job-count.js";
import { splitBlock, textRecords } from "../../dist/cli/record-block.js";
import type { RecordBlock } from "../../dist/cli/record-block.js";
import { recordsOf } from "../../dist/cli/records-of.js";
import { Slots } from "../../dist/cli/slots.js";
import { bytesText, clockText, countedText, rateText, spanText } from "../../dist/cli/text.js";
import { userStack } from "../../dist/cli/user-stack.js";

describe("parseDuration", () => {
  test.each([
    ["500ms", 500],
    ["1.5s", 1500],
    ["2m", 120_000],
    ["1h", 3_600_000],
  ])("reads %s", (text, ms) => {
    expect(parseDuration(text, "--timeout")).toBe(ms);
  });

  test("a bare number is refused with both readings", () => {
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
  const block = (format: RecordBlock["format"], text: string): RecordBlock => {
    const bytes = Buffer.from(text);
    const count = [...textRecords(format, bytes)].length;
    return { format, first: 7, count, bytes: bytes.length, source: "x", firstLine: 3, text: bytes };
  };

  test("parent and worker find the same records, whatever the text", () => {
    const pieces = fc.constantFrom("a", "é", "\n", "\r\n", "\r", " ", "\t", "\u00a0", "{}", "😀");
    const texts = fc.array(pieces, { minLength: 1 }).map((list) => list.join(""));
    fc.assert(
      fc.property(texts, fc.constantFrom("lines" as const, "jsonl" as const), (text, format) => {
        const whole = block(format, text);
        const records = [...recordsOf(whole)];
        expect(records).toHaveLength(whole.count);
        const singles = splitBlock(whole);
        expect(singles.flatMap((single) => [...recordsOf(single)])).toEqual(records);
        expect(singles.map((single) => single.first)).toEqual(records.map((_, at) => 7 + at));
      }),
    );
  });

  test("lines keep blank records, jsonl skips them and counts their lines", () => {
    expect([...recordsOf(block("lines", "a\n\nb"))].map(({ text }) => text)).toEqual([
      "a",
      "",
      "b",
    ]);
    expect([...recordsOf(block("jsonl", "1\n \r\n2\n"))]).toEqual([
      { text: "1", line: 3 },
      { text: "2", line: 5 },
    ]);
  });
});

describe("BlockSize", () => {
  test("grows step by step while records are quick, and shrinks at once when they turn slow", () => {
    const size = new BlockSize(false);
    const seen = [size.records];
    for (let round = 0; round < 4; round++) {
      size.observe(size.records, size.records * 0.001, size.records);
      seen.push(size.records);
    }
    expect(seen).toEqual([1, 4, 16, 64, 256]);
    for (let round = 0; round < 4; round++)
      size.observe(size.records, size.records * 100, size.records);
    expect(size.records).toBe(1);
  });

  test("stays at one record when fixed", () => {
    const size = new BlockSize(true);
    size.observe(1, 0.001, 1);
    expect(size.records).toBe(1);
  });

  test("stays small when results are large", () => {
    const size = new BlockSize(false);
    for (let round = 0; round < 10; round++) {
      size.observe(size.records, size.records * 0.001, size.records * 1024 * 1024);
    }
    expect(size.records).toBe(2);
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

describe("text", () => {
  test("numbers are short and readable", () => {
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

  test("a stack keeps the user's frames only", () => {
    const own = new URL("../../dist/cli/block-runner.js", import.meta.url).href;
    const stack = [
      "RangeError: no",
      "    at parse (file:///home/me/work.ts:3:9)",
      `    at runBlock (${own}:50:1)`,
      "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    ].join("\n");
    expect(userStack(stack)).toBe("RangeError: no\n    at parse (file:///home/me/work.ts:3:9)");
  });
});
