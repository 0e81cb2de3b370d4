import { inspectAs } from "../util/inspectable.ts";
import { TimeoutError } from "../errors/index.ts";
import { deferred, type Deferred } from "../util/deferred.ts";
import { clearTimeout } from "../util/platform.ts";
import { waitFault, waitWithin } from "../util/wait-options.ts";
import { MapFeeder, type MapReader } from "./map-feeder.ts";
import { jobOf, type MapRequest, onDeadline } from "./map-request.ts";
import type { Scheduler } from "./scheduler.ts";
import type { CompiledOptions } from "./task-entry.ts";

type Slot = { readonly value: unknown } | { readonly error: unknown } | undefined;

/** An iterator over a map's results, to be read with `for await` or `toArray()`. */
export interface MapIterator<R> extends AsyncIterableIterator<R> {
  /** The next result; waits for it, at most `timeout` milliseconds, as Python's does. */
  next(options?: { readonly timeout?: number | undefined }): Promise<IteratorResult<R, undefined>>;
  return(): Promise<IteratorResult<R, undefined>>;
  /**
   * All results that were not read yet; waits for the last one.
   *
   * @throws the first error; what has not started by then is cancelled.
   */
  toArray(): Promise<R[]>;
}

/** Puts results in order, or in the order they come, for a reader that pulls them. */
export class ResultIterator implements MapIterator<unknown>, MapReader {
  static {
    inspectAs<ResultIterator>(ResultIterator, (results) => {
      const total = results.#total === Infinity ? "" : ` of ${results.#total}`;
      return `<MapIterator ${results.#next}${total} results read: use "for await", or toArray()>`;
    });
  }

  readonly #run: MapFeeder;
  readonly #ordered: boolean;
  readonly #resumable: boolean;
  readonly #flatten: boolean;
  /** Outcomes by index when ordered; in order of arrival, from `#next`, when not. */
  readonly #slots: Map<number, Slot> = new Map();
  #next = 0;
  #arrived = 0;
  #total = Infinity;
  #inputFailure: { readonly error: unknown } | undefined;
  #closed = false;
  #news: Deferred<void> | undefined;
  #inner: AsyncIterator<unknown> | undefined;
  /** The inner iterator's answer that a timed-out call did not wait for. */
  #innerNext: Promise<IteratorResult<unknown>> | undefined;
  /** Steps whose outcome has come. */
  #settled = 0;
  /** The error in the place of the first outcome that was not there in time. */
  #late: { readonly error: unknown } | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  /** Calls of `next` wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(scheduler: Scheduler, options: CompiledOptions, request: MapRequest) {
    this.#ordered = request.ordered ?? options.source.ordered ?? true;
    this.#resumable = request.resumable ?? false;
    this.#flatten = request.flatten ?? false;
    this.#run = new MapFeeder(scheduler, options, jobOf(options, request), this);
    this.#timer = onDeadline(options, (error) => this.#expire(error));
    this.#run.feed();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  values(index: number, values: readonly unknown[]): void {
    values.forEach((value, i) => this.#put(index + i, { value }));
  }

  failure(index: number, count: number, error: unknown): void {
    this.#put(index, { error });
    // Steps behind it in the same chunk were not run; they have no place among the results.
    for (let i = 1; i < count; i++) this.#put(index + i, undefined);
  }

  inputEnd(count: number, failure: { readonly error: unknown } | undefined): void {
    this.#total = count;
    this.#inputFailure = failure;
    if (this.#settled >= count) clearTimeout(this.#timer);
    this.#news?.resolve();
  }

  next(
    options: { readonly timeout?: number | undefined } = {},
  ): Promise<IteratorResult<unknown, undefined>> {
    const fault = waitFault(options);
    if (fault !== undefined) return Promise.reject(fault);
    const result = this.#turn.then(() => this.#advance(options.timeout));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    if (!this.#closed) {
      this.#closed = true;
      clearTimeout(this.#timer);
      this.#slots.clear();
      this.#run.stop();
      this.#news?.resolve();
      await this.#inner?.return?.();
    }
    return { done: true, value: undefined };
  }

  async toArray(): Promise<unknown[]> {
    const results: unknown[] = [];
    // Closes the iterator also when one of them is an error.
    for await (const result of this) results.push(result);
    return results;
  }

  #put(index: number, slot: Slot): void {
    if (this.#closed || this.#late !== undefined) return;
    if (++this.#settled >= this.#total) clearTimeout(this.#timer);
    this.#slots.set(this.#ordered ? index : this.#arrived++, slot);
    this.#news?.resolve();
  }

  async #advance(timeout: number | undefined): Promise<IteratorResult<unknown, undefined>> {
    for (;;) {
      if (this.#inner !== undefined) {
        const step = await this.#nextOfInner(this.#inner, timeout);
        if (step !== undefined) return step;
      }
      if (this.#closed) return { done: true, value: undefined };
      if (this.#slots.has(this.#next)) {
        const slot = this.#slots.get(this.#next);
        this.#slots.delete(this.#next++);
        this.#run.taken(1);
        if (slot === undefined) continue;
        if ("error" in slot) return this.#raise(slot.error);
        if (!this.#flatten || !isStream(slot.value)) return { done: false, value: slot.value };
        this.#inner = slot.value[Symbol.asyncIterator]();
        continue;
      }
      if (this.#next >= this.#total) return this.#end();
      if (this.#late !== undefined) {
        await this.return();
        throw this.#late.error;
      }
      this.#news = deferred();
      await waitWithin(this.#news.promise, { timeout }, onTimeout);
    }
  }

  async #nextOfInner(
    inner: AsyncIterator<unknown>,
    timeout: number | undefined,
  ): Promise<IteratorResult<unknown, undefined> | undefined> {
    this.#innerNext ??= inner.next();
    let isLate = false;
    try {
      const step = await waitWithin<IteratorResult<unknown> | undefined>(
        this.#innerNext,
        { timeout },
        () => undefined,
      );
      isLate = step === undefined;
      if (step === undefined) return onTimeout(timeout ?? Infinity);
      if (step.done !== true) return { done: false, value: step.value };
      this.#inner = undefined;
      return undefined;
    } finally {
      // An answer that is on its way is for the next call.
      if (!isLate) this.#innerNext = undefined;
    }
  }

  /** Time is up: what is there is still given, nothing else is waited for. */
  #expire(error: unknown): void {
    this.#late = { error };
    this.#run.stop();
    void this.#inner?.return?.();
    this.#news?.resolve();
  }

  async #raise(error: unknown): Promise<never> {
    if (!this.#resumable) await this.return();
    throw error;
  }

  #end(): IteratorResult<unknown, undefined> {
    this.#closed = true;
    const failure = this.#inputFailure;
    if (failure !== undefined) throw failure.error;
    return { done: true, value: undefined };
  }
}

function onTimeout(timeout: number): never {
  throw new TimeoutError(`The next result was not there within ${timeout} ms; ask again.`);
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
