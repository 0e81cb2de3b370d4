import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Future,
  ProcessPoolExecutor,
  type TaskFunction,
  tasks,
  ThreadPoolExecutor,
} from "manycore";

/** How soon a fault must be known, in milliseconds. It takes some ten; the machine may be busy. */
export const BOUND_MS = 5_000;
/** Heap of workers that are meant to run out of it. */
const SMALL_HEAP_MB = 40;

export type PoolExecutor = ThreadPoolExecutor | ProcessPoolExecutor;
type Options = ConstructorParameters<typeof ThreadPoolExecutor>[0] &
  ConstructorParameters<typeof ProcessPoolExecutor>[0];

/** One sort of worker. */
export interface Kind {
  readonly name: "thread" | "process";
  make(options?: Options): PoolExecutor;
}

const folder = new URL("../fixtures/faults/", import.meta.url);
const faults = (await import(new URL("faults.js", folder).href)) as Record<string, unknown>;
const log = (await import(new URL("log.js", folder).href)) as Record<string, unknown>;

/** Keeps a crashing process worker from filling the terminal. */
export const QUIET: readonly string[] = ["--require", fixture("quiet.cjs")];

export const THREAD: Kind = {
  name: "thread",
  make: (options = {}) =>
    new ThreadPoolExecutor({
      maxWorkers: 2,
      resourceLimits: { maxOldGenerationSizeMb: SMALL_HEAP_MB },
      ...options,
    }),
};
export const PROCESS: Kind = {
  name: "process",
  make: (options = {}) =>
    new ProcessPoolExecutor({
      maxWorkers: 2,
      execArgv: [...QUIET, `--max-old-space-size=${SMALL_HEAP_MB}`],
      ...options,
    }),
};

/** A function of the fixtures. */
export function fn(name: string): TaskFunction<unknown[], unknown> {
  const found = faults[name] ?? log[name];
  if (typeof found !== "function") throw new Error(`no fixture ${name}`);
  return found as TaskFunction<unknown[], unknown>;
}

/** An instance of a class of the fixtures. */
export function make(name: string, ...args: unknown[]): object {
  return new (faults[name] as new (...args: unknown[]) => object)(...args);
}

/** `neverThere` of a module that does not get so far as to export it. */
export function brokenModule(name: string): TaskFunction<unknown[], unknown> {
  const refs = tasks<{ neverThere(...args: unknown[]): unknown }>(new URL(`${name}.js`, folder));
  return refs.neverThere as never;
}

/** Path of a file of the fixtures. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/faults/${name}`, import.meta.url));
}

/** What a test compares of an error. */
export interface Facts {
  readonly name?: string;
  readonly code?: string | undefined;
  readonly message?: unknown;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly task?: string | undefined;
  readonly path?: string;
  readonly cause?: Facts;
}

/** The error of a future, which must be there within the bound. */
export async function errorOf(future: Future<unknown>, boundMs = BOUND_MS): Promise<Error & Facts> {
  try {
    const value = await future.result({ timeout: boundMs });
    throw new Error(`expected a failure, got ${String(value)}`);
  } catch (error) {
    return error as Error & Facts;
  }
}

/** A worker that ended in its own way while it ran `task`. */
export function crash(task: string, how: { exitCode?: number; signal?: string }): Facts {
  const { exitCode, signal } = how;
  return {
    name: "WorkerCrashedError",
    code: "ERR_MANYCORE_WORKER_CRASHED",
    exitCode,
    signal,
    task,
  };
}

/** A file in which tasks leave lines, and gates that they wait for. */
export class RunLog {
  readonly #folder: string = mkdtempSync(join(tmpdir(), "faults-"));
  #gates = 0;

  /** A new file for lines. */
  file(name: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, "", { flag: "a" });
    return path;
  }

  /** A file that is not there yet. */
  gate(): string {
    return join(this.#folder, `gate-${++this.#gates}`);
  }

  open(gate: string): void {
    writeFileSync(gate, "");
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** The lines of a file of {@link RunLog}. */
export function linesOf(file: string): string[] {
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => line.trimStart());
}

/** Pseudo-random numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
