/** `<name>` or `<name>@<n>`: tests let a process die at the n-th passage of a point; n is 1 unless given. */
const FAULT: string | undefined = process.env["MANYCORE_FAULT"];

const [target, count] = FAULT === undefined ? [] : FAULT.split("@");
let left = Number(count ?? 1);

/**
 * A point between two steps of a protocol at which a test can let this process be killed, as if from
 * outside: nothing runs after it. Costs one comparison otherwise.
 */
export function faultPoint(name: string): void {
  if (FAULT !== undefined && name === target && --left === 0) {
    process.kill(process.pid, "SIGKILL");
    // The signal comes at once, but may hit another thread of this process first.
    for (;;);
  }
}
