import { EXIT_CODE } from "./exit-code.ts";

/**
 * An end of the command that is told to the user as one message, without a stack.
 *
 * The message says what is wrong and what to do next; `exitCode` is what the command ends with.
 */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT_CODE.usage, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}
