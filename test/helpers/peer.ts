import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterEach } from "vitest";
import type fs from "node:fs";
import type * as manycore from "manycore";

const PROGRAM = new URL("../fixtures/sync/peer.mjs", import.meta.url);

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly code?: string; readonly message: string };
}

interface Call {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** What a peer's functions are given: they cannot import. */
export type PeerTools = typeof manycore & { readonly fs: typeof fs };

/**
 * A function that a peer runs as it stands: it sees nothing but its arguments, and must not use what the test
 * runner rewrites (`import`, `using`). `state` is kept between calls.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- a peer keeps what it likes
export type PeerFunction<A extends unknown[], R> = (tools: PeerTools, state: any, ...args: A) => R;

const peers = new Set<Peer>();

/** Another process or thread that uses shared objects by name. */
export class Peer {
  readonly #target: ChildProcess | Worker;
  readonly #calls = new Map<number, Call>();
  #made = 0;

  private constructor(target: ChildProcess | Worker) {
    this.#target = target;
    target.on("message", (reply: Reply) => this.#onReply(reply));
    target.once("exit", () => {
      for (const call of this.#calls.values()) call.reject(new Error("The peer has ended"));
    });
    peers.add(this);
  }

  /** A process of its own. */
  static async process(env: Readonly<Record<string, string>> = {}): Promise<Peer> {
    const child = fork(fileURLToPath(PROGRAM), { env: { ...process.env, ...env }, execArgv: [] });
    return new Peer(child).#begun();
  }

  /** A thread of this process. */
  static async thread(env: Readonly<Record<string, string>> = {}): Promise<Peer> {
    return new Peer(new Worker(PROGRAM, { env: { ...process.env, ...env } })).#begun();
  }

  /** Runs a function there; rejects when it throws, or when the peer ends. */
  run<A extends unknown[], R>(task: PeerFunction<A, R>, ...args: A): Promise<Awaited<R>> {
    const id = ++this.#made;
    const outcome = this.#expect(id);
    const message = { id, source: task.toString(), args };
    if (this.#target instanceof Worker) this.#target.postMessage(message);
    else this.#target.send(message);
    return outcome as Promise<Awaited<R>>;
  }

  /** Ends it without asking. */
  async kill(): Promise<void> {
    peers.delete(this);
    if (this.#target instanceof Worker) {
      await this.#target.terminate();
      return;
    }
    if (this.#target.exitCode !== null || this.#target.signalCode !== null) return;
    const gone = once(this.#target, "exit");
    this.#target.kill("SIGKILL");
    await gone;
  }

  /** Sends a process a signal. */
  signal(signal: NodeJS.Signals): void {
    (this.#target as ChildProcess).kill(signal);
  }

  async #begun(): Promise<this> {
    await this.#expect(0);
    return this;
  }

  #expect(id: number): Promise<unknown> {
    const outcome = new Promise<unknown>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
    });
    // Of a peer that is killed on purpose, nobody asks.
    outcome.catch(() => {});
    return outcome;
  }

  #onReply({ id, value, error }: Reply): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error === undefined) call?.resolve(value);
    else call?.reject(Object.assign(new Error(error.message), error));
  }
}

/** Ends all peers after each test. Call it once in a test file. */
export function endPeers(): void {
  afterEach(async () => {
    await Promise.all([...peers].map((peer) => peer.kill()));
  });
}
