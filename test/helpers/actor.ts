import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

/** What an actor answered. */
export interface Answer {
  readonly done?: string;
  readonly failed?: string;
  readonly value?: unknown;
  readonly abandoned?: boolean;
  readonly code?: string;
  readonly message?: string;
  readonly ready?: number;
}

const ACTOR = fileURLToPath(new URL("../fixtures/sync/actor.mjs", import.meta.url));

/** An unrelated program that takes and releases named locks as it is told. */
export class Actor {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;

  private constructor(namespace: string) {
    this.#child = spawn(process.execPath, [ACTOR], {
      env: { ...process.env, MANYCORE_NAMESPACE: namespace },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  static async start(namespace: string): Promise<Actor> {
    const actor = new Actor(namespace);
    await actor.answer();
    return actor;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Sends a command; its answer is read with {@link Actor.answer}. */
  tell(command: string): void {
    this.#child.stdin.write(`${command}\n`);
  }

  async answer(): Promise<Answer> {
    const line = await this.#answers.next();
    if (line.done === true) throw new Error("The actor ended without an answer");
    return JSON.parse(line.value) as Answer;
  }

  /** Sends a command and gives its answer. */
  ask(command: string): Promise<Answer> {
    this.tell(command);
    return this.answer();
  }

  /** Kills it and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  /** Ends it in good order. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.tell("exit");
    await gone;
  }
}
