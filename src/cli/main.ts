#!/usr/bin/env node
import { beginCommand, endCommand } from "./command-process.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { runProgram } from "./program.ts";

function strayError(error: unknown, isOfFunction: boolean): never {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const what = isOfFunction
    ? "the function left an error behind that nobody caught"
    : "internal error, please report it";
  process.stderr.write(`manycore: ${what}: ${detail}\n`);
  return endCommand(isOfFunction ? EXIT_CODE.someFailed : EXIT_CODE.internal);
}

// Nobody may read what is told here (`2> >(head -1)`): that is no failure of the run.
process.stderr.on("error", () => undefined);
beginCommand(strayError);
// The command ends by `endCommand` below. An event loop that runs empty before is a wait that nothing ends,
// and must not look like success.
process.on("beforeExit", () => strayError(new Error("nothing is left to wait for"), false));
// Everything is written by now; what is still open (a pipe that nobody ends) must not hold the exit.
void runProgram(process.argv.slice(2)).then(endCommand, (error: unknown) =>
  strayError(error, false),
);
