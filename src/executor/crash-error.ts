import { placeAtCall } from "./call-site.ts";
import type { TaskEntry } from "./task-entry.ts";
import { WorkerCrashedError } from "../errors/index.ts";
import type { ExitStatus } from "../wire/index.ts";
import type { WorkerLink } from "./worker-link.ts";

/**
 * Says how a worker died and with which task.
 *
 * @param task - name of the task it ran, if any.
 */
export function crashError(
  link: WorkerLink,
  status: Partial<ExitStatus>,
  task: string | undefined,
): WorkerCrashedError {
  const cause = link.exitCause ?? status.error;
  const memory =
    status.signal === "SIGKILL"
      ? " (killed from outside, or by the system for want of memory)"
      : "";
  const how =
    status.signal !== undefined
      ? `was killed by ${status.signal}${memory}`
      : status.code === undefined
        ? "could not be started"
        : `ended with exit code ${status.code}`;
  const why = cause instanceof Error ? `: ${cause.message.replace(/\.$/, "")}` : "";
  const when = task === undefined ? "" : ` while it ran task "${task}"`;
  return new WorkerCrashedError(`${capitalise(link.label)} ${how}${when}${why}.`, {
    exitCode: status.code,
    signal: status.signal,
    pid: link.peer.pid,
    task,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The death of a worker, as the task that it ran learns it: with the stack of the task's call. */
export function crashOf(
  link: WorkerLink,
  status: Partial<ExitStatus>,
  entry: TaskEntry,
): WorkerCrashedError {
  return placeAtCall(crashError(link, status, entry.name), entry);
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
