import { createRequire } from "node:module";
import type { Logger, pino } from "pino";
import { currentProcess } from "../process/index.ts";
import { currentThread } from "../thread/index.ts";
import { outOfRange } from "../util/argument-error.ts";
import { text } from "../util/checks.ts";
import { Date } from "../util/platform.ts";
import { globalSlot } from "../util/global-slot.ts";
import { setTarget, writeLine } from "./route.ts";
import { checkLevel, readLevel, writeLevel, type LogLevel } from "./settings.ts";

interface Loggers {
  root: Logger | undefined;
  readonly named: Map<string, Logger>;
}

const loggers: Loggers = globalSlot("loggers", () => ({ root: undefined, named: new Map() }));

/**
 * Gives the logger of a name: pino's, with `process`, `thread` and `pid` in each record.
 *
 * Its records go to standard error, one JSON object a line, until a {@link LogCollector},
 * {@link logToFiles} or {@link logToStderr} of this process, or of the one that started it, says otherwise.
 * A line is one write, and has left this process when the call returns. A logger whose level was never
 * set has that of {@link setLogLevel}, which children inherit.
 *
 * @param name - the field `name` of its records; without one, the logger above all others.
 * @returns the same logger each time.
 * @since 0.2.0
 */
export function getLogger(name?: string): Logger {
  if (name !== undefined) text(name, "name");
  loggers.root ??= makeRoot();
  if (name === undefined) return loggers.root;
  let logger = loggers.named.get(name);
  if (logger === undefined) {
    logger = loggers.root.child({ name });
    loggers.named.set(name, logger);
  }
  return logger;
}

/**
 * Sets the level of every logger that has none of its own, here and in what is started from now on.
 * @since 0.2.0
 */
export function setLogLevel(level: LogLevel): void {
  checkLevel(level);
  const former = readLevel();
  writeLevel(level);
  for (const logger of [loggers.root, ...loggers.named.values()]) {
    if (logger?.level === former) logger.level = level;
  }
}

/**
 * Sends the records of this thread, and of what is started from now on, to standard error.
 *
 * @param level - as for {@link setLogLevel}.
 * @returns the logger above all others.
 * @since 0.2.0
 */
export function logToStderr(level?: LogLevel): Logger {
  if (level !== undefined) setLogLevel(level);
  setTarget({ kind: "stderr" });
  return getLogger();
}

/**
 * Gives every process and thread that is started from now on, and this one, a log file of its own.
 *
 * @param folder - made when it is missing. A file is called `<process>.<pid>.log`, or
 * `<process>.<pid>.<thread>.log` for other threads than the main one, and is appended to.
 * @param level - as for {@link setLogLevel}.
 * @since 0.2.0
 */
export function logToFiles(folder: string, level?: LogLevel): Logger {
  text(folder, "folder");
  if (folder === "" || folder.includes("\0")) throw outOfRange("folder", "a path", folder);
  if (level !== undefined) setLogLevel(level);
  setTarget({ kind: "folder", path: folder });
  return getLogger();
}

function makeRoot(): Logger {
  // Loaded with the first logger: programs that log nothing need not wait for it.
  const make = createRequire(import.meta.url)("pino") as typeof pino;
  return make(
    {
      level: readLevel(),
      base: { pid: process.pid, process: currentProcess().name, thread: currentThread().name },
      // Pino's own clock is the global Date, which tests replace.
      timestamp: () => `,"time":${Date.now()}`,
    },
    { write: writeLine },
  );
}
