import { Date } from "./platform.ts";

/** Where a test lets this process die or stop. */
interface Fault {
  readonly name: string;
  /** Passages of the point until then. */
  left: number;
  /** `SIGKILL`, or `SIGSTOP` for a process that goes on when it is told to. */
  readonly signal: string;
}

/** Read at the first point that is passed; null when there is none. */
let fault: Fault | null | undefined;

/** Longer than a signal takes to arrive. */
const STOPPING_MS = 50;

/**
 * A point between two steps of a protocol at which a test can let this process be killed or stopped, as if from
 * outside: nothing runs after it until then. Costs one comparison otherwise.
 */
export function faultPoint(name: string): void {
  if (fault === null) return;
  if (fault === undefined) fault = readFault();
  if (fault === null || name !== fault.name || --fault.left !== 0) return;
  process.kill(process.pid, fault.signal);
  // The signal comes at once, but may hit another thread of this process first.
  const until = fault.signal === "SIGKILL" ? Infinity : Date.now() + STOPPING_MS;
  while (Date.now() < until);
}

/** Reads `<name>` or `<name>@<n>`: the n-th passage of a point; n is 1 unless given. */
function readFault(): Fault | null {
  const given = process.env["MANYCORE_FAULT"];
  if (given === undefined) return null;
  const [name = "", count = "1"] = given.split("@");
  return { name, left: Number(count), signal: process.env["MANYCORE_FAULT_SIGNAL"] ?? "SIGKILL" };
}
