import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { HaltWatch } from "../../dist/cli/map/run/halt-watch.js";
import { MemoryGuard } from "../../dist/cli/map/run/memory-guard.js";
import { RunCounters } from "../../dist/cli/map/counters/run-counters.js";
import { RecordTimeLimit } from "../../dist/cli/map/run/time-limit.js";
import { parseHalt } from "../../dist/cli/map/parse/halt.js";
import { Workers } from "../../dist/cli/map/run/workers.js";
import type { Ending } from "../../dist/cli/map/run/block-outcome.js";
import type { RunSpec } from "../../dist/cli/map/work/run-spec.js";
import { openFile } from "../../dist/cli/map/output/output.js";
import { TraceFile } from "../../dist/cli/map/report/trace-file.js";
import { untilLine } from "../helpers/run-program.ts";
import { Gate, jsonLines, manycore, scratchFolder, startManycore } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

const file = (name: string): string => join(scratch.path, name);

let gate: Gate;
beforeEach(async () => {
  gate = await Gate.listen(scratch.path);
});
afterEach(() => gate.close());

const ONE_TO_TEN = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";

describe("--halt", () => {
  test("with now,fail=1 ends what runs, with 3, and so does -x", async () => {
    for (const halt of [["--halt", "now,fail=1"], ["-x"]]) {
      const args = ["map", "./work.mjs#picky", "-j", "1", "--chunk", "1", ...halt];
      const run = await manycore(args, { input: ONE_TO_TEN });
      expect(run.code).toBe(3);
      const values = jsonLines(run.stdout);
      expect(values.slice(0, 4)).toEqual(["1", "2", "3", "4"]);
      // The one behind the failure may have been on its way back.
      expect(values.length).toBeLessThan(6);
      expect(run.stderr).toMatch(/--halt now,fail=1: what runs is ended, nothing more is read/);
    }
  });

  test("with soon lets end what runs", async () => {
    const args = ["map", "./work.mjs#gated", "-j", "2", "--chunk", "1", "--halt", "soon,done=1"];
    const run = startManycore(args, { input: ONE_TO_TEN, env: gate.env });
    const guests = [await gate.next(run), await gate.next(run)];
    guests.find(({ record }) => record === "1")?.letIn();
    await untilLine(run, /--halt soon,done=1: what runs is finished/, { stream: "stderr" });
    gate.open();
    guests.find(({ record }) => record === "2")?.letIn();
    const { code, stdout } = await run.ended;
    expect(code).toBe(3);
    expect(jsonLines(stdout).slice(0, 2)).toEqual(["1", "2"]);
    expect(jsonLines(stdout).length).toBeLessThan(6);
  });

  test.each([
    ["now,fail=2", { ok: 5, failed: 1 }, false],
    ["now,fail=2", { ok: 5, failed: 2 }, true],
    ["soon,success=5", { ok: 5, failed: 2 }, true],
    ["soon,done=8", { ok: 5, failed: 2 }, false],
    ["soon,fail=10%", { ok: 1, failed: 2 }, false],
    ["soon,fail=10%", { ok: 27, failed: 3 }, true],
    ["soon,fail=10%", { ok: 28, failed: 3 }, false],
    ["never", { ok: 0, failed: 100 }, false],
  ])("%s looks at the counts: %o", (rule, counts, isMet) => {
    const counters = Object.assign(new RunCounters(() => ({ records: 1, bytes: 1 })), counts);
    let halts = 0;
    const watch = new HaltWatch(parseHalt(rule), counters, () => (halts += 1));
    watch.look();
    watch.look();
    expect(halts).toBe(isMet ? 1 : 0);
  });
});

