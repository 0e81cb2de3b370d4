import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";
import { deferred } from "../../dist/util/deferred.js";
import { takeCensus } from "../../dist/parking/index.js";
import { eventually } from "./processes.ts";

const PROGRAM = fileURLToPath(new URL("../fixtures/sync/remote.mjs", import.meta.url));

interface Reply {
  readonly id: number;
  readonly begun?: true;
  readonly value?: unknown;
  readonly error?: { readonly code?: string; readonly message: string };
}

interface Request {
  begin(): void;
  end(reply: Reply): void;
  lose(error: Error): void;
}

/** A call that another process makes. */
export interface Call<T> {
  /** It has begun, or is about to sleep. */
  readonly begun: Promise<void>;
  readonly value: Promise<T>;
}

const running = new Set<Remote>();

/** An unrelated program that uses named objects as it is told. Ends after the test. */
export class Remote {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #requests = new Map<number, Request>();
  #made = 0;

  private constructor(env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [PROGRAM], {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    // It may be killed before it reads what was written.
    this.#child.stdin.on("error", () => {});
    const lines = createInterface({ input: this.#child.stdout });
    lines.on("line", (line) => this.#onReply(JSON.parse(line) as Reply));
    this.#child.once("exit", () => {
      for (const request of this.#requests.values()) request.lose(new Error("it has ended"));
    });
    running.add(this);
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<Remote> {
    const remote = new Remote(env);
    await remote.#expect(0).value;
    return remote;
  }

  make(key: string, kind: string, ...args: unknown[]): Promise<unknown> {
    return this.#send({ operation: "make", key, kind, args }).value;
  }

  get<T>(key: string, name: string): Promise<T> {
    return this.#send<T>({ operation: "get", key, name }).value;
  }

  /** Calls a method and gives what it returns. */
  call<T = unknown>(key: string, name: string, ...args: unknown[]): Promise<T> {
    return this.start<T>(key, name, ...args).value;
  }

  /** Calls a method, for a wait that is to be met while it lasts. */
  start<T = unknown>(key: string, name: string, ...args: unknown[]): Call<T> {
    return this.#send<T>({ operation: "call", key, name, args });
  }

  /** Calls a method that returns a guard, which is known as `into` from then on. */
  guard(into: string, key: string, name: string, ...args: unknown[]): Call<{ abandoned: boolean }> {
    return this.#send({ operation: "call", key, name, args, into });
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    running.delete(this);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill(signal);
    await gone;
  }

  /** Stops it where it is. */
  stop(): void {
    this.#child.kill("SIGSTOP");
  }

  /** Lets it go on. */
  resume(): void {
    this.#child.kill("SIGCONT");
  }

  #send<T>(message: object): Call<T> {
    const id = ++this.#made;
    const call = this.#expect<T>(id);
    this.#child.stdin.write(`${JSON.stringify({ id, ...message })}\n`);
    return call;
  }

  #expect<T>(id: number): Call<T> {
    const begun = deferred<void>();
    const value = deferred<T>();
    // Both may be of no interest to a test.
    begun.promise.catch(() => {});
    value.promise.catch(() => {});
    this.#requests.set(id, {
      begin: begun.resolve,
      end: (reply) => {
        begun.resolve();
        if (reply.error === undefined) value.resolve(reply.value as T);
        else value.reject(Object.assign(new Error(reply.error.message), reply.error));
      },
      lose: (error) => {
        begun.reject(error);
        value.reject(error);
      },
    });
    return { begun: begun.promise, value: value.promise };
  }

  #onReply(reply: Reply): void {
    const request = this.#requests.get(reply.id);
    if (reply.begun === true) {
      request?.begin();
      return;
    }
    this.#requests.delete(reply.id);
    request?.end(reply);
  }
}

/** Ends every remote program after each test. Call it once in a test file. */
export function endingRemotes(): void {
  afterEach(async () => {
    await Promise.all([...running].map((remote) => remote.kill()));
  });
}

/** Waits until this many threads sleep on the object of that name. */
export async function untilWaiting(name: string, count: number): Promise<void> {
  await eventually(`${count} wait for ${name}`, () => {
    const census = takeCensus(process.env["MANYCORE_NAMESPACE"]!);
    const object = census?.objects.find((seen) => seen.name === name);
    return (object?.waiters.length ?? 0) === count;
  });
}
