import { AsyncLocalStorage } from "node:async_hooks";
import { InvalidStateError } from "../../errors/index.ts";
import { globalSlot } from "../../util/global-slot.ts";

/** The view a running task has of its executor; see {@link taskContext}. */
export interface TaskContext {
  /** Aborts when the task is cancelled, exceeds its timeout, or its executor goes away. */
  readonly signal: AbortSignal;
  /** 1 for the first try, 2 for the first retry, and so on. */
  readonly attempt: number;
  /** The `context` given with the task's options. */
  readonly context: unknown;
  /** The worker it runs in. */
  readonly worker: {
    readonly id: number;
    readonly kind: "thread" | "process" | "cluster" | "inline";
    readonly pid: number;
    readonly name: string;
  };
  /** Reports progress to the Future (`future.progress`, `onProgress`); the value is copied. */
  progress(value: unknown): void;
}

interface Slot {
  /** The only running task of a worker that runs one at a time. */
  current: TaskContext | undefined;
  /** Tells apart the tasks of a worker that runs several at a time; made only there, since it slows every promise down. */
  storage: AsyncLocalStorage<TaskContext> | undefined;
}

const slot: Slot = globalSlot("task-context", () => ({ current: undefined, storage: undefined }));

/**
 * The context of the task that calls this: its signal, attempt, context and worker.
 *
 * @throws InvalidStateError outside a task.
 * @example
 * export async function fetchAll(urls: string[]): Promise<number> {
 *   const { signal, progress } = taskContext();
 *   for (const [i, url] of urls.entries()) {
 *     await fetch(url, { signal });
 *     progress(i / urls.length);
 *   }
 *   return urls.length;
 * }
 */
export function taskContext(): TaskContext {
  const context = currentTask();
  if (context === undefined) {
    throw new InvalidStateError(
      "taskContext() was called outside a task; call it in a function that an executor or pool runs.",
    );
  }
  return context;
}

/** The running task's context, or undefined outside a task. */
function currentTask(): TaskContext | undefined {
  return slot.storage?.getStore() ?? slot.current;
}

/** Runs `body` as the task of `context`, alone in this worker. */
export function enterAlone(context: TaskContext): void {
  slot.current = context;
}

/** The task of {@link enterAlone} is over. */
export function leaveAlone(): void {
  slot.current = undefined;
}

/** Runs `body` as the task of `context`, next to others. */
export function runAmongOthers<T>(context: TaskContext, body: () => T): T {
  slot.storage ??= new AsyncLocalStorage();
  return slot.storage.run(context, body);
}