describe("limits of time", () => {
  test("end the run with 124 by --max-time, and what does not end by itself with it", async () => {
    const args = ["map", "./work.mjs#stuck", "--max-time", "1500ms", "--kill-after", "100ms"];
    const run = await manycore([...args, "--chunk", "1", "-j", "1"], { input: ONE_TO_TEN });
    expect(run.code).toBe(124);
    expect(jsonLines(run.stdout)).toEqual(["1", "2", "3", "4"]);
    expect(run.stderr).toMatch(/--max-time is over/);
  });

  test("keep starts apart by --rate, and attempts by --retry-delay", async () => {
    const args = ["map", "./work.mjs#identity", "--rate", "20/s", "--summary", "json"];
    const run = await manycore(args, { input: "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n" });
    expect(run.code).toBe(0);
    expect((jsonLines(run.stderr)[0] as { wallMs: number }).wallMs).toBeGreaterThan(500);
    const retried = ["map", "./work.mjs#picky", "--retries", "2", "--retry-delay", "400ms"];
    const slow = await manycore([...retried, "--summary", "json"], { input: "5\n" });
    const last = slow.stderr.trimEnd().split("\n").at(-1) ?? "";
    // Each wait is at least half of what was asked for.
    expect((JSON.parse(last) as { wallMs: number }).wallMs).toBeGreaterThan(400);
  });

  test("follow the median once three records are known, when --timeout is a multiple", () => {
    const limit = new RecordTimeLimit({ timesMedian: 3 });
    limit.observe(100);
    limit.observe(200);
    expect(limit.ms).toBeUndefined();
    limit.observe(5000);
    expect(limit.ms).toBe(600);
    for (let at = 0; at < 1000; at++) limit.observe(1);
    expect(limit.ms).toBe(100);
    expect(new RecordTimeLimit({ ms: 5 }).ms).toBe(5);
    expect(new RecordTimeLimit(undefined).ms).toBeUndefined();
  });
});

