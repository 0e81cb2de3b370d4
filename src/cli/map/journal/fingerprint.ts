import { createHash } from "node:crypto";
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CliError } from "../../cli-error.ts";
import type { Inputs } from "../input/inputs.ts";
import type { MapOptions } from "../options.ts";
import type { FunctionName } from "../work/run-spec.ts";

/** Bytes of the head and of the tail of a file that tell it from others. */
const SAMPLE_BYTES = 64 * 1024;
/** Files up to this number are told one by one; of more there is one sum. */
const MAX_TOLD = 1000;

/** A run in few words: another run with the same would write the same. */
export interface Fingerprint {
  /** Each input file: its path and what tells its content. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Each module that is called: what tells its content. */
  readonly modules: Readonly<Record<string, string>>;
  /** Each option that has a say in what is written. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Takes the fingerprint of a run. @throws CliError when an input cannot be read. */
export function takeFingerprint(
  inputs: Inputs,
  options: MapOptions,
  functions: readonly (FunctionName | undefined)[],
): Fingerprint {
  const modules: Record<string, string> = {};
  for (const named of functions) {
    if (named !== undefined) modules[`${named.module}#${named.name}`] = moduleHash(named.module);
  }
  return { inputs: inputPrints(inputs), modules, options: tellingOptions(inputs, options) };
}

/**
 * Differences between two runs, in words; none when the one can go on where the other ended.
 *
 * @param mayRepair - the function may be another one: it was mended.
 */
export function differences(before: Fingerprint, now: Fingerprint, mayRepair: boolean): string[] {
  const found: string[] = [];
  for (const name of namesOf(before.inputs, now.inputs)) {
    if (before.inputs[name] === undefined) found.push(`the input ${name} is new`);
    else if (now.inputs[name] === undefined) found.push(`the input ${name} is not there any more`);
    else if (before.inputs[name] !== now.inputs[name]) found.push(`the input ${name} has changed`);
  }
  for (const name of namesOf(before.modules, now.modules)) {
    if (before.modules[name] === undefined || now.modules[name] === undefined) {
      found.push(`the function is another one (${name})`);
    } else if (!mayRepair && before.modules[name] !== now.modules[name]) {
      found.push(`the module of ${name} has changed`);
    }
  }
  for (const name of namesOf(before.options, now.options)) {
    const [old, current] = [before.options[name], now.options[name]].map((value) =>
      JSON.stringify(value ?? null),
    );
    if (old !== current) found.push(`${name} was ${old}, is ${current}`);
  }
  return found;
}

function namesOf(...records: readonly object[]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))];
}

function inputPrints({ paths, shape }: Inputs): Record<string, string> {
  const isContent = shape.format !== "files";
  const prints: Record<string, string> = {};
  const sum = createHash("sha256");
  for (const path of paths) {
    const [name, print] = [realPath(path), filePrint(path, isContent)];
    if (paths.length <= MAX_TOLD) prints[name] = print;
    else sum.update(`${name}\0${print}\0`);
  }
  if (paths.length > MAX_TOLD) prints[`list of ${paths.length} files`] = sum.digest("hex");
  return prints;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Size, time of the last change, and a hash of both ends: reading 100 GB to know them again is no choice. */
function filePrint(path: string, isContent: boolean): string {
  try {
    if (!isContent) {
      const stats = statSync(path, { throwIfNoEntry: false });
      // That it cannot be opened is what the function will tell of this record.
      if (stats === undefined) return "missing";
      const { size, mtimeMs } = stats;
      return `${size} bytes, changed ${mtimeMs}`;
    }
    const fd = openSync(path, "r");
    try {
      const { size, mtimeMs } = fstatSync(fd);
      const hash = createHash("sha256");
      const sample = Buffer.alloc(Math.min(SAMPLE_BYTES, size));
      for (const at of [0, size - sample.length]) {
        hash.update(sample.subarray(0, readSync(fd, sample, 0, sample.length, at)));
      }
      return `${size} bytes, changed ${mtimeMs}, ${hash.digest("hex").slice(0, 32)}`;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new CliError(`Cannot read ${path}: ${detail}`, undefined, { cause: error });
  }
}

function moduleHash(url: string): string {
  const text = url.startsWith("file:") ? readFileSync(fileURLToPath(url)) : url;
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** Options that have a say in the results; how many workers, how often to try and what to show have none. */
function tellingOptions(
  { paths, shape, hasHeader }: Inputs,
  options: MapOptions,
): Record<string, unknown> {
  const { columns, skip, limit, sample, seed, batch, args } = options;
  const { envelope, includeInput, key, tag, ordered } = options;
  const place = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(path);
  const order = createHash("sha256").update(paths.join("\0")).digest("hex").slice(0, 8);
  return {
    "the order of the inputs": order,
    "--format": shape.format,
    "--null": shape.separator === 0,
    "--delimiter": shape.delimiter,
    "--header": hasHeader,
    "--columns": columns,
    "--skip": skip,
    "--limit": limit === Infinity ? undefined : limit,
    "--sample": sample,
    "--seed": sample < 1 ? seed : undefined,
    "--batch": batch,
    "--arg": args,
    "--envelope": envelope,
    "--include-input": includeInput,
    "--key": key,
    "--tag": tag,
    "--keep-order": ordered,
    "--output": place(options.output),
    "--errors": place(options.errors),
    "--joblog": place(options.joblog),
  };
}
