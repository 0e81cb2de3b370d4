import { Console } from "node:console";

let isRedirected = false;

/**
 * Sends what the user's function prints to standard error.
 *
 * Standard output carries the results; a stray `console.log` in a worker would break its lines.
 * Called in the worker, before the user's module is loaded.
 */
export function printToStderr(): void {
  if (isRedirected) return;
  isRedirected = true;
  const { stdout, stderr } = process;
  // With the inline backend this is the command itself, which writes results by their descriptor.
  const write = { value: stderr.write.bind(stderr), configurable: true, writable: true };
  Object.defineProperty(stdout, "write", write);
  globalThis.console = new Console(stderr, stderr);
}
