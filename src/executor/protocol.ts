/**
 * Every message between an executor and its workers. A frame is a flat array that begins with one of
 * these kinds; the comment gives the rest. Bytes are values of `codec.ts`, with the attachments of the
 * frame; ids of tasks, functions and streams are unsigned 32-bit numbers given out by the sender's side.
 */
export const MessageKind = {
  /** → worker: `functionId, identity` (JSON of a TaskIdentity). */
  define: 1,
  /**
   * → worker: `maySpin` (a processor is free for it, should it want to wait awake), then
   * `taskId, functionId, header, args` once or many times; see {@link TaskHeader}.
   */
  tasks: 2,
  /** → worker: `taskId, reason bytes`: abort the signal of a started task. */
  cancel: 3,
  /** → worker: `taskId…`: these were taken back; forget them. */
  drop: 4,
  /** → worker: finish what is started, run the finalizer, end. */
  shutdown: 5,
  /** → worker: answer with `pong` when the event loop gets to it. */
  ping: 6,
  /** → worker: `initializer, finalizer, arguments`: JSON of their identities, and bytes for the first; or null. */
  hooks: 7,
  /** ← worker: the initializer has run. */
  ready: 10,
  /** ← worker: `error bytes`: it cannot start. */
  failed: 11,
  /** ← worker: `taskId, status, value, microseconds`; see {@link ResultStatus}. */
  result: 12,
  /** ← worker: `taskId`: its function begins to run now. */
  started: 13,
  /** ← worker: `taskId, bytes`: a progress report. */
  progress: 14,
  /** ← worker: `error bytes`: nobody caught this; the worker ends. */
  dying: 15,
  /** ← worker: `bytes of memory in use`, after a task, at most some times a second. */
  memory: 16,
  pong: 17,
  /** ← worker: `taskId`: the streams of its result have ended. */
  finished: 18,
  /** ↔ `streamId, count`: the reader has room for that many more items. */
  pull: 20,
  /** ↔ `streamId, item bytes`. */
  item: 21,
  /** ↔ `streamId`: no more items. */
  end: 22,
  /** ↔ `streamId, error bytes`: the source failed. */
  streamError: 23,
  /** ↔ `streamId`: the reader wants no more. */
  stop: 24,
} as const;

/** Ways to read the value of a `result`. */
export const ResultStatus = {
  /** The value itself. */
  plain: 0,
  /** Bytes of a value. */
  encoded: 1,
  /** Bytes of what was thrown. */
  thrown: 2,
  /** A chunk: `[values…]` as they are. */
  plainChunk: 3,
  /** A chunk of which an item failed: bytes of `[values before it…]`, and `[bytes of what was thrown]` behind. */
  brokenChunk: 4,
  /** Bytes of a value that holds streams; the task goes on until `finished`. */
  streaming: 5,
} as const;

/** Bits of a task's flags. */
export const TaskFlag = {
  /** `args` is a list of items; the function is called with each. */
  items: 1,
  /** `args` is a list of argument lists; the function is called with each. */
  tuples: 2,
  /** Report `started` right before the function runs. */
  reportStart: 4,
} as const;

/** The header of a task: `0` for nothing besides its arguments, or this tuple. */
export type TaskHeader =
  | 0
  | readonly [
      flags: number,
      attempt: number,
      /** Bytes of the user's `context`, or null. */
      context: Uint8Array | null,
      /** JSON of trace headers (W3C `traceparent` and the like), or null. */
      trace: string | null,
    ];
