import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { eventually } from "../../helpers/leaks.ts";

const ACTOR = fileURLToPath(new URL("../../fixtures/faults/shared/actor.mjs", import.meta.url));
const { takeCensus } = (await import(
  new URL("../../../dist/parking/census.js", import.meta.url).href
)) as typeof import("../../../src/parking/census.ts");

const { CELL } = (await import(
  new URL("../../../dist/memory/layout.js", import.meta.url).href
)) as typeof import("../../../src/memory/layout.ts");
const { STARVING } = (await import(
  new URL("../../../dist/parking/token.js", import.meta.url).href
)) as typeof import("../../../src/parking/token.ts");

/** How long after a death the next one may have to wait: a slice of 100 ms, and what a busy machine adds. */
export const BOUND_MS = 3_000;

/** What an actor answered. */
export interface Answer {
  readonly done?: string;
  readonly failed?: string;
  readonly message?: string;
  readonly value?: unknown;
  readonly ms?: number;
  readonly abandoned?: boolean;
}

/** A program that uses named locks as it is told; with a fault it dies at that point. */
export class Actor {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;
  readonly #gone: Promise<unknown>;

  constructor(namespace: string, env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [ACTOR], {
      env: { ...process.env, MANYCORE_NAMESPACE: namespace, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    // It may die before it has read everything.
    this.#child.stdin.on("error", () => {});
    this.#gone = once(this.#child, "exit");
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  tell(command: string): void {
    this.#child.stdin.write(`${command}\n`);
  }

  async answer(): Promise<Answer> {
    const line = await this.#answers.next();
    if (line.done === true) throw new Error("The actor ended without an answer");
    return JSON.parse(line.value) as Answer;
  }

  ask(command: string): Promise<Answer> {
    this.tell(command);
    return this.answer();
  }

  /** Waits for its death at its fault. */
  async dies(): Promise<void> {
    await this.#gone;
    if (this.#child.signalCode !== "SIGKILL") {
      throw new Error(`It was to be killed, but ended with ${this.#child.exitCode}`);
    }
  }

  /** Waits until it has stopped at its fault. */
  async stops(): Promise<void> {
    await eventually(`${this.pid} is stopped`, () => {
      const stat = readFileSync(`/proc/${this.pid}/stat`, "utf8");
      return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
    });
  }

  /** Lets it go on after its stop. */
  resume(): void {
    this.#child.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#gone;
  }

  /** @returns its exit code. */
  async end(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.tell("exit");
      await this.#gone;
    }
    return this.#child.exitCode;
  }
}

let made = 0;

/** A namespace of its own, and the programs in it. */
export class Stage {
  readonly namespace: string;
  readonly folder: string;
  readonly #actors: Actor[] = [];

  constructor() {
    made++;
    this.namespace = `test-faults-${process.pid}-${made}`;
    this.folder = `/dev/shm/manycore-${process.geteuid!()}/${this.namespace}`;
  }

  /** Starts a program; with a fault it dies when it comes there. */
  async actor(fault?: string, env: Readonly<Record<string, string>> = {}): Promise<Actor> {
    const actor = new Actor(this.namespace, {
      ...env,
      ...(fault === undefined ? {} : { MANYCORE_FAULT: fault }),
    });
    this.#actors.push(actor);
    await actor.answer();
    return actor;
  }

  /** Waits until so many threads are noted as sleeping on a lock. */
  async untilWaiting(name: string, count: number): Promise<void> {
    await eventually(`${count} wait for ${name}`, () => {
      const objects = takeCensus(this.namespace)?.objects ?? [];
      return objects.some((object) => object.name === name && object.waiters.length === count);
    });
  }

  /** Waits until somebody has asked to be handed a lock. */
  async untilStarving(name: string): Promise<void> {
    await eventually(`somebody starves for ${name}`, () => {
      const object = takeCensus(this.namespace)?.objects.find((one) => one.name === name);
      if (object === undefined) return false;
      return (Atomics.load(object.place.ints, object.place.base + CELL.state) & STARVING) !== 0;
    });
  }

  /**
   * Ends everybody, lets one more come and go, and gives the names of the files that are left.
   * Nothing but the arena should be.
   */
  async leftovers(): Promise<string[]> {
    for (const actor of this.#actors) await actor.end();
    const last = await this.actor();
    await last.ask("open last");
    await last.end();
    return readdirSync(this.folder);
  }

  async remove(): Promise<void> {
    for (const actor of this.#actors) await actor.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
