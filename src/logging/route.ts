import { openSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { threadId } from "node:worker_threads";
import { currentProcess } from "../process/index.ts";
import { currentThread } from "../thread/index.ts";
import { globalSlot } from "../util/global-slot.ts";
import { LineSender, writeFully } from "./line-sender.ts";
import { readTarget, writeTarget, type LogTarget } from "./settings.ts";
import { Date } from "../util/platform.ts";

/** The way that the lines of this thread take at present. */
interface Route {
  write: ((line: Uint8Array) => void) | undefined;
  /** Ends what `write` uses. */
  close: (() => void) | undefined;
}

const route: Route = globalSlot("log-route", () => ({ write: undefined, close: undefined }));

const STDERR = 2;
const encoder = new TextEncoder();

/** Writes one line, which ends with a newline, to wherever the lines of this thread go. */
export function writeLine(line: string): void {
  route.write ??= openTarget(readTarget());
  route.write(encoder.encode(line));
}

/** Sends the lines of this thread, and of what is started from now on, elsewhere. */
export function setTarget(target: LogTarget): void {
  route.close?.();
  route.close = undefined;
  route.write = target.kind === "stderr" ? writeToStderr : undefined;
  writeTarget(target);
}

/** Sends the lines of this thread to a function, and those of what is started from now on to `inherited`. */
export function setLocalTarget(write: (line: Uint8Array) => void, inherited: LogTarget): void {
  route.close?.();
  route.close = undefined;
  route.write = write;
  writeTarget(inherited);
}

function openTarget(target: LogTarget): (line: Uint8Array) => void {
  switch (target.kind) {
    case "stderr":
      return writeToStderr;
    case "folder":
      return openOwnFile(target.path);
    case "socket":
      return openSocket(target.path);
  }
}

export function writeToStderr(line: Uint8Array): void {
  writeFully(STDERR, line);
}

/** A file for this thread alone: `Process-1.4711.log`, `Process-1.4711.3.log`. */
function openOwnFile(folder: string): (line: Uint8Array) => void {
  mkdirSync(folder, { recursive: true });
  const thread = threadId === 0 ? "" : `.${threadId}`;
  const name = currentProcess().name.replaceAll(/[^\w.-]/g, "_");
  const fd = openSync(join(folder, `${name}.${process.pid}${thread}.log`), "a", 0o600);
  return (line) => writeFully(fd, line);
}

function openSocket(path: string): (line: Uint8Array) => void {
  let sender: LineSender;
  try {
    sender = new LineSender(path, fallBack);
  } catch (error) {
    tell(
      `the log collector at ${path} cannot be reached (${(error as Error).message}); records go to standard error`,
    );
    return writeToStderr;
  }
  route.close = () => sender.close();
  return (line) => sender.send(line);
}

/** The collector has ended: what it did not get, and all that follows, goes to standard error. */
function fallBack(pending: readonly Uint8Array[]): void {
  route.write = writeToStderr;
  route.close = undefined;
  for (const line of pending) writeToStderr(line);
}

/** Writes a record of this package itself to standard error. */
export function tell(text: string): void {
  const line = JSON.stringify({
    level: 40,
    time: Date.now(),
    pid: process.pid,
    process: currentProcess().name,
    thread: currentThread().name,
    name: "manycore",
    msg: text,
  });
  writeToStderr(encoder.encode(`${line}\n`));
}
