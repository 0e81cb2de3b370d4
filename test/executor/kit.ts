import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";
import {
  type Executor,
  type ExecutorOptions,
  type Future,
  InlineExecutor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "manycore";

export { rejection, thrown } from "../helpers/failures.ts";

export type KindName = "inline" | "process" | "thread";

/** Makes an executor of one kind; options that a kind does not know are left out. */
export type Make = (options?: ExecutorOptions<never[]>) => Executor;

/** How each kind of executor is made. */
export const MAKE: Readonly<Record<KindName, Make>> = {
  inline: (options = {}) => {
    const { maxWorkers: _, minWorkers: __, ...rest } = options;
    return new InlineExecutor(rest);
  },
  process: (options) => new ProcessPoolExecutor(options),
  thread: (options) => new ThreadPoolExecutor(options),
};

/** Wraps `make` so that what a test made ends with it. */
export function endingAfterEach(make: Make): Make {
  const made: Executor[] = [];
  afterEach(async () => {
    await Promise.all(made.splice(0).map((executor) => executor.terminate({ grace: 0 })));
  });
  return (options) => {
    const executor = make(options);
    made.push(executor);
    return executor;
  };
}

/** A stream that gives each reader its one item when it is opened: tasks wait for it without polling. */
export interface Gate {
  readonly stream: AsyncIterable<number>;
  open(): void;
}

export function gate(): Gate {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  async function* wait(): AsyncGenerator<number, void, undefined> {
    await opened;
    yield 1;
  }
  return { stream: { [Symbol.asyncIterator]: wait }, open };
}

/** Settles when the task has reported its start; fails when it ends without. */
export async function started(future: Future<unknown>): Promise<void> {
  for await (const value of future.progress) {
    if (value === "started") return;
  }
  await future;
  throw new Error("the task ended without reporting that it had started");
}

/** All items of an iterable. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** A directory for one test file, taken away at its end, and unused paths in it. */
export function scratch(): (name?: string) => string {
  const directory = mkdtempSync(join(tmpdir(), "manycore-test-"));
  let next = 0;
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return (name = "file") => join(directory, `${next++}-${name}`);
}

/** Lines of a file; none when there is no file. */
export function linesOf(path: string): string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
