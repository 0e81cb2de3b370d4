import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import {
  getLogger,
  LogCollector,
  logToFiles,
  logToStderr,
  Process,
  ProcessPoolExecutor,
  setLogLevel,
  Thread,
} from "manycore";
import {
  chatter,
  chatterAndDie,
  chatterAndExit,
  complain,
  levels,
  setAndLog,
} from "../fixtures/logging/work.mjs";
import { useNamespace } from "../helpers/namespace.ts";
import { count, Kept, numbersOf } from "./kit.ts";

const folder = useNamespace("logging");
const scratch = mkdtempSync(join(tmpdir(), "manycore-logging-"));
afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(() => {
  logToStderr();
  setLogLevel("info");
});

describe("the stream of a collector", () => {
  test("has every line of three processes and a thread whole, each sender's in order", async () => {
    const kept = new Kept();
    const collector = await LogCollector.start({ destination: kept });
    const senders = [
      new Process({ target: chatter, args: ["a", 20_000], name: "first" }),
      new Process({ target: chatterAndExit, args: ["b", 20_000] }),
      new Process({ target: chatter, args: ["c", 20_000] }),
      new Thread({ target: chatter, args: ["d", 5_000], name: "fourth" }),
    ];
    for (const sender of senders) await sender.start();
    chatter("own", 100);
    await Promise.all(senders.map((sender) => sender.join()));
    await collector.close();
    const { lines } = kept;
    expect(lines).toHaveLength(65_100);
    for (const label of ["a", "b", "c"]) expect(numbersOf(lines, label)).toEqual(count(20_000));
    expect(numbersOf(lines, "d")).toEqual(count(5_000));
    expect(numbersOf(lines, "own")).toEqual(count(100));
    expect(lines.find(({ label }) => label === "a")).toMatchObject({
      level: 30,
      name: "chatter",
      process: "first",
      thread: "MainThread",
      pid: senders[0]!.pid,
    });
    expect(lines.find(({ label }) => label === "d")).toMatchObject({
      thread: "fourth",
      pid: process.pid,
    });
  });

  test("has what a process wrote before it was killed", async () => {
    const kept = new Kept();
    const collector = await LogCollector.start({ destination: kept });
    const sender = await new Process({ target: chatterAndDie, args: ["a", 500] }).start();
    expect(await sender.join()).toBe(-9);
    await collector.close();
    expect(numbersOf(kept.lines, "a")).toEqual(count(500));
  });

  test("waits for a slow destination, and so do the senders", async () => {
    const slow = new PassThrough({ highWaterMark: 1024 });
    const collector = await LogCollector.start({ destination: slow });
    const sender = await new Process({ target: chatter, args: ["a", 20_000] }).start();
    await once(slow, "readable");
    // Nothing reads: 2 MB do not fit into sockets and buffers, so the sender has to wait.
    expect(sender.isAlive).toBe(true);
    expect(slow.writableLength).toBeLessThan(1 << 20);
    let text = "";
    slow.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    expect(await sender.join()).toBe(0);
    await collector.close();
    expect(text.split("\n")).toHaveLength(20_001);
  });

  test("ends a sender that sends a line without end, and no other", async () => {
    const kept = new Kept();
    const collector = await LogCollector.start({ destination: kept, maxLineBytes: 1000 });
    const path = join(
      folder,
      readdirSync(folder).find((file) => file.startsWith("log-"))!,
    );
    const hostile = connect(path);
    hostile.write("y".repeat(2000));
    await once(hostile, "close");
    const sender = await new Process({ target: complain, args: [] }).start();
    await sender.join();
    await collector.close();
    expect(kept.lines.filter(({ name }) => name === "complain")).toHaveLength(1);
    expect(readdirSync(folder).filter((file) => file.startsWith("log-"))).toEqual([]);
  });
});

describe("levels", () => {
  test("are inherited by processes, also in a pool, and can be changed there", async () => {
    const kept = new Kept();
    const collector = await LogCollector.start({ destination: kept, level: "warn" });
    expect(levels()).toEqual(["warn", "warn"]);
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
    expect(await pool.submit(levels)).toEqual(["warn", "warn"]);
    expect(await pool.submit(setAndLog)).toEqual(["error", "error"]);
    await collector.close();
    expect(kept.lines.map(({ msg }) => msg)).toEqual(["warn", "warn"]);
  });

  test("of one logger stay when those of the others change", () => {
    const own = getLogger("own level");
    own.level = "trace";
    setLogLevel("error");
    expect(own.level).toBe("trace");
    expect(getLogger("another").level).toBe("error");
    expect(() => setLogLevel("loud" as "info")).toThrow(/Expected `level` to be "trace", "debug"/);
  });
});

test("an error is logged with its stack and that of its cause", async () => {
  const kept = new Kept();
  const collector = await LogCollector.start({ destination: kept });
  complain();
  await collector.close();
  expect(kept.lines[0]).toMatchObject({ level: 50, msg: "it broke", err: { type: "Error" } });
  expect(kept.lines[0]!.err!.stack).toMatch(/outer[^]*complain[^]*caused by: TypeError: inner/);
});

test("each process and thread has a file of its own", async () => {
  const target = join(scratch, "files");
  logToFiles(target);
  const senders = [
    await new Process({ target: chatter, args: ["a", 10], name: "one/two" }).start(),
    await new Thread({ target: chatter, args: ["b", 10] }).start(),
  ];
  await Promise.all(senders.map((sender) => sender.join()));
  getLogger().info("own");
  const files = readdirSync(target).sort();
  expect(files).toHaveLength(3);
  expect(files).toContain(`one_two.${senders[0]!.pid}.log`);
  for (const file of files) {
    const lines = readFileSync(join(target, file), "utf8").trimEnd().split("\n");
    expect(lines).toHaveLength(file === `MainProcess.${process.pid}.log` ? 1 : 10);
  }
});
