import { once } from "node:events";
import type { EventEmitter } from "node:events";
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { Worker } from "node:worker_threads";
import type { TaskIdentity } from "../../dist/task/index.js";

export type WorkerKind = "thread" | "process";

/** What a task gave in the worker. */
export interface Answer {
  readonly value?: unknown;
  readonly error?: {
    readonly name?: string;
    readonly message: string;
    readonly code?: string;
    readonly stack?: string;
  };
}

const HARNESS = new URL("../fixtures/task/harness.js", import.meta.url);

/** URL of a fixture of this room. */
export function fixture(name: string): string {
  return new URL(`../fixtures/task/${name}`, import.meta.url).href;
}

/** A bare thread or process that resolves identities, without any of the rooms above. */
export class TestWorker {
  readonly #worker: Worker | ChildProcess;

  constructor(kind: WorkerKind) {
    this.#worker = kind === "thread" ? new Worker(HARNESS) : fork(HARNESS);
  }

  /** Resolves an identity there and calls the function; one call at a time. */
  async run(identity: TaskIdentity | Promise<TaskIdentity>, ...args: unknown[]): Promise<Answer> {
    const request = { identity: await identity, args };
    const worker: EventEmitter = this.#worker;
    const done = new AbortController();
    const ended = once(worker, "exit", { signal: done.signal }).then(([code]) => {
      throw new Error(`The test worker ended with ${String(code)}`);
    });
    try {
      const answer = once(worker, "message", { signal: done.signal }); // also rejects on "error"
      if (this.#worker instanceof Worker) this.#worker.postMessage(request);
      else this.#worker.send(request);
      const [message] = (await Promise.race([answer, ended])) as [Answer];
      return message;
    } finally {
      ended.catch(() => undefined); // aborted on purpose
      done.abort();
    }
  }

  async close(): Promise<void> {
    if (this.#worker instanceof Worker) {
      await this.#worker.terminate();
      return;
    }
    const ended = once(this.#worker, "exit");
    this.#worker.disconnect();
    await ended;
  }
}
