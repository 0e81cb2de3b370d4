import { inspect } from "node:util";
import { publishUncaught } from "../process/uncaught.ts";
import { reportThreadError } from "../thread/except-hook.ts";
import type { ExitStatus } from "../wire/index.ts";
import type { WorkerLink } from "./worker-link.ts";

/**
 * Reports the error that has ended a worker while it ran no task: one of a timer or promise that a task had left
 * behind, or of the finalizer. No call rejects with it.
 */
export function reportEnd(link: WorkerLink, status: ExitStatus): void {
  const error = link.exitCause ?? status.error;
  // What keeps workers from starting is told to the calls that wait for them.
  if (error === undefined || !link.wasReady) return;
  if (link.peer.kind !== "process") {
    reportThreadError(link.name, error);
    return;
  }
  publishUncaught("process", link.name, error);
  // Node has printed the others, in the process itself.
  if (status.code === 0) {
    process.stderr.write(`Exception in the finalizer of ${link.name}:\n${inspect(error)}\n`);
  }
}
