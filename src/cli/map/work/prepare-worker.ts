import { Console } from "node:console";
import { trapExit } from "../../command-process.ts";

let isRedirected = false;

/**
 * Makes a worker ready for the user's code: what that prints goes to standard error, since standard output
 * carries the results, and with the inline backend it cannot end the command.
 *
 * Called before the user's module is loaded.
 */
export function prepareWorker(): void {
  if (isRedirected) return;
  isRedirected = true;
  trapExit();
  const { stdout, stderr } = process;
  // With the inline backend this is the command itself, which writes results by their descriptor.
  const write = { value: stderr.write.bind(stderr), configurable: true, writable: true };
  Object.defineProperty(stdout, "write", write);
  globalThis.console = new Console(stderr, stderr);
}
