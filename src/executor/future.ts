import { type AsyncScope, captureScope } from "../util/async-scope.ts";
import { CancelledError, InvalidStateError, TimeoutError } from "../errors/index.ts";
import { deferred, type Deferred } from "../util/deferred.ts";
import { inspectAs } from "../util/inspectable.ts";
import { wrongType } from "../util/argument-error.ts";
import { checkFunction, iterable } from "../util/checks.ts";
import { staysHere } from "../util/stays-here.ts";
import { isThenable } from "../util/thenable.ts";
import { type WaitOptions, waitWithin } from "../util/wait-options.ts";
import { ProgressLog } from "./progress-log.ts";
import { queueMicrotask } from "../util/platform.ts";

/** States of a Future: waiting for a worker, running in one, or done in one of three ways. */
export type FutureState = "pending" | "running" | "finished" | "failed" | "cancelled";

/** The one who works on a Future, as far as the Future asks something of it. */
export interface FutureOwner {
  /** Stops the work. @returns false when it cannot be stopped any more. */
  cancel(reason: unknown): boolean;
}

/**
 * The outcome of a task, now or later: Python's `concurrent.futures.Future`, and awaitable.
 *
 * `await future` gives the result or throws the task's error. A failed Future that nobody awaits
 * raises no `unhandledRejection`; it is published on the diagnostics channel `manycore:task`.
 * Make one yourself (`new Future()`) to hand out a result that comes from elsewhere.
 *
 * @example
 * const future = executor.submit(square, 7);
 * future.addDoneCallback((f) => console.log(f.done));
 * console.log(await future);
 */
export class Future<R> implements PromiseLike<R> {
  static {
    inspectAs<Future<unknown>>(Future, (future) => `<Future ${future.#state}>`);
    staysHere(Future, "is a Future: await it and send its result");
  }

  #state: FutureState = "pending";
  #value: unknown = undefined;
  #callbacks: [AsyncScope, (future: Future<R>) => void][] | undefined;
  #settled: Deferred<R> | undefined;
  #owner: FutureOwner | undefined;
  #progress: ProgressLog | undefined;

  /** @param owner - who stops the work when the Future is cancelled while it runs; executors set it. */
  constructor(owner?: FutureOwner) {
    if (owner !== undefined && typeof (owner as FutureOwner | null)?.cancel !== "function") {
      throw wrongType("owner", "an object with a method cancel()", owner);
    }
    this.#owner = owner;
  }

  /** True once a worker has begun with the task and until it is done. */
  get running(): boolean {
    return this.#state === "running";
  }

  /** True once there is a result, an error or a cancellation. */
  get done(): boolean {
    return this.#state !== "pending" && this.#state !== "running";
  }

  /** True when it was cancelled. */
  get cancelled(): boolean {
    return this.#state === "cancelled";
  }

  /** The state of the Future. */
  get state(): FutureState {
    return this.#state;
  }

