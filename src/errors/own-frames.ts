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
 * to call a function says nothing to whoever wrote the function. One that has none but Node's stays as it is.
 */
export function withoutOwnFrames(stack: string): string {
  const lines = stack.trimEnd().split("\n");
  let end = lines.length;
  while (end > 0 && isOwn(lines[end - 1] as string)) end--;
  const isNodes = !lines.slice(end).some(isOurs);
  const isLeft = end > 0 && (isFrame(lines[end - 1] as string) || !isNodes);
  return isLeft ? lines.slice(0, end).join("\n") : stack;
}

function isFrame(line: string): boolean {
  return /^\s+at /.test(line);
}

function isOurs(line: string): boolean {
  return ROOTS.some((root) => line.includes(root));
}

function isOwn(line: string): boolean {
  return isFrame(line) && (isOurs(line) || /[( ]node:/.test(line));
}

/** Frames that are read beyond the usual number, as those of this package at the top are left out again. */
const MORE_FRAMES = 8;

/**
 * Has the next error take more frames than are shown. Right before it is made, and followed by
 * {@link trimStack}.
 */
export function takeMoreFrames<T>(passed: T): T {
  const { stackTraceLimit: limit } = Error;
  shownFrames = limit;
  if (limit > 0) Reflect.set(Error, "stackTraceLimit", limit + MORE_FRAMES);
  return passed;
}

/**
 * Has the stack of a new error begin with the caller of this package: of the frames at its top that are this
 * package's, or Node's between them, the last one stays, which is the public function that was called.
 */
export function trimStack(error: Error): void {
  Reflect.set(Error, "stackTraceLimit", shownFrames);
  if (!(shownFrames > 0)) return;
  const { stack } = error;
  if (typeof stack === "string") setStack(error, withoutTopFrames(stack, shownFrames));
}

let shownFrames = 0;

/** Makes an error without a stack of its own, which costs much less: it is given one by {@link setStack}. */
export function withoutStack<E extends Error>(make: () => E): E {
  const { stackTraceLimit } = Error;
  try {
    Reflect.set(Error, "stackTraceLimit", 0);
    return make();
  } finally {
    Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
  }
}

/**
 * Moves the stack of an error that was made elsewhere, in a callback of Node's, to the call that fails with it.
 *
 * @param below - the public function that is about to throw it; async functions call this after their wait.
 */
export function moveToCaller<E extends Error>(error: E, below: Function): E {
  if (Object.isExtensible(error)) Error.captureStackTrace(error, below);
  return error;
}

/** Replaces the stack; it stays what it is for everybody else: no member that is enumerated. */
export function setStack(error: Error, value: string): void {
  // Frozen errors stay as they are.
  Reflect.defineProperty(error, "stack", {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

/** Frames without those at their top that are this package's, but for the last of them. */
export function withoutTopFrames(stack: string, limit: number): string {
  const lines = stack.split("\n");
  const first = lines.findIndex(isFrame);
  if (first === -1) return stack;
  let user = first;
  while (user < lines.length && isPassedThrough(lines[user] as string)) user++;
  // Nothing else is left: better all of them than none.
  if (user === lines.length) user = first;
  let top = user;
  while (top > first && !isOurs(lines[top - 1] as string)) top--;
  const kept = lines.slice(Math.max(first, top - 1), user).slice(0, 1);
  return [...lines.slice(0, first), ...kept, ...lines.slice(user)]
    .slice(0, first + limit)
    .join("\n");
}

/** This package's, Node's, or the engine's own: `at new Promise (<anonymous>)`. */
function isPassedThrough(line: string): boolean {
  return isOwn(line) || /\((?:<anonymous>|index \d+)\)$/.test(line);
}
