import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { runProgram, startProgram } from "../helpers/run-program.ts";
import type { Program, ProgramOptions, ProgramResult } from "../helpers/run-program.ts";

/** What is built to be measured, module by module, or what users have, which needs half the time. */
const built =
  process.env["NODE_V8_COVERAGE"] === undefined ? "lib/cli/main.cjs" : "dist/cli/main.js";

/** The built command. */
export const MAIN: string = fileURLToPath(new URL(`../../${built}`, import.meta.url));

/** The folder of the functions that the tests run. */
export const FIXTURES: string = fileURLToPath(new URL("../fixtures/cli/", import.meta.url));

/** Runs the built command in the folder of fixtures, to its end. */
export function manycore(
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return runProgram(MAIN, args, { cwd: FIXTURES, ...options });
}

/** Starts the built command. */
export function startManycore(args: readonly string[], options: ProgramOptions = {}): Program {
  return startProgram(MAIN, args, { cwd: FIXTURES, ...options });
}

/** Starts the built command with a standard input that stays open, and outputs that nobody reads yet. */
export function openManycore(
  args: readonly string[],
): ChildProcessByStdio<Writable, Readable, Readable> {
  return spawn(process.execPath, [MAIN, ...args], {
    cwd: FIXTURES,
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** The lines of an output, parsed. */
export function jsonLines(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

/** A folder for one test file's outputs. */
export function scratchFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "manycore-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A record that stands before the gate; it runs on when it is let in. */
export interface Guest {
  readonly record: unknown;
  /** The process that runs it. */
  readonly pid: number;
  letIn(): void;
}

/** Where `gated` of the fixtures asks before it returns, so that a test decides which record ends when. */
export class Gate {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #guests: Guest[] = [];
  readonly #waiting: ((guest: Guest) => void)[] = [];
  #isOpen = false;

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer((socket) => this.#arrive(socket));
  }

  static async listen(folder: string): Promise<Gate> {
    const gate = new Gate(join(folder, `gate-${Math.random().toString(36).slice(2)}`));
    await new Promise<void>((resolve) => gate.#server.listen(gate.path, resolve));
    return gate;
  }

  /** The environment that tells the fixtures about this gate. */
  get env(): Record<string, string> {
    return { MANYCORE_TEST_GATE: this.path };
  }

  /**
   * The next record that arrives.
   *
   * @throws Error when the command ends before one does.
   */
  next(run: Program): Promise<Guest> {
    const guest = this.#guests.shift();
    if (guest !== undefined) return Promise.resolve(guest);
    const arrival = new Promise<Guest>((resolve) => this.#waiting.push(resolve));
    const end = run.ended.then(({ code, stderr }): never => {
      throw new Error(`the command ended with ${code} before a record arrived: ${stderr}`);
    });
    return Promise.race([arrival, end]);
  }

  /** Lets in everybody from now on. */
  open(): void {
    this.#isOpen = true;
    for (const guest of this.#guests.splice(0)) guest.letIn();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #arrive(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    // A worker that is killed resets its connection; that is what some tests are about.
    socket.on("error", () => undefined);
    socket.setEncoding("utf8").once("data", (line: string) => {
      const { record, pid } = JSON.parse(line) as { record: unknown; pid: number };
      const guest = { record, pid, letIn: (): unknown => socket.write("in") };
      if (this.#isOpen) {
        guest.letIn();
        return;
      }
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#guests.push(guest);
      else waiting(guest);
    });
  }
}
