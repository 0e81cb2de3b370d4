#!/usr/bin/env node
import { EXIT_CODE } from "./exit-code.ts";
import { runProgram } from "./program.ts";

function internalError(error: unknown): never {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`manycore: internal error, please report it: ${detail}\n`);
  process.exit(EXIT_CODE.internal);
}

// Nobody may read what is told here (`2> >(head -1)`): that is no failure of the run.
process.stderr.on("error", () => undefined);
process.on("uncaughtException", internalError);
// The command ends by `process.exit` below. An event loop that runs empty before is a wait that nothing ends,
// and must not look like success.
process.on("beforeExit", () => internalError(new Error("nothing is left to wait for")));
process.on("unhandledRejection", internalError);
// Everything is written by now; what is still open (a pipe that nobody ends) must not hold the exit.
void runProgram(process.argv.slice(2)).then((exitCode) => process.exit(exitCode), internalError);
