import { ProcessError, WorkerCrashedError } from "../errors/index.ts";
import { deferred } from "../util/deferred.ts";
import { decodeValue, type Destination } from "../wire/codec.ts";
import { decodeThrown, joinStacks } from "../wire/error-codec.ts";
import type { ExitStatus } from "../wire/index.ts";
import { ChildMessage } from "./messages.ts";

/** Identity of the child, for messages and stacks. */
export interface OutcomeOf {
  readonly name: string;
  readonly kind: Destination;
  readonly pid: number | undefined;
  readonly task: string | undefined;
  /** Stack of the call that started it. */
  readonly caller: string | undefined;
}

/** The outcome of `run()`: its value, its error, or the death of the child that ran it. */
export class Outcome<R> {
  /** Somebody asked for the result, so its error has been delivered. */
  wanted = false;
  /** An error nobody caught in the child; becomes the cause of the crash. */
  dying: unknown;
  /** The error of the child itself: thrown by `run()`, or the one it died of. Undefined after an `exit()`. */
  uncaught: unknown;
  /** {@link Outcome.uncaught} came when the result had been sent: who asks for the result is not told of it. */
  isLate = false;
  #settled = false;
  /** The error the result was rejected with: an abort that came before the start was over, for one. */
  #failure: unknown;
  #of: OutcomeOf | undefined;
  readonly #result = deferred<R>();

  constructor() {
    // An error nobody asks for is no unhandled rejection: the child's stderr has it.
    this.#result.promise.catch(() => {});
  }

  get promise(): Promise<R> {
    return this.#result.promise;
  }

  describe(of: OutcomeOf): void {
    this.#of = of;
  }

  reject(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#failure = error;
    this.#result.reject(error);
  }

  /** Takes a frame of the child. */
  receive([kind, bytes]: unknown[], attachments: unknown[] | undefined): void {
    try {
      switch (kind) {
        case ChildMessage.done: {
          const value = decodeValue(bytes as Uint8Array, attachments) as R;
          if (this.#settled) return;
          this.#settled = true;
          this.#result.resolve(value);
          return;
        }
        case ChildMessage.failed:
          this.uncaught = this.#withCaller(decodeThrown(bytes as Uint8Array, attachments));
          this.reject(this.uncaught);
          return;
        case ChildMessage.dying:
          this.dying = decodeThrown(bytes as Uint8Array, attachments);
      }
    } catch (error) {
      this.reject(error);
    }
  }

  /** The child has ended: without a result by now there will be none. */
  close(status: ExitStatus, exitCode: number): void {
    const cause = this.dying ?? status.error;
    const wasMade = status.code !== undefined || status.signal !== undefined || cause === undefined;
    // One that was never made is told by `start()`.
    if (wasMade) {
      this.isLate = this.#settled && this.uncaught === undefined && cause !== undefined;
      this.uncaught ??= cause;
    }
    if (this.#settled) return;
    const how = wasMade
      ? `${endOf(status, exitCode)} before it returned a result.`
      : `could not be started: ${(cause as Error).message}`;
    const { name, pid, task } = this.#of ?? { name: "The child", pid: undefined, task: undefined };
    this.reject(
      new WorkerCrashedError(`${name} ${how}`, {
        exitCode: status.signal === undefined ? exitCode : undefined,
        signal: status.signal,
        pid,
        task,
        ...(cause === undefined ? {} : { cause }),
      }),
    );
  }

  /** The reason why `start()` did not come to its end. */
  startError(status: ExitStatus): ProcessError {
    const name = this.#of?.name ?? "The child";
    if (status.error !== undefined) {
      return new ProcessError(`${name} could not be started: ${status.error.message}`, {
        cause: status.error,
      });
    }
    return new ProcessError(`${name} ${endOf(status, status.code ?? 1)} before it was up.`, {
      cause: this.uncaught ?? this.#failure,
    });
  }

  #withCaller(error: unknown): unknown {
    const of = this.#of;
    if (error instanceof Error && of !== undefined) {
      joinStacks(error, of.caller, `${of.kind} ${of.name} (pid ${of.pid}) [manycore]`);
    }
    return error;
  }
}

function endOf(status: ExitStatus, exitCode: number): string {
  if (status.signal !== undefined) return `was killed by ${status.signal}`;
  return `ended with exit code ${exitCode}`;
}
