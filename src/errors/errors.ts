import { takeMoreFrames, trimStack } from "./own-frames.ts";

/** The stable `code` of every error class of this package; match on it rather than on messages. */
export type ErrorCode =
  | "ERR_MANYCORE_ABANDONED"
  | "ERR_MANYCORE_AUTHENTICATION"
  | "ERR_MANYCORE_BROKEN_BARRIER"
  | "ERR_MANYCORE_BROKEN_EXECUTOR"
  | "ERR_MANYCORE_BUFFER_TOO_SHORT"
  | "ERR_MANYCORE_CANCELLED"
  | "ERR_MANYCORE_DEADLOCK"
  | "ERR_MANYCORE_END_OF_STREAM"
  | "ERR_MANYCORE_INVALID_STATE"
  | "ERR_MANYCORE_NOT_SUPPORTED"
  | "ERR_MANYCORE_PROCESS"
  | "ERR_MANYCORE_QUEUE_EMPTY"
  | "ERR_MANYCORE_QUEUE_FULL"
  | "ERR_MANYCORE_QUEUE_SHUTDOWN"
  | "ERR_MANYCORE_REMOTE"
  | "ERR_MANYCORE_SERIALIZATION"
  | "ERR_MANYCORE_TASK_NOT_FOUND"
  | "ERR_MANYCORE_TIMEOUT"
  | "ERR_MANYCORE_WORKER_CRASHED";

/** Options of every error constructor of this package. */
export interface ManycoreErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** Base class of every error this package makes; `code` says which one it is. */
export abstract class ManycoreError extends Error {
  /** Stable identifier; messages may change between releases, codes do not. */
  abstract readonly code: ErrorCode;

  constructor(message: string, options?: ManycoreErrorOptions) {
    super(message, takeMoreFrames(options));
    trimStack(this);
    Object.defineProperty(this, "name", {
      value: new.target.name,
      configurable: true,
      writable: true,
    });
  }
}

/** A wait or a task took longer than its `timeout`; the message says what was awaited and for how long. */
export class TimeoutError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_TIMEOUT";
}

/** `Future.cancel()` or a shutdown with `cancelFutures` won. A caller's own AbortSignal rejects with its own reason instead. */
export class CancelledError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_CANCELLED";
}

/** The object is not in a state that allows this call: started twice, used after close, result set twice. */
export class InvalidStateError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_INVALID_STATE";
}

/** The executor cannot start workers any more; `cause` is what the last one died of. */
export class BrokenExecutorError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_BROKEN_EXECUTOR";
}

/** The end of a worker, as far as the system told. */
export interface CrashDetails {
  /** Exit code when the worker ended by itself. */
  readonly exitCode?: number | undefined;
  /** Signal name such as `"SIGKILL"` when it was killed. */
  readonly signal?: string | undefined;
  /** Process id of the worker; for a thread the id of the process it lived in. */
  readonly pid?: number | undefined;
  /** Name of the task it was running. */
  readonly task?: string | undefined;
}

/** The worker died while it ran this task. Other tasks of the executor are not affected. */
export class WorkerCrashedError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_WORKER_CRASHED";
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly pid: number | undefined;
  readonly task: string | undefined;

  constructor(message: string, details: CrashDetails & ManycoreErrorOptions = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.exitCode = details.exitCode;
    this.signal = details.signal;
    this.pid = details.pid;
    this.task = details.task;
  }
}

/** A task threw something that is not an Error; `cause` is that value. */
export class RemoteError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_REMOTE";
}

/** The function passed as a task cannot be found again in a worker; the message names the ways out. */
export class TaskNotFoundError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_TASK_NOT_FOUND";
}

/** A value cannot travel to the other side; `path` says which, for example `args[0].callback`. */
export class SerializationError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_SERIALIZATION";
  /** The path to the value in the arguments or the result; empty when unknown. */
  readonly path: string;

  constructor(message: string, options: ManycoreErrorOptions & { readonly path?: string } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.path = options.path ?? "";
  }
}

/** Nothing to take: a `getNowait` or a `get` whose timeout passed found the queue empty. */
export class QueueEmptyError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_QUEUE_EMPTY";
}

/** No room: a bounded queue was full. */
export class QueueFullError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_QUEUE_FULL";
}

/** The queue was shut down and takes or gives no more items. */
export class QueueShutdownError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_QUEUE_SHUTDOWN";
}

/** The barrier was aborted, reset or left by one of its parties while others waited. */
export class BrokenBarrierError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_BROKEN_BARRIER";
}

/** The lock was taken over from a holder that died; it is held, what it protects may be half-done. */
export class AbandonedError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_ABANDONED";
}

/** Waiting here would close a cycle of holders that wait for each other; the message names them all. */
export class DeadlockError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_DEADLOCK";
}

/** The other side does not know the key. */
export class AuthenticationError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_AUTHENTICATION";
}

/** A message does not fit into the buffer it was to be received into. */
export class BufferTooShortError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_BUFFER_TOO_SHORT";
  /** The whole message. */
  readonly bytes: Uint8Array;

  constructor(
    message: string,
    options: ManycoreErrorOptions & { readonly bytes?: Uint8Array } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.bytes = options.bytes ?? new Uint8Array();
  }
}

/** The other side closed, or died, and everything it sent has been read. */
export class EndOfStreamError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_END_OF_STREAM";
}

/** A process or thread could not be started or asked to do something; the message says why. */
export class ProcessError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_PROCESS";
}

/** This platform or Node version cannot do it; the message says what still works. */
export class NotSupportedError extends ManycoreError {
  override readonly code = "ERR_MANYCORE_NOT_SUPPORTED";
}
