/** How many executors of this thread have work that is not done. */
let busy = 0;

/** Work of this thread that goes on elsewhere and will call back: a task, a call. To be ended by {@link endWork}. */
export function beginWork(): void {
  busy++;
}

export function endWork(): void {
  busy--;
}

/** Whether this thread waits for work that goes on elsewhere. */
export function isWorkPending(): boolean {
  return busy > 0;
}
