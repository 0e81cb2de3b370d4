import { InvalidStateError } from "../errors/index.ts";
import { oneOf } from "../util/checks.ts";

/** Variable with the target of records; inherited by the processes and threads started from now on. */
const TARGET_VARIABLE = "MANYCORE_LOG";
/** Variable with the level of loggers that have none of their own; inherited likewise. */
const LEVEL_VARIABLE = "MANYCORE_LOG_LEVEL";

/** Levels of loggers, as pino knows them. */
const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
const checkWord = oneOf(...LEVELS);
export type LogLevel = (typeof LEVELS)[number];

/** Target of the records of a thread. */
export type LogTarget =
  | { readonly kind: "stderr" }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "socket"; readonly path: string };

/** Reads the inherited target. */
export function readTarget(): LogTarget {
  const text = process.env[TARGET_VARIABLE] ?? "stderr";
  const colon = text.indexOf(":");
  const kind = colon < 0 ? text : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (kind === "stderr") return { kind };
  if (rest !== "" && (kind === "folder" || kind === "socket")) return { kind, path: rest };
  throw new InvalidStateError(
    `${TARGET_VARIABLE} is ${JSON.stringify(text)}: it is set by LogCollector and logToFiles, or to "stderr".`,
  );
}

/** Sets the target for what is started from now on. */
export function writeTarget(target: LogTarget | undefined): void {
  if (target === undefined || target.kind === "stderr") delete process.env[TARGET_VARIABLE];
  else process.env[TARGET_VARIABLE] = `${target.kind}:${target.path}`;
}

/** Reads the inherited level; default: info. */
export function readLevel(): LogLevel {
  const text = process.env[LEVEL_VARIABLE];
  return text === undefined ? "info" : checkLevel(text);
}

export function writeLevel(level: LogLevel): void {
  process.env[LEVEL_VARIABLE] = level;
}

/** @throws RangeError or TypeError for anything that is not a level. */
export function checkLevel(level: unknown, name = "level"): LogLevel {
  checkWord(level, name);
  return level as LogLevel;
}
