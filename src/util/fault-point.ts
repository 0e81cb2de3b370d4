import { Date } from "./platform.ts";

/** `<name>` or `<name>@<n>`: tests let a process die at the n-th passage of a point; n is 1 unless given. */
const FAULT: string | undefined = process.env["MANYCORE_FAULT"];

const [target, count] = FAULT === undefined ? [] : FAULT.split("@");
let left = Number(count ?? 1);

/** The signal that is sent there: `SIGKILL`, or `SIGSTOP` for a process that goes on when it is told to. */
const SIGNAL: string = process.env["MANYCORE_FAULT_SIGNAL"] ?? "SIGKILL";
/** Longer than a signal takes to arrive. */
const STOPPING_MS = 50;

/**
 * A point between two steps of a protocol at which a test can let this process be killed or stopped, as if from
 * outside: nothing runs after it until then. Costs one comparison otherwise.
 */
export function faultPoint(name: string): void {
  if (FAULT !== undefined && name === target && --left === 0) {
    process.kill(process.pid, SIGNAL);
    // The signal comes at once, but may hit another thread of this process first.
    const until = SIGNAL === "SIGKILL" ? Infinity : Date.now() + STOPPING_MS;
    while (Date.now() < until);
  }
}
