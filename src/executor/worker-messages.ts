import { runIn } from "../util/async-scope.ts";
import { clearTimeout } from "../util/platform.ts";
import { decodeValue } from "../wire/codec.ts";
import { decodeThrown } from "../wire/error-codec.ts";
import type { ExitStatus } from "../wire/index.ts";
import type { AbandonedSlot } from "./abandoned-slot.ts";
import { MessageKind } from "./protocol.ts";
import type { TaskEntry } from "./task-entry.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Events of a worker; the scheduler implements them. */
export interface LinkOwner {
  onReady(link: WorkerLink): void;
  onStartFailed(link: WorkerLink, error: unknown): void;
  onStarted(link: WorkerLink, entry: TaskEntry): void;
  onResult(link: WorkerLink, entry: TaskEntry, result: ResultFrame): void;
  onFinished(link: WorkerLink, entry: TaskEntry): void;
  /** The worker has come back from a task that was given up. @param micros - of its run, if known. */
  onAbandonedEnd(link: WorkerLink, slot: AbandonedSlot, micros: number | undefined): void;
  onMemory(link: WorkerLink, bytes: number): void;
  onExit(link: WorkerLink, status: ExitStatus): void;
  /** A task could not be sent, and has been taken out of its worker. */
  onUnsendable(entry: TaskEntry, error: unknown): void;
}

/** The parts of a `result` frame. */
export interface ResultFrame {
  readonly status: number;
  readonly value: unknown;
  readonly micros: number;
  readonly attachments: unknown[] | undefined;
}

/** Tells the owner of a worker's link what a frame of the worker says. */
export function acceptFrame(
  link: WorkerLink,
  owner: LinkOwner,
  frame: unknown[],
  attachments: unknown[] | undefined,
): void {
  const kind = frame[0];
  if (kind !== MessageKind.result) {
    acceptOther(link, owner, frame, attachments);
    return;
  }
  const entry = link.inflight.get(frame[1] as number);
  if (entry === undefined) return;
  const micros = frame[4] as number;
  if (entry.state === "abandoned") owner.onAbandonedEnd(link, entry, micros);
  else {
    const [, , status, value] = frame;
    owner.onResult(link, entry, { status: status as number, value, micros, attachments });
  }
}

function acceptOther(
  link: WorkerLink,
  owner: LinkOwner,
  frame: unknown[],
  attachments: unknown[] | undefined,
): void {
  const entry = link.taskOf(frame[1] as number);
  switch (frame[0]) {
    case MessageKind.started:
      if (entry !== undefined) owner.onStarted(link, entry);
      return;
    case MessageKind.progress:
      runIn(entry?.scope, () => {
        entry?.sink.progress(decodeValue(frame[2] as Uint8Array, attachments));
      });
      return;
    case MessageKind.finished:
      acceptFinished(link, owner, frame[1] as number);
      return;
    case MessageKind.ready:
      owner.onReady(link);
      return;
    case MessageKind.failed:
      owner.onStartFailed(link, decodeThrown(frame[1] as Uint8Array, attachments));
      return;
    case MessageKind.dying:
      link.exitCause = decodeThrown(frame[1] as Uint8Array, attachments);
      return;
    case MessageKind.pong:
      // Its event loop turns: what else it runs may come to an end.
      clearTimeout(link.pingTimer);
      return;
    case MessageKind.memory:
      owner.onMemory(link, frame[1] as number);
      return;
    default:
      link.streams.accept(frame, attachments);
  }
}

function acceptFinished(link: WorkerLink, owner: LinkOwner, id: number): void {
  const entry = link.inflight.get(id);
  if (entry?.state === "abandoned") owner.onAbandonedEnd(link, entry, undefined);
  else if (entry !== undefined) owner.onFinished(link, entry);
}
