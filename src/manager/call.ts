import { MAX_TIMER_MS } from "../util/timer.ts";
import { clearTimeout, setTimeout } from "../util/platform.ts";
/** Why a call is not waited for any more: its caller gave up, or is gone. */
export type CallEnd = "cancelled" | "gone";

/** Ends a wait whose call has ended. */
export class WithdrawnError extends Error {
  readonly why: CallEnd;

  constructor(why: CallEnd) {
    super(`The call was withdrawn: its caller ${why === "gone" ? "is gone" : "gave up"}.`);
    this.why = why;
  }
}

/** What a wait needs to know of its call. */
export interface Caller {
  /** Milliseconds the call may wait. */
  readonly timeout: number;
  readonly ended: CallEnd | undefined;
  /** Calls back when the call ends before it is answered. @returns a function that stops that. */
  watch(listener: (why: CallEnd) => void): () => void;
}

/** One call of a client, as the object that it is for sees it. */
export class Call implements Caller {
  /** The client that calls: a JS thread of some program. */
  readonly client: number;
  /** Tells apart the async flows of a client that hold an RLock by `run()`. */
  readonly flow: number;
  readonly timeout: number;
  #end: CallEnd | undefined;
  #listeners: Set<(why: CallEnd) => void> | undefined;

  constructor(client: number, flow: number, timeout: number) {
    this.client = client;
    this.flow = flow;
    this.timeout = timeout;
  }

  get ended(): CallEnd | undefined {
    return this.#end;
  }

  watch(listener: (why: CallEnd) => void): () => void {
    (this.#listeners ??= new Set()).add(listener);
    return () => this.#listeners?.delete(listener);
  }

  end(why: CallEnd): void {
    // Who gave up may be gone later, which ends what still goes on for it.
    if (this.#end === "gone" || this.#end === why) return;
    this.#end = why;
    for (const listener of [...(this.#listeners ?? [])]) listener(why);
  }
}

/** A wait on the server, which ends with the call. */
export interface Parked<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

/** Options of {@link park}. */
export interface ParkOptions<T> {
  /** Makes the outcome when the call's time is up: returns a value or throws. Without it there is no limit. */
  readonly onTimeout?: (() => T) | undefined;
  /** Called once, when the wait is over for whatever reason. */
  readonly onDone: () => void;
  /** Goes on when the caller gives up, ends only when it is gone. */
  readonly isLasting?: boolean;
}

/** Waits as part of a call until it is resolved from elsewhere. */
export function park<T>(call: Caller, options: ParkOptions<T>): Parked<T> {
  const { onTimeout, onDone, isLasting = false } = options;
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((onValue, onError) => {
    let timer: NodeJS.Timeout | undefined;
    let unwatch = (): void => {};
    const done = (): void => {
      clearTimeout(timer);
      unwatch();
      onDone();
    };
    resolve = (value) => {
      done();
      onValue(value);
    };
    reject = (reason) => {
      done();
      onError(reason);
    };
    if (onTimeout !== undefined && call.timeout <= MAX_TIMER_MS) {
      timer = setTimeout(() => {
        try {
          resolve(onTimeout());
        } catch (error) {
          reject(error as Error);
        }
      }, call.timeout);
    }
    unwatch = call.watch((why) => {
      if (why === "gone" || !isLasting) reject(new WithdrawnError(why));
    });
  });
  return { promise, resolve, reject };
}
