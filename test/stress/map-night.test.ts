import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { type Night, resultOf } from "../fixtures/stress/night.mjs";
import { FIXTURES, scratchFolder, startManycore } from "../cli/command.ts";
import { hasProc, processesOf } from "../helpers/processes.ts";
import type { Program, ProgramResult } from "../helpers/run-program.ts";

/** Bytes of input; `NIGHT_GIB=10 npm run stress -- map-night` for a longer night. */
const INPUT_BYTES = Number(process.env["NIGHT_GIB"] ?? 2) * 2 ** 30;
const CHUNK = 2 ** 20;
const MB = 1e6;
const HOUR_MS = 3_600_000;

const scratch = scratchFolder();
afterAll(scratch.remove);
const at = (name: string): string => join(scratch.path, name);

/** Writes records until the file has its size. @returns how many. */
async function writeInput(): Promise<number> {
  const file = await open(at("in.jsonl"), "w");
  let records = 0;
  for (let bytes = 0; bytes < INPUT_BYTES;) {
    let text = "";
    while (text.length < CHUNK) {
      const record: Night = { id: records, name: `user ${records}`, amount: (records % 9973) / 7 };
      text += `${JSON.stringify({ ...record, tags: ["a", "b"] })}\n`;
      records += 1;
    }
    await file.writeFile(text);
    bytes += text.length;
  }
  await file.close();
  return records;
}

async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8", highWaterMark: CHUNK })) {
    const lines = (rest + (chunk as string)).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** What one loop on one core makes of the input. */
async function runSerially(): Promise<{ output: string; failed: number[] }> {
  const output = createHash("sha256");
  const failed: number[] = [];
  let text = "";
  for await (const line of linesOf(at("in.jsonl"))) {
    const record = JSON.parse(line) as Night;
    try {
      text += `${JSON.stringify(resultOf(record))}\n`;
    } catch {
      failed.push(record.id);
    }
    if (text.length < CHUNK) continue;
    output.update(text);
    text = "";
  }
  return { output: output.update(text).digest("hex"), failed };
}

/** Bytes written so far. */
function outputSize(): number {
  return existsSync(at("out.jsonl")) ? statSync(at("out.jsonl")).size : 0;
}

/** The most memory a process ever had resident, in bytes; 0 when it is gone. */
function peakOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Looks at the run until it has ended, or has written so much and is killed. */
async function watch(
  run: Program,
  peaks: { parent: number; worker: number },
  killAt: number,
): Promise<ProgramResult> {
  const ended = run.ended.then(() => true);
  do {
    peaks.parent = Math.max(peaks.parent, peakOf(run.pid));
    for (const { pid } of processesOf(run.pid)) peaks.worker = Math.max(peaks.worker, peakOf(pid));
    if (outputSize() >= killAt) run.child.kill("SIGKILL");
  } while (!(await Promise.race([ended, sleep(100, false)])));
  return run.ended;
}

test.runIf(hasProc)(
  "a night's run that is killed twice and resumed is as if it had run on one core, undisturbed",
  { timeout: HOUR_MS },
  async () => {
    const records = await writeInput();
    const start = (): Program =>
      startManycore(
        [
          ...["map", join(FIXTURES, "../stress/night.mjs#night"), at("in.jsonl"), "-j", "2"],
          ...["-o", at("out.jsonl"), "--errors", at("errors.jsonl"), "--retries", "3"],
          ...["--progress", "none", "--resume"],
        ],
        { timeoutMs: HOUR_MS },
      );
    const peaks = { parent: 0, worker: 0 };
    for (const share of [0.2, 0.5]) {
      // An output is two thirds of its input.
      const { signal } = await watch(start(), peaks, (INPUT_BYTES * share * 2) / 3);
      expect(signal).toBe("SIGKILL");
    }
    const { code, stderr } = await watch(start(), peaks, Infinity);
    const inMb = { parent: Math.round(peaks.parent / MB), worker: Math.round(peaks.worker / MB) };
    console.log(`${records} records, peak memory in MB: ${JSON.stringify(inMb)}\n${stderr}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/done before/);

    const serial = await runSerially();
    expect(serial.failed).toHaveLength(Math.floor((records + 82) / 100));
    const failed: number[] = [];
    for await (const line of linesOf(at("errors.jsonl"))) {
      failed.push((JSON.parse(line) as { index: number }).index);
    }
    expect(failed.length === serial.failed.length).toBe(true);
    expect(failed.every((id, i) => id === serial.failed[i])).toBe(true);
    const output = createHash("sha256");
    for await (const chunk of createReadStream(at("out.jsonl"))) output.update(chunk as Buffer);
    expect(output.digest("hex")).toBe(serial.output);
    // 2 GiB in memory would be seen.
    expect(peaks.parent).toBeLessThan(400 * MB);
    expect(peaks.worker).toBeLessThan(400 * MB);
  },
);
