/**
 * The frames between a Process or Thread and the program that runs it. Bytes are values of the codec,
 * with the attachments of the frame.
 */
export const ChildMessage = {
  /** → child: `json of a Job, args bytes, fields bytes | null, number of attachments of the args`. */
  run: "run",
  /** → child: `reason bytes`: abort the shutdown signal. */
  interrupt: "interrupt",
  /** ← child: it is there, and listens to interrupts. */
  up: "up",
  /** ← child: `run()` begins now. */
  began: "began",
  /** ← child: `value bytes`: what `run()` returned. */
  done: "done",
  /** ← child: `error bytes`: what `run()` threw. */
  failed: "failed",
  /** ← child: `error bytes`: nobody caught this outside of `run()`; the child most likely ends. */
  dying: "dying",
} as const;
