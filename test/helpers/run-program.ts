import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describeProcess, processesOf } from "./processes.ts";

/** How to start a program of a test. */
export interface ProgramOptions {
  /** Program that runs `file`; default the Node that runs the tests. */
  readonly node?: string;
  /** Options of that program, before `file`. */
  readonly execArgv?: readonly string[];
  readonly cwd?: string;
  /** Added to this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to its stdin, which is then closed. Default: closed at once. */
  readonly input?: string;
  /** Bound against hangs; the program and all it started are killed then. Default 30 s. */
  readonly timeoutMs?: number;
}

/** A program that ended. */
export interface ProgramResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly ms: number;
}

/** A program that runs: its process, and how it ends. */
export interface Program {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it wrote so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Its end; rejects when it takes longer than `timeoutMs`. */
  readonly ended: Promise<ProgramResult>;
}

const TIMEOUT_MS = 30_000;

/** What a child wrote so far, per stream, and who waits for more of it. */
class Output {
  text = { stdout: "", stderr: "" };
  closed = false;
  readonly #listeners = new Set<() => void>();

  constructor(child: ChildProcess) {
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.setEncoding("utf8").on("data", (chunk: string) => {
        this.text[stream] += chunk;
        this.#notify();
      });
    }
    child.once("close", () => {
      this.closed = true;
      this.#notify();
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

const outputs = new WeakMap<ChildProcess, Output>();

/** The collector of a child; a child that was not started here is listened to from now on. */
function outputOf(child: ChildProcess): Output {
  let output = outputs.get(child);
  if (output === undefined) {
    output = new Output(child);
    outputs.set(child, output);
  }
  return output;
}

/** Starts a Node program and collects what it writes. */
export function startProgram(
  file: string | URL,
  args: readonly string[] = [],
  options: ProgramOptions = {},
): Program {
  const path = typeof file === "string" && !file.startsWith("file:") ? file : fileURLToPath(file);
  const begun = performance.now();
  const child = spawn(
    options.node ?? process.execPath,
    [...(options.execArgv ?? []), path, ...args],
    {
      cwd: options.cwd,
      env: environment(options.env),
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
  const output = outputOf(child);
  // It may end without reading its input; that is the program's right.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const ended = untilEnd(child, path, options.timeoutMs ?? TIMEOUT_MS, begun);
  // Tests that only look at the running program do not wait for its end.
  ended.catch(() => {});
  return {
    child,
    get pid(): number {
      if (child.pid === undefined) throw new Error(`${path} could not be started`);
      return child.pid;
    },
    get stdout(): string {
      return output.text.stdout;
    },
    get stderr(): string {
      return output.text.stderr;
    },
    ended,
  };
}

/**
 * Runs a Node program to its end, that is until it ended *and* everybody closed its output.
 * @throws Error with all output when that takes longer than `timeoutMs`.
 */
export function runProgram(
  file: string | URL,
  args: readonly string[] = [],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return startProgram(file, args, options).ended;
}

/**
 * Waits for a line that matches, among those already written as well, and gives the match.
 * @throws Error with all output when the program ends before, or `boundMs` pass.
 */
export function untilLine(
  program: Program | ChildProcess,
  pattern: RegExp,
  options: { readonly stream?: "stdout" | "stderr"; readonly boundMs?: number } = {},
): Promise<RegExpExecArray> {
  const child = "child" in program ? program.child : program;
  const output = outputOf(child);
  const stream = options.stream ?? "stdout";
  const boundMs = options.boundMs ?? TIMEOUT_MS;
  // A pattern with the flags g or y remembers where it stopped.
  const fresh = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
  return new Promise((resolve, reject) => {
    const end = (error: Error | undefined, match?: RegExpExecArray): void => {
      clearTimeout(timer);
      stop();
      if (match !== undefined) resolve(match);
      else reject(error);
    };
    const look = (): void => {
      const lines = output.text[stream].split("\n");
      // The last piece is a line only when nothing more can come.
      const rest = lines.pop();
      if (output.closed && rest !== undefined) lines.push(rest);
      for (const line of lines) {
        const match = fresh.exec(line);
        if (match !== null) return end(undefined, match);
      }
      if (output.closed) end(failure(`the program ended without a line ${pattern}`, output));
    };
    const timer = setTimeout(() => {
      end(failure(`no line ${pattern} within ${boundMs} ms`, output));
    }, boundMs);
    const stop = output.onChange(look);
    look();
  });
}

function untilEnd(
  child: ChildProcess,
  path: string,
  timeoutMs: number,
  begun: number,
): Promise<ProgramResult> {
  const output = outputOf(child);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const below = child.pid === undefined ? [] : processesOf(child.pid);
      const runs = child.exitCode === null && child.signalCode === null;
      const state = runs ? "still runs" : "ended, but its output is still held open";
      const others = below.map((row) => `\n  ${describeProcess(row.pid)}`).join("");
      child.kill("SIGKILL");
      for (const row of below) killQuietly(row.pid);
      child.stdout?.destroy();
      child.stderr?.destroy();
      reject(
        failure(`${path} ${state} after ${timeoutMs} ms; below it:${others || " nothing"}`, output),
      );
    }, timeoutMs);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ ...output.text, code, signal, ms: performance.now() - begun });
    });
  });
}

function environment(changes: ProgramOptions["env"] = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...changes };
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete env[name];
  return env;
}

function failure(message: string, output: Output): Error {
  return new Error(
    `${message}\n--- stdout\n${output.text.stdout}\n--- stderr\n${output.text.stderr}`,
  );
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // Gone in the meantime, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
