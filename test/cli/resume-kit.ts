import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { assert } from "vitest";
import { FIXTURES, manycore, startManycore } from "./command.ts";

/** A run that is killed and resumed. */
export interface Shape {
  readonly format: "jsonl" | "csv" | "json";
  readonly isOrdered: boolean;
  readonly fsync: "batch" | "always" | "never";
  /** Whether input and output are packed. */
  readonly isPacked: boolean;
  readonly records: number;
}

/** How a run that was killed and resumed compares with one that was not. */
export interface Resumed {
  readonly differences: readonly string[];
  /** Whether the last run found something done. */
  readonly hasGoneOn: boolean;
}

/** Numbers in `[0, 1)` that are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An input, and what an undisturbed run makes of it. */
export class Resumable {
  readonly #folder: string;
  readonly #shape: Shape;
  readonly #input: string;
  #output: Buffer = Buffer.alloc(0);
  #errors: readonly number[] = [];
  /** Milliseconds of the undisturbed run. */
  ms = 0;

  constructor(folder: string, shape: Shape) {
    this.#folder = folder;
    this.#shape = shape;
    this.#input = join(folder, `input.${shape.format}${shape.isPacked ? ".gz" : ""}`);
    const text = textOf(shape);
    writeFileSync(this.#input, shape.isPacked ? gzipSync(text) : text);
  }

  /** Runs once without a disturbance, to compare with. */
  async prepare(): Promise<void> {
    const run = await manycore([...this.#args("whole")], { timeoutMs: 120_000 });
    assert.notMatch(run.stderr, /^manycore:/m);
    assert.equal(run.code, 1);
    this.ms = run.ms;
    this.#output = this.#read("whole.out");
    this.#errors = this.#failed("whole.err");
    assert.lengthOf(this.#errors, Math.floor(this.#shape.records / 100));
  }

  /** Kills the run at each of the moments, resumes it to its end, and compares. */
  async killAndResume(name: string, moments: readonly number[]): Promise<Resumed> {
    for (const ms of moments) {
      const run = startManycore([...this.#args(name), "--resume"], { timeoutMs: 120_000 });
      // The moment is what the test is about: any will do.
      await Promise.race([sleep(ms), run.ended]);
      // But a machine may be slower now than it was: some block is done by then.
      while (run.child.exitCode === null && !this.#hasDone(name)) await sleep(5);
      run.child.kill("SIGKILL");
      const { stderr } = await run.ended;
      assert.notMatch(stderr, /^manycore:/m);
    }
    const { code, stderr } = await manycore([...this.#args(name), "--resume"], {
      timeoutMs: 120_000,
    });
    const output = this.#read(`${name}.out`);
    const isSame = this.#shape.isOrdered
      ? output.equals(this.#output)
      : sortedLines(output).join("\n") === sortedLines(this.#output).join("\n");
    const differences = [
      code === 1 ? "" : `the exit code is ${code}: ${stderr}`,
      isSame ? "" : `the output differs: ${output.length} bytes, not ${this.#output.length}`,
      this.#failed(`${name}.err`).join() === this.#errors.join() ? "" : "the errors differ",
    ].filter((text) => text !== "");
    return { differences, hasGoneOn: /done before/.test(stderr) };
  }

  /** Whether the journal tells of a block or two, after its head. */
  #hasDone(name: string): boolean {
    const journal = join(this.#folder, `${this.#outputOf(name)}.journal`);
    return existsSync(journal) && readFileSync(journal, "utf8").split("\n").length > 3;
  }

  #outputOf(name: string): string {
    return `${name}.out${this.#shape.isPacked ? ".gz" : ""}`;
  }

  #args(name: string): string[] {
    const { isOrdered, fsync } = this.#shape;
    const output = this.#outputOf(name);
    return [
      "map",
      join(FIXTURES, "work.mjs#churn"),
      this.#input,
      ...["-o", join(this.#folder, output), "--errors", join(this.#folder, `${name}.err`)],
      ...["--fsync", fsync, "--block", "4K", "-j", "2", "--progress", "none"],
      ...(isOrdered ? [] : ["--unordered"]),
    ];
  }

  #read(name: string): Buffer {
    const packed = join(this.#folder, `${name}.gz`);
    return existsSync(packed) && this.#shape.isPacked
      ? gunzipSync(readFileSync(packed))
      : readFileSync(join(this.#folder, name));
  }

  /** Which records the file of errors tells; it must tell none twice. */
  #failed(name: string): number[] {
    const lines = readFileSync(join(this.#folder, name), "utf8").split("\n").slice(0, -1);
    const indexes = lines.map((line) => (JSON.parse(line) as { index: number }).index);
    return this.#shape.isOrdered ? indexes : indexes.sort((a, b) => a - b);
  }
}

function textOf({ format, records }: Shape): string {
  const ids = Array.from({ length: records }, (_, id) => id);
  switch (format) {
    case "jsonl":
      return ids.map((id) => `{"id":${id},"text":"${"x".repeat(id % 50)}"}\n`).join("");
    case "csv":
      return `id,text\n${ids.map((id) => `${id},"a\n""${"x".repeat(id % 50)}"\n`).join("")}`;
    case "json":
      return JSON.stringify(ids.map((id) => ({ id, text: "x".repeat(id % 50) })));
  }
}

function sortedLines(bytes: Buffer): string[] {
  return bytes.toString("utf8").split("\n").sort();
}
