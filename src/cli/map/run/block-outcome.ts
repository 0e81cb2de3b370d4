import { constants } from "node:os";
import { ManycoreError, WorkerCrashedError } from "../../../errors/index.ts";
import type { BlockNotes } from "./checkpoints.ts";
import type { BlockResult } from "../work/block-result.ts";
import type { ErrorReport } from "../work/record-line.ts";

/** A block that ended its worker, or whose answer did not arrive: nothing is known of its records. */
export interface Death {
  readonly kind: "died";
  readonly error: ErrorReport;
  readonly pid: number | undefined;
  readonly ms: number;
  readonly isCrash: boolean;
  /** As a job log tells it. */
  readonly exitCode: number;
  readonly signal: number;
}

/** The end of one run of a block. */
export type Outcome =
  | { readonly kind: "ran"; readonly result: BlockResult }
  | { readonly kind: "cancelled" }
  /** Taken back, through no fault of the record that ran: to be run again. */
  | { readonly kind: "evicted" }
  | Death;

/** The end of one run of a block, and how far it was when that was not its own end. */
export interface Ending {
  readonly outcome: Outcome;
  /** `undefined` when it is not known, or when the block came back. */
  readonly notes: BlockNotes | undefined;
}

/** Errors after which no other block would fare better. */
const FATAL_CODES: ReadonlySet<string> = new Set([
  "ERR_MANYCORE_BROKEN_EXECUTOR",
  "ERR_MANYCORE_INVALID_STATE",
  "ERR_MANYCORE_TASK_NOT_FOUND",
]);

/** The exit value GNU parallel notes for a job that it ended itself. */
const ENDED_EXIT_CODE = -1;

/**
 * Sorts what running a block rejected with.
 *
 * @throws the error itself when the run as a whole cannot go on.
 */
export function outcomeOf(error: unknown, ms: number, timeout?: number): Outcome {
  const code = error instanceof ManycoreError ? error.code : undefined;
  if (code === "ERR_MANYCORE_CANCELLED") return { kind: "cancelled" };
  if (code !== undefined && FATAL_CODES.has(code)) throw error;
  if (error instanceof WorkerCrashedError) {
    const message = `the worker died while it ran this record (${causeOfDeath(error)})`;
    const { pid, exitCode, signal } = error;
    return {
      ...death("WorkerCrashedError", message, ms),
      pid,
      isCrash: true,
      exitCode: exitCode ?? 0,
      signal: signal === undefined ? 0 : (constants.signals[signal as NodeJS.Signals] ?? 0),
    };
  }
  if (code === "ERR_MANYCORE_TIMEOUT") return { ...lateDeath(timeout ?? ms), ms };
  const name = error instanceof Error ? error.name : "Error";
  return death(name, error instanceof Error ? error.message : String(error), ms);
}

/** A record that ran longer than it may. */
export function lateDeath(timeout: number): Death {
  const message = `no result within the --timeout of ${timeout} ms`;
  return { ...death("TimeoutError", message, timeout), signal: constants.signals.SIGTERM };
}

function death(name: string, message: string, ms: number): Death {
  const error = { name, message, stack: `${name}: ${message}` };
  const exitCode = ENDED_EXIT_CODE;
  return { kind: "died", error, pid: undefined, ms, isCrash: false, exitCode, signal: 0 };
}

function causeOfDeath({ signal, exitCode }: WorkerCrashedError): string {
  if (signal === "SIGKILL") return "signal SIGKILL; the system may have run out of memory";
  if (signal !== undefined) return `signal ${signal}`;
  return exitCode === undefined ? "cause unknown" : `exit code ${exitCode}`;
}