describe("memory of the machine", () => {
  test("that is short holds starts up until there is some, and in need makes the youngest stop", async () => {
    let free = 40;
    let emergencies = 0;
    const guard = new MemoryGuard(
      100,
      () => (emergencies += 1),
      () => free,
    );
    expect(emergencies).toBe(1);
    let hasPassed = false;
    const passing = guard.pass().then(() => (hasPassed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasPassed).toBe(false);
    free = 100;
    await passing;
    guard.stop();
    await guard.pass();
  });

  test("that is very short takes the youngest call back, to be run again; never the last one", async () => {
    process.env["MANYCORE_TEST_GATE"] = gate.path;
    const workers = new Workers({
      backend: "process",
      jobs: 2,
      hooks: undefined,
      killAfter: 50,
      maxBlocks: undefined,
      maxMemory: undefined,
      isFolding: false,
    });
    const spec = {
      module: new URL("../fixtures/cli/work.mjs", import.meta.url).href,
      name: "gated",
      label: "gated",
      shape: { format: "lines", separator: 10, delimiter: "," },
      batch: 1,
    } as RunSpec;
    const attempt = { number: 1, avoid: undefined, timeout: undefined };
    const run = (text: string, first: number): Promise<Ending> =>
      workers.run(
        spec,
        { first, count: 1, source: "x", line: 1, text: Buffer.from(text) },
        attempt,
      );
    const endless = { ended: new Promise<never>(() => undefined) } as never;
    const older = run("old", 0);
    const guest = await gate.next(endless);
    const younger = run("young", 1);
    await gate.next(endless);
    expect(workers.evictYoungest()?.body.first).toBe(1);
    expect((await younger).outcome.kind).toBe("evicted");
    expect(workers.evictYoungest()).toBeUndefined();
    guest.letIn();
    const { outcome } = await older;
    const parts = outcome.kind === "ran" ? outcome.result.parts : [];
    expect(parts.map((part) => Buffer.from(part).toString()).join("")).toBe('"old"\n');
    await workers.close();
    delete process.env["MANYCORE_TEST_GATE"];
  });

  test("that never suffices keeps the run waiting, and Ctrl-C ends it", async () => {
    const args = ["map", "./work.mjs#identity", "--memfree", "900T"];
    const run = startManycore([...args, "--progress", "json"], { input: "1\n" });
    // The second line comes a second later: the command must still be there to be interrupted.
    await untilLine(run, /"event":"progress".*"elapsedMs":\d{4}/, { stream: "stderr" });
    run.child.kill("SIGINT");
    expect((await run.ended).code).toBe(130);
  });

  test("is not used up by a worker: --worker-memory and --max-tasks-per-worker replace it", async () => {
    const args = ["map", "./work.mjs#identity", "-j", "1", "--envelope"];
    for (const limit of [
      ["--worker-memory", "1M"],
      ["--max-tasks-per-worker", "2"],
    ]) {
      const run = await manycore([...args, "--chunk", "1", ...limit], { input: "1\n2\n3\n4\n" });
      expect(run.code).toBe(0);
      const pids = new Set(jsonLines(run.stdout).map((line) => (line as { pid: number }).pid));
      expect(pids.size).toBeGreaterThan(1);
    }
  });
});

test("--window bounds how far a run goes beyond a slow record, and does not stall it", async () => {
  const args = ["map", "./work.mjs#gated", "-j", "2", "--chunk", "1", "--window", "3"];
  const run = startManycore(args, { input: ONE_TO_TEN, env: gate.env });
  const guests = [await gate.next(run), await gate.next(run)];
  guests.find(({ record }) => record === "2")?.letIn();
  (await gate.next(run)).letIn();
  let isFirstIn = false;
  const next = gate.next(run).then((guest) => ({ guest, isEarly: !isFirstIn }));
  // The answer to a signal is a round trip in which a fourth record would have had time to come.
  const asking = setInterval(() => run.child.kill("SIGUSR1"), 20);
  await untilLine(run, /^2 done/, { stream: "stderr" });
  clearInterval(asking);
  isFirstIn = true;
  guests.find(({ record }) => record === "1")?.letIn();
  const { guest, isEarly } = await next;
  expect(isEarly).toBe(false);
  gate.open();
  guest.letIn();
  const { code, stdout } = await run.ended;
  expect(code).toBe(0);
  expect(stdout).toBe(ONE_TO_TEN.replaceAll(/\d+/g, '"$&"'));
});

describe("SIGUSR1", () => {
  test("tells what runs", async () => {
    const run = startManycore(["map", "./work.mjs#gated", "-j", "1"], {
      input: "1\n2\n",
      env: gate.env,
    });
    const guest = await gate.next(run);
    run.child.kill("SIGUSR1");
    const [line] = await untilLine(run, /^ {2}stdin:1 \(record 0\) for .*$/, { stream: "stderr" });
    expect(line).toMatch(/ms$/);
    gate.open();
    guest.letIn();
    expect((await run.ended).code).toBe(0);
    expect(run.stderr).toMatch(/^0 done, 0 failed; running:$/m);
  });
});

describe("--joblog", () => {
  test("has GNU parallel's columns, a row for each run, and is not overwritten", async () => {
    const log = file("joblog");
    const args = ["map", "./work.mjs#picky", "--joblog", log, "--retries", "1"];
    await manycore(args, { input: "1\n5\n77\n" });
    const [head, ...rows] = readFileSync(log, "utf8").trimEnd().split("\n");
    expect(head).toBe("Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand");
    const cells = rows.map((row) => row.split("\t"));
    for (const row of cells) {
      expect(row).toHaveLength(9);
      expect(row[1]).toBe(":");
      expect(Number(row[2])).toBeGreaterThan(1.6e9);
      expect(row[3]).toMatch(/^ *\d+\.\d{3}$/);
    }
    const told = cells.map(([seq, , , , send, receive, exit, signal, command]) =>
      [seq, send, receive, exit, signal, command].join(" "),
    );
    expect(told.sort()).toEqual([
      "1 1 4 0 0 ./work.mjs#picky stdin:1",
      "2 1 0 1 0 ./work.mjs#picky stdin:2",
      "2 1 0 1 0 ./work.mjs#picky stdin:2",
      "3 2 5 0 0 ./work.mjs#picky stdin:3",
    ]);
    const again = await manycore(args, { input: "1\n" });
    expect(again.code).toBe(4);
    expect(again.stderr).toMatch(/joblog exists already; pass --overwrite/);
  });

  test("tells how a worker died, and that a call was ended", async () => {
    const log = file("deaths");
    const base = ["map", "-j", "1", "--chunk", "1", "--joblog", log, "--overwrite"];
    const last = (): string[] =>
      (readFileSync(log, "utf8").trimEnd().split("\n").at(-1) ?? "").split("\t").slice(6, 8);
    await manycore([...base, "./work.mjs#deadly"], { input: "5\n" });
    expect(last()).toEqual(["9", "0"]);
    await manycore([...base, "./work.mjs#spinning", "--timeout", "200ms", "--kill-after", "50ms"], {
      input: "5\n",
    });
    expect(last()).toEqual(["-1", "15"]);
  });
});

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
}

