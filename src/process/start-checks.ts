import { statSync } from "node:fs";
import type { ResourceLimits } from "node:worker_threads";
import { badArgument, outOfRange, wrongType } from "../util/argument-error.ts";
import { type Check, object, text } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";

/** An environment: texts, and what Node makes texts of without loss. */
export const checkEnv: Check = (env, name) => {
  object(env, name);
  for (const [key, value] of Object.entries(env as Record<string, unknown>)) {
    const isPlain = ["string", "number", "boolean", "undefined"].includes(typeof value);
    if (!isPlain) throw wrongType(`${name}.${key}`, "a string", value);
    if (key.includes("\0") || (typeof value === "string" && value.includes("\0"))) {
      throw badArgument(`Expected \`${name}.${key}\` to be without a NUL character`);
    }
  }
};

/** Node's options. */
export const checkExecArgv: Check = (value, name) => {
  const expected = 'an array of strings, such as ["--max-old-space-size=4096"]';
  if (!Array.isArray(value)) throw wrongType(name, expected, value);
  for (const [at, option] of value.entries()) {
    text(option, `${name}[${at}]`);
    if ((option as string).includes("\0")) {
      throw badArgument(`Expected \`${name}[${at}]\` to be without a NUL character`);
    }
  }
};

/** A folder that is there. It can go before it is used; most often it was misspelt. */
export const checkFolder: Check = (value, name) => {
  text(value, name);
  const path = value as string;
  if (path.includes("\0")) {
    throw badArgument(`Expected \`${name}\` to be without a NUL character`);
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw outOfRange(name, "a folder", path, "no such folder");
  if (!found.isDirectory()) throw outOfRange(name, "a folder", path, "it is a file");
};

const mebibytes: Check = (value, name) => {
  const expected = "a number of MiB above 0";
  if (typeof value !== "number") throw wrongType(name, expected, value);
  if (!(value > 0 && value < Infinity)) throw outOfRange(name, expected, value);
};

const LIMITS: OptionTable<ResourceLimits> = {
  of: "resourceLimits",
  prefix: "resourceLimits.",
  checks: {
    maxYoungGenerationSizeMb: mebibytes,
    maxOldGenerationSizeMb: mebibytes,
    codeRangeSizeMb: mebibytes,
    stackSizeMb: mebibytes,
  },
};

/** V8's limits of a thread. */
export const checkResourceLimits: Check = (value, name) => {
  object(value, name);
  checkOptions(value, LIMITS);
};
