import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  runProgram,
  untilLine,
  type ProgramOptions,
  type ProgramResult,
} from "../helpers/run-program.ts";

const PROGRAM = fileURLToPath(new URL("../fixtures/shared/program.mjs", import.meta.url));

/** Runs a text in an unrelated program, to its end; gives what it said. */
export async function inProgram(text: string, options: ProgramOptions = {}): Promise<unknown[]> {
  return linesOf(await runProgram(PROGRAM, [text], options));
}

function linesOf({ stdout, stderr, code, signal }: ProgramResult): unknown[] {
  if (code !== 0) throw new Error(`ended with ${code ?? signal}\n${stdout}\n${stderr}`);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as unknown);
}

/** An unrelated program that goes on until it is told a line. */
export interface Talker {
  readonly child: ChildProcess;
  /** Waits for a line it says. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  tell(line: string): void;
  kill(): Promise<void>;
  ended(): Promise<void>;
}

export function talkTo(text: string): Talker {
  const child = spawn(process.execPath, [PROGRAM, text], { stdio: ["pipe", "pipe", "inherit"] });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    child,
    until: (pattern) => untilLine(child, pattern),
    tell: (line) => void child.stdin.write(`${line}\n`),
    kill: async () => {
      child.kill("SIGKILL");
      await gone;
    },
    ended: () => gone,
  };
}