  /**
   * Values the task reported with `taskContext().progress(value)`, in order; ends when the task does.
   * A reader that comes late gets the latest ones, at most 256.
   */
  get progress(): AsyncIterable<unknown> {
    this.#progress ??= new ProgressLog(this.done);
    return this.#progress;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- awaiting a Future is its main use
  then<T1 = R, T2 = never>(
    onValue?: ((value: R) => T1 | PromiseLike<T1>) | null,
    onError?: ((reason: unknown) => T2 | PromiseLike<T2>) | null,
  ): Promise<T1 | T2> {
    if (this.#settled === undefined) {
      this.#settled = deferred();
      this.#settlePromise();
    }
    return this.#settled.promise.then(onValue, onError);
  }

  /** As a promise's `catch`. */
  catch<T = never>(onError?: ((reason: unknown) => T | PromiseLike<T>) | null): Promise<R | T> {
    return this.then(undefined, onError);
  }

  /** As a promise's `finally`. */
  finally(onSettled?: (() => void) | null): Promise<R> {
    return this.then().finally(onSettled);
  }

  /**
   * The task's result.
   *
   * **Waiting**: until the task is done. **Cancellation**: detached; an aborted or timed-out wait leaves
   * the task running.
   * @throws the task's error; {@link CancelledError}; {@link TimeoutError} after `timeout` ms.
   */
  result(options?: WaitOptions): Promise<R> {
    return waitWithin(this, options, (timeout) => {
      throw new TimeoutError(`The task was not done within ${timeout} ms; it goes on.`);
    });
  }

  /**
   * The task's error, or undefined when it succeeded. Waits and fails as {@link Future.result} does:
   * a cancelled Future rejects with its {@link CancelledError}.
   */
  async exception(options?: WaitOptions): Promise<unknown> {
    const outcome = this.then(
      () => undefined,
      (error: unknown) => {
        if (this.#state === "cancelled") throw error;
        return error;
      },
    );
    return waitWithin<unknown>(outcome, options, (timeout) => {
      throw new TimeoutError(`The task was not done within ${timeout} ms; it goes on.`);
    });
  }

  /**
   * Cancels the task: one that waits never starts; one that runs has its signal aborted and its
   * worker ended after the grace if it does not return (Python cannot do that and returns false).
   * The Future is cancelled at once in both cases.
   *
   * @param reason - becomes the `cause` of the {@link CancelledError}, and the signal's reason.
   * @returns false when it is done already, or runs somewhere that cannot stop it.
   */
  cancel(reason?: unknown): boolean {
    if (this.#state === "cancelled") return true;
    if (this.done) return false;
    if (this.#owner === undefined ? this.#state === "running" : !this.#owner.cancel(reason)) {
      return false;
    }
    // The owner may have settled it while stopping the work.
    if (!this.done) this.#finish("cancelled", cancelledError(reason));
    return true;
  }

  /**
   * Calls `callback` with this Future once it is done, in order of adding; at once, in a microtask, when
   * it is done already. A callback that throws is reported as an uncaught exception and does not
   * keep the others from being called. It runs in the asynchronous context of the call that added it.
   */
  addDoneCallback(callback: (future: Future<R>) => void): void {
    checkFunction(callback, "callback");
    if (this.done) queueMicrotask(() => callback(this));
    else (this.#callbacks ??= []).push([captureScope(), callback]);
  }

  /** Marks the task as running. For those who make their own Futures. @returns false when it was cancelled. */
  setRunning(): boolean {
    if (this.#state === "cancelled") return false;
    if (this.done) throw new InvalidStateError(`The Future is ${this.#state} already.`);
    this.#state = "running";
    return true;
  }

  /** Sets the result. For those who make their own Futures. @throws InvalidStateError when done. */
  setResult(value: R): void {
    this.#finish("finished", value);
  }

  /**
   * Sets the error; a {@link CancelledError} makes it a cancelled Future. For those who make their own
   * Futures. @throws InvalidStateError when done.
   */
  setException(error: unknown): void {
    this.#finish(error instanceof CancelledError ? "cancelled" : "failed", error);
  }

  /** Reports progress. For those who make their own Futures. */
  setProgress(value: unknown): void {
    if (this.done) return;
    this.#progress ??= new ProgressLog(false);
    this.#progress.push(value);
  }

  #finish(state: "finished" | "failed" | "cancelled", value: unknown): void {
    if (this.done) throw new InvalidStateError(`The Future is ${this.#state} already.`);
    this.#state = state;
    this.#value = value;
    this.#owner = undefined;
    this.#settlePromise();
    this.#progress?.end();
    const callbacks = this.#callbacks;
    if (callbacks === undefined) return;
    this.#callbacks = undefined;
    for (const [scope, callback] of callbacks) {
      queueMicrotask(() => scope.runInAsyncScope(callback, undefined, this));
    }
  }

  #settlePromise(): void {
    if (this.#settled === undefined || !this.done) return;
    if (this.#state === "finished") this.#settled.resolve(this.#value as R);
    else this.#settled.reject(this.#value);
  }
}

/** The Futures of a list, each once. @throws TypeError for anything else. */
export function checkFutures<R>(futures: Iterable<Future<R>>): Set<Future<R>> {
  iterable(futures, "futures");
  const all = new Set(futures);
  for (const future of all) {
    // One of another copy of this package is right, too.
    if (typeof (future as Future<R> | undefined)?.addDoneCallback === "function") continue;
    const hint = isThenable(future) ? "use Promise.race() and its like for promises" : undefined;
    throw wrongType("futures", "an iterable of Futures", future, hint);
  }
  return all;
}

/** The error of a cancelled task. */
export function cancelledError(reason: unknown): CancelledError {
  return new CancelledError(
    "The task was cancelled.",
    reason === undefined ? undefined : { cause: reason },
  );
}
