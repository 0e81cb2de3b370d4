import { fileURLToPath } from "node:url";

/**
 * The folder of this package, as frames of its modules name it: by a path in CommonJS, else by a URL. This module lies one
 * folder below.
 */
const ROOT = new URL("..", import.meta.url);
const ROOTS = [ROOT.href, fileURLToPath(ROOT)];

/** True when a path or URL is that of a file of this package. */
export function isOwnFile(name: string): boolean {
  return ROOTS.some((root) => name.startsWith(root));
}

/**
 * A stack without the frames at its bottom that are this package's, or Node's below or between them: how a worker came
 * to call a function says nothing to whoever wrote the function. One that has no other frames stays as it is.
 */
export function withoutOwnFrames(stack: string): string {
  const lines = stack.trimEnd().split("\n");
  let end = lines.length;
  while (end > 0 && isOwn(lines[end - 1] as string)) end--;
  return end > 0 && isFrame(lines[end - 1] as string) ? lines.slice(0, end).join("\n") : stack;
}

function isFrame(line: string): boolean {
  return /^\s+at /.test(line);
}

function isOwn(line: string): boolean {
  return isFrame(line) && (ROOTS.some((root) => line.includes(root)) || /[( ]node:/.test(line));
}
