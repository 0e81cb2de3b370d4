import type { Encoded } from "../../wire/codec.ts";
import type { Channel } from "../../wire/index.ts";
import { MessageKind } from "../protocol.ts";

/** Reports of one task. */
interface Waiting {
  readonly reports: Encoded[];
  /** Number of those at the beginning that have been sent. */
  sent: number;
}

/** So many that were sent are kept before their memory is given back. */
const MANY = 1024;

/**
 * Progress reports on their way out. While the executor is behind they wait here and not in the channel, so
 * that starts and results, which others depend on, do not wait behind any number of them.
 */
export class ProgressReports {
  readonly #channel: Channel;
  readonly #waiting: Map<number, Waiting> = new Map();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Sends a report of a task, or keeps it until {@link ProgressReports.sendWaiting}. */
  add(task: number, report: Encoded): void {
    const waiting = this.#waiting.get(task);
    if (waiting !== undefined) waiting.reports.push(report);
    else if (this.#channel.writable) this.#send(task, report);
    else this.#waiting.set(task, { reports: [report], sent: 0 });
  }

  /** The task is about to report its outcome, which follows its last report. */
  finish(task: number): void {
    const waiting = this.#waiting.get(task);
    if (waiting === undefined) return;
    this.#waiting.delete(task);
    while (waiting.sent < waiting.reports.length) this.#sendNext(task, waiting);
  }

  /** There is room again. */
  sendWaiting(): void {
    for (const [task, waiting] of this.#waiting) {
      this.#waiting.delete(task);
      while (waiting.sent < waiting.reports.length && this.#channel.writable) {
        this.#sendNext(task, waiting);
      }
      if (waiting.sent === waiting.reports.length) continue;
      // The other tasks have their turn first the next time.
      this.#waiting.set(task, waiting);
      return;
    }
  }

  #sendNext(task: number, waiting: Waiting): void {
    this.#send(task, waiting.reports[waiting.sent++] as Encoded);
    if (waiting.sent < MANY) return;
    waiting.reports.splice(0, waiting.sent);
    waiting.sent = 0;
  }

  #send(task: number, { bytes, attachments, transfer }: Encoded): void {
    this.#channel.send([MessageKind.progress, task, bytes], attachments, transfer);
  }
}