describe("--trace", () => {
  test("writes a Chrome trace: workers by name, their blocks in their time, failures", async () => {
    const path = file("trace.json");
    const args = ["map", "./work.mjs#picky", "--trace", path, "--chunk", "2", "-j", "2"];
    await manycore(args, { input: ONE_TO_TEN });
    const events = JSON.parse(readFileSync(path, "utf8")) as TraceEvent[];
    for (const event of events) {
      expect(event).toMatchObject({ name: expect.any(String), pid: expect.any(Number) });
      expect(Number.isInteger(event.tid)).toBe(true);
      if (event.ph === "M") continue;
      expect(["X", "C", "i"]).toContain(event.ph);
      expect(event.ts).toBeGreaterThanOrEqual(0);
      // Microseconds: the run took less than a minute.
      expect((event.ts ?? 0) + (event.dur ?? 0)).toBeLessThan(60_000_000);
    }
    // On a busy machine a call may take a millisecond, and is told as well.
    const blocks = events.filter(({ ph, name }) => ph === "X" && name.startsWith("records"));
    expect(blocks.map(({ name }) => name).sort()).toEqual(
      ["records 0-1", "records 2-3", "records 4-5", "records 6-7", "records 8-9"].sort(),
    );
    const named = events.filter(({ name }) => name === "thread_name");
    for (const { pid, tid } of blocks) {
      expect(named.some((event) => event.pid === pid && event.tid === tid)).toBe(true);
    }
    expect(events.some(({ name }) => name === "failed: stdin:5")).toBe(true);
  });

  test("tells calls of a millisecond and more one by one, inside their block", async () => {
    const path = file("calls.json");
    await manycore(["map", "./work.mjs#busy", "--trace", path, "--chunk", "4"], {
      input: "1\n2\n",
    });
    const events = JSON.parse(readFileSync(path, "utf8")) as Required<TraceEvent>[];
    const block = events.find(({ name }) => name === "records 0-1");
    const calls = events.filter(({ name }) => /^call \d$/.test(name));
    expect(calls.map(({ name }) => name)).toEqual(["call 0", "call 1"]);
    for (const { ts, dur } of calls) {
      expect(dur).toBeGreaterThanOrEqual(2900);
      expect(ts).toBeGreaterThanOrEqual(block?.ts ?? Infinity);
      expect(ts + dur).toBeLessThanOrEqual((block?.ts ?? 0) + (block?.dur ?? 0));
    }
  });

  test("is capped: beyond the limit events are counted instead", async () => {
    const path = file("capped.json");
    const counters = new RunCounters(() => ({ records: 1, bytes: 1 }));
    const trace = new TraceFile(openFile(path, { kind: "create" }).begin(), counters, 2000);
    for (let at = 0; at < 1000; at++) trace.mark(`mark ${at}`);
    await trace.close();
    const events = JSON.parse(readFileSync(path, "utf8")) as TraceEvent[];
    expect(events.length).toBeLessThan(100);
    expect(events.at(-1)?.name).toMatch(/^9\d\d events left out/);
  });
});

describe("a fault with a file", () => {
  test.runIf(existsSync("/dev/full"))(
    "is told with the file's name, and ends the run with 2",
    async () => {
      for (const option of ["--errors", "--joblog"]) {
        const args = ["map", "./work.mjs#picky", option, "/dev/full"];
        const run = await manycore(args, { input: "5\n" });
        expect(run.code).toBe(2);
        expect(run.stderr).toMatch(/Cannot write \/dev\/full: ENOSPC.*; make room first/);
      }
    },
  );

  test("is an output that is an input, too", async () => {
    writeFileSync(file("in.txt"), "1\n");
    const args = ["map", "./work.mjs#identity", file("in.txt"), "--errors", file("in.txt")];
    const run = await manycore([...args, "--overwrite"]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/is both input and output/);
  });
});
