import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import {
  BrokenExecutorError,
  CancelledError,
  type Executor,
  type Future,
  InvalidStateError,
  TimeoutError,
  WorkerCrashedError,
} from "manycore";
import { type Kind, linesOf, type PoolExecutor, randomOf, RunLog } from "../faults/kit.ts";
import { type Random, type Shape, shapeOf } from "./mix-calls.ts";

/** How long after its end an executor may take for what is undecided; a machine may be busy. */
const BOUND_MS = 60_000;

/** One round: what is done to one executor. */
export interface Round {
  readonly kind: Kind;
  readonly seed: number;
  readonly concurrency: number;
}

interface Task {
  readonly id: number;
  readonly shape: Shape;
  readonly retries: number;
  readonly timeout: number | undefined;
  readonly controller: AbortController | undefined;
  readonly future: Future<unknown>;
}

/** Does to one executor whatever its seed says. @returns complaints; none when all is well. */
export async function runRound({ kind, seed, concurrency }: Round): Promise<string[]> {
  const random = randomOf(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const log = new RunLog();
  const file = log.file("starts");
  const executor = kind.make({
    maxWorkers: 1 + below(3),
    concurrency,
    grace: 10 + below(150),
    ...(random() < 0.3 ? { maxTasksPerWorker: 1 + below(20) } : {}),
    ...(random() < 0.3 ? { idleTimeout: below(30), minWorkers: 0 } : {}),
  });
  const tasks: Task[] = [];
  const reads: Promise<void>[] = [];
  const stop = new AbortController();
  const killing = killNowAndThen(executor, kind, randomOf(seed + 1), stop.signal);
  try {
    for (let id = 0, count = 40 + below(160); id < count; id++) {
      const task = submitUnlessBroken(executor, random, file, id);
      if (task === undefined) break;
      tasks.push(task);
      reads.push(read(task, below(80)));
      if (random() < 0.05) tasks[below(tasks.length)]?.future.cancel();
      if (random() < 0.05) tasks[below(tasks.length)]?.controller?.abort(new DOMException("mix"));
      if (random() < 0.1) await delay(below(8));
    }
    const all = Promise.all([end(executor, random), ...reads]);
    const inTime = await Promise.race([all, delay(BOUND_MS, "late", { signal: stop.signal })]);
    const complaints = inTime === "late" ? lateOnes(tasks, executor) : [];
    return [...complaints, ...(await audit(tasks, linesOf(file), executor))];
  } finally {
    stop.abort();
    await killing;
    await executor.terminate({ grace: 0 });
    log.remove();
  }
}

/** An executor whose workers were killed three times in a row, before they did anything, takes no more. */
function submitUnlessBroken(
  executor: Executor,
  random: Random,
  log: string,
  id: number,
): Task | undefined {
  try {
    return submitOne(executor, random, log, id);
  } catch (error) {
    if (error instanceof BrokenExecutorError) return undefined;
    throw error;
  }
}

function submitOne(executor: Executor, random: Random, log: string, id: number): Task {
  const below = (n: number): number => Math.floor(random() * n);
  const shape = shapeOf(random, log, id);
  const retries = random() < 0.4 ? below(3) : 0;
  const timeout = shape.isEndless === true || random() < 0.2 ? 20 + below(300) : undefined;
  const controller = random() < 0.1 ? new AbortController() : undefined;
  const future = shape.submit(
    executor.with({
      retries,
      timeout,
      signal: controller?.signal,
      ...(shape.transfer === undefined ? {} : { transfer: shape.transfer }),
      ...(random() < 0.2 ? { priority: below(3) } : {}),
      ...(random() < 0.2 ? { retryDelay: below(20) } : {}),
    }),
  );
  return { id, shape, retries, timeout, controller, future };
}

/** Waits for a task; of a stream it reads some. */
async function read({ future }: Task, count: number): Promise<void> {
  try {
    const value = await future;
    const isStream = typeof value === "object" && value !== null && Symbol.asyncIterator in value;
    if (!isStream) return;
    let left = count;
    for await (const _ of value as AsyncIterable<unknown>) if (left-- === 0) break;
  } catch {
    // How it ended is looked at when all have.
  }
}

/** Ends the executor in one of the ways there are. */
async function end(executor: PoolExecutor, random: Random): Promise<void> {
  const way = Math.floor(random() * 5);
  if (way === 0) await executor.shutdown();
  else if (way === 1) await executor.shutdown({ cancelFutures: true });
  else if (way === 2) await executor.shutdown({ wait: false, cancelFutures: true });
  else if (way === 3) await executor.terminate({ grace: Math.floor(random() * 100) });
  else await executor.killWorkers();
}

/** Kills processes, or stops them for a while. */
async function killNowAndThen(
  executor: PoolExecutor,
  kind: Kind,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  if (kind.name === "thread") return;
  while (!signal.aborted) {
    await delay(random() * 150, undefined, { signal }).catch(() => {});
    // One that starts is killed seldom: three in a row that never did anything break an executor.
    const workers = executor
      .stats()
      .workers.filter(({ state }) => state !== "starting" || random() < 0.05);
    const pids = workers.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    const pid = pids[Math.floor(random() * pids.length)];
    if (pid === undefined) continue;
    const isStop = random() < 0.5;
    send(pid, isStop ? "SIGSTOP" : "SIGKILL");
    if (!isStop) continue;
    await delay(random() * 200, undefined, { signal }).catch(() => {});
    send(pid, random() < 0.5 ? "SIGCONT" : "SIGKILL");
  }
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It has ended meanwhile, as a worker of this very program: its number is not another's yet.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function lateOnes(tasks: readonly Task[], executor: Executor): string[] {
  const late = tasks.filter(({ future }) => !future.done);
  const names = late.map((task) => `${describe(task)} is ${task.future.state}`);
  return [`late: ${names.join(", ")}; ${JSON.stringify(executor.stats())}`];
}

function describe({ id, shape, retries, timeout }: Task): string {
  return `${shape.what} ${id} (retries ${retries}, timeout ${timeout})`;
}

/** Holds what happened against what was promised. */
async function audit(
  tasks: readonly Task[],
  starts: readonly string[],
  executor: Executor,
): Promise<string[]> {
  const complaints: string[] = [];
  if (new Set(starts).size < starts.length) {
    const twice = starts.filter((line, i) => starts.indexOf(line) !== i);
    complaints.push(`ran twice: ${twice.join(", ")}`);
  }
  const seen = new Set(starts);
  for (const task of tasks) {
    const { future, id, retries } = task;
    if (!future.done) continue;
    if (seen.has(`${id} ${retries + 2}`))
      complaints.push(`${describe(task)} had too many attempts`);
    const problem = future.cancelled ? undefined : await judge(task, seen);
    if (problem !== undefined) complaints.push(`${describe(task)}: ${problem}`);
  }
  const { completed, failed, cancelled, pending, running } = executor.stats();
  const sum = completed + failed + cancelled;
  if (tasks.every(({ future }) => future.done) && sum !== tasks.length) {
    complaints.push(`${tasks.length} tasks, accounted for: ${sum}, ${pending} and ${running} left`);
  }
  return complaints;
}

/** What is wrong with the outcome of a task, if something is. */
async function judge(task: Task, starts: ReadonlySet<string>): Promise<string | undefined> {
  const { future, id, shape, timeout, controller } = task;
  const error = await future.exception();
  if (error === undefined) {
    // An attempt may have been ended before it could note its start.
    const attempts = Array.from({ length: task.retries + 1 }, (_, i) => `${id} ${i + 1}`);
    // The body of a generator runs when it is read.
    if (shape.what !== "count" && !attempts.some((line) => starts.has(line)))
      return "has a value and never ran";
    return shape.expected(await future.result()) ? undefined : "has a wrong value";
  }
  const isAllowed =
    error instanceof WorkerCrashedError ||
    error instanceof CancelledError ||
    error instanceof BrokenExecutorError ||
    (error instanceof InvalidStateError && shape.isOnce === true) ||
    (error instanceof TimeoutError && timeout !== undefined) ||
    (controller?.signal.aborted === true && error === controller.signal.reason) ||
    shape.own?.(error) === true;
  return isAllowed ? undefined : `ended with ${inspect(error)}`;
}
