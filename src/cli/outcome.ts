import { ManycoreError, WorkerCrashedError } from "../errors/index.ts";
import type { BlockResult } from "./block-runner.ts";
import type { ErrorReport } from "./record-line.ts";

/** A block that ended its worker, or whose answer did not arrive: nothing is known of its records. */
export interface Death {
  readonly kind: "died";
  readonly error: ErrorReport;
  readonly pid: number | undefined;
  readonly ms: number;
  readonly isCrash: boolean;
}

/** How one run of a block ended. */
export type Outcome =
  | { readonly kind: "ran"; readonly result: BlockResult }
  | { readonly kind: "cancelled" }
  | Death;

/** Errors after which no other block would fare better. */
const FATAL_CODES: ReadonlySet<string> = new Set([
  "ERR_MANYCORE_BROKEN_EXECUTOR",
  "ERR_MANYCORE_INVALID_STATE",
  "ERR_MANYCORE_TASK_NOT_FOUND",
]);

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
    return died("WorkerCrashedError", message, ms, error.pid, true);
  }
  if (code === "ERR_MANYCORE_TIMEOUT") {
    return died("TimeoutError", `no result within the --timeout of ${timeout ?? ms} ms`, ms);
  }
  const name = error instanceof Error ? error.name : "Error";
  return died(name, error instanceof Error ? error.message : String(error), ms);
}

function died(name: string, message: string, ms: number, pid?: number, isCrash = false): Death {
  const error = { name, message, stack: `${name}: ${message}` };
  return { kind: "died", error, pid, ms, isCrash };
}

function causeOfDeath({ signal, exitCode }: WorkerCrashedError): string {
  if (signal === "SIGKILL") return "signal SIGKILL; the system may have run out of memory";
  if (signal !== undefined) return `signal ${signal}`;
  return exitCode === undefined ? "cause unknown" : `exit code ${exitCode}`;
}
