import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { untilLine } from "../helpers/leaks.ts";

const PROGRAM = fileURLToPath(new URL("../fixtures/stress/torture.mjs", import.meta.url));

/** What a run is like. */
export interface Torture {
  readonly seed: number;
  readonly processes: number;
  readonly locks: number;
  /** How many are killed, one after the other; without, it runs for `ms`. */
  readonly kills?: number;
  readonly ms?: number;
  /** Processes terminate their threads, too. */
  readonly terminates?: boolean;
  readonly sliceMs?: number;
  /** Programs to run it with, in turn; default: this Node. */
  readonly nodes?: readonly string[];
  readonly isPinned?: boolean;
  /** They pause now and then, so that the machine has time for other tests. */
  readonly isCalm?: boolean;
}

/** What came of it. */
export interface Outcome {
  readonly violations: number;
  readonly operations: number;
  readonly abandoned: number;
  readonly longestWaitMs: number;
  readonly givenUp: number;
  /** Files of the namespace after everybody has left. */
  readonly files: readonly string[];
}

let runs = 0;

/** Lets processes and threads fight for locks, kills some of them, and counts what went wrong. */
export async function runTorture(torture: Torture): Promise<Outcome> {
  const stage = new Arena(torture);
  try {
    await stage.start();
    if (torture.kills !== undefined) await stage.kill(torture.kills);
    else await delay(torture.ms ?? 1000);
    return await stage.stop();
  } finally {
    await stage.remove();
  }
}

class Arena {
  readonly #torture: Torture;
  readonly #namespace: string;
  readonly #folder: string;
  readonly #temporary = mkdtempSync(join(tmpdir(), "torture-"));
  readonly #file: string;
  /** Those that are ready. */
  readonly #children = new Set<ChildProcess>();
  /** All that run. */
  readonly #all = new Set<ChildProcess>();
  #seed: number;
  #started = 0;

  constructor(torture: Torture) {
    runs++;
    this.#torture = torture;
    this.#seed = torture.seed;
    this.#namespace = `test-torture-${process.pid}-${runs}`;
    this.#folder = `/dev/shm/manycore-${process.geteuid!()}/${this.#namespace}`;
    this.#file = join(this.#temporary, "words");
    const fd = openSync(this.#file, "w");
    ftruncateSync(fd, 4096);
    closeSync(fd);
  }

  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#torture.processes }, () => this.#spawn()));
  }

  /** Each of the processes is killed and replaced over and over, independently of the others. */
  async kill(kills: number): Promise<void> {
    let left = kills;
    const killOneByOne = async (): Promise<void> => {
      while (left-- > 0) {
        const children = [...this.#children];
        const victim = children[this.#random(children.length)];
        if (victim === undefined) continue;
        this.#children.delete(victim);
        await delay(this.#random(30));
        const gone = once(victim, "exit");
        victim.kill("SIGKILL");
        await gone;
        await this.#spawn();
      }
    };
    await Promise.all(Array.from({ length: this.#torture.processes - 1 }, killOneByOne));
  }

  async stop(): Promise<Outcome> {
    const fd = openSync(this.#file, "r+");
    writeSync(fd, new Int32Array([1]), 0, 4, 0);
    await Promise.all(
      [...this.#children].map(async (child) => {
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
        if (child.exitCode !== 0) throw new Error(`A process ended with ${child.exitCode}`);
      }),
    );
    const words = new Int32Array(16);
    readSync(fd, words, 0, 64, 0);
    closeSync(fd);
    return {
      violations: words[1]!,
      operations: words[2]!,
      abandoned: words[3]!,
      longestWaitMs: words[4]!,
      givenUp: words[5]!,
      files: readdirSync(this.#folder),
    };
  }

  async remove(): Promise<void> {
    for (const child of this.#all) {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
    rmSync(this.#temporary, { recursive: true, force: true });
  }

  async #spawn(): Promise<void> {
    const {
      nodes = [process.execPath],
      isPinned,
      sliceMs,
      locks,
      isCalm,
      terminates = false,
    } = this.#torture;
    const node = nodes[this.#started++ % nodes.length]!;
    const settings = { file: this.#file, locks, terminates, isCalm, seed: this.#random(2 ** 30) };
    const command = [node, PROGRAM, JSON.stringify(settings)];
    if (isPinned === true) command.unshift("taskset", "-c", "0");
    const child = spawn(command[0]!, command.slice(1), {
      env: {
        ...process.env,
        MANYCORE_NAMESPACE: this.#namespace,
        ...(sliceMs === undefined ? {} : { MANYCORE_SLICE_MS: String(sliceMs) }),
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#all.add(child);
    child.once("exit", () => this.#all.delete(child));
    await untilLine(child, /^ready$/);
    this.#children.add(child);
  }

  #random(below: number): number {
    let state = this.#seed;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#seed = state;
    return (state >>> 0) % below;
  }
}
