import { constants } from "node:os";
import type { ExitStatus } from "../wire/index.ts";

/** Python's exit code: the code, or minus the signal's number. */
export function exitCodeOf(status: ExitStatus): number {
  if (status.signal !== undefined) {
    return -(constants.signals[status.signal as NodeJS.Signals] ?? 1);
  }
  return status.code ?? 1;
}
