import { performance } from "node:perf_hooks";
import { taskContext } from "../executor/index.ts";
import { importModule, resolveTask } from "../task/index.ts";
import { recordKey } from "./record-block.ts";
import type { RecordBlock } from "./record-block.ts";
import { successEnvelope, valueToJson } from "./record-line.ts";
import type { ErrorReport } from "./record-line.ts";
import { recordsOf } from "./records-of.ts";
import { userStack } from "./user-stack.ts";
import { printToStderr } from "./worker-output.ts";

/** What stays the same for all blocks of a run. */
export interface RunSpec {
  /** URL of the user's module. */
  readonly module: string;
  /** Name of the export. */
  readonly name: string;
  /** Whether each line is an envelope around the value, or the bare value. */
  readonly isEnvelope: boolean;
  /** Whether errors keep the frames of this package and of Node. */
  readonly hasFullStacks: boolean;
}

/** A record whose run failed. */
export interface RecordFailure {
  /** Which record of the block, from 0. */
  readonly at: number;
  readonly key: string;
  readonly error: ErrorReport;
  readonly ms: number;
  /** True when another attempt cannot end differently: the record itself is malformed. */
  readonly isFinal: boolean;
}

/** What a worker sends back for a block. */
export interface BlockResult {
  /** Finished lines; failure number `n` belongs between `parts[n]` and `parts[n + 1]`. */
  readonly parts: readonly Uint8Array[];
  readonly failures: readonly RecordFailure[];
  /** Milliseconds spent on the block. */
  readonly ms: number;
  /** CPU time this process has used since it began, in microseconds. */
  readonly cpuUs: number;
  readonly worker: number;
  readonly pid: number;
}

/** What {@link inspectTarget} found. */
export type TargetFinding =
  | { readonly kind: "found" }
  | { readonly kind: "missing"; readonly exports: readonly string[]; readonly isValue: boolean }
  | { readonly kind: "broken"; readonly error: ErrorReport };

/** Looks whether the module loads and has the function. Runs in a worker, so the command never loads user code itself. */
export async function inspectTarget(module: string, name: string): Promise<TargetFinding> {
  printToStderr();
  let loaded: Record<string, unknown>;
  try {
    loaded = await importModule(module);
  } catch (error) {
    return { kind: "broken", error: reportError(error, false) };
  }
  try {
    await resolveTask({ kind: "export", module, name });
    return { kind: "found" };
  } catch {
    // Why it cannot be resolved is told from the exports, in the command's own words.
    const inner = loaded["default"];
    const names = new Map<string, unknown>(Object.entries(loaded));
    if (typeof inner === "object" && inner !== null) {
      for (const [key, value] of Object.entries(inner)) names.set(key, value);
    }
    const functions = [...names].filter(([, value]) => typeof value === "function");
    return {
      kind: "missing",
      exports: functions.map(([key]) => key).filter((key) => key !== "module.exports"),
      isValue: names.has(name),
    };
  }
}

/**
 * Runs the user's function on each record of a block, one after the other. Runs in a worker.
 *
 * A record that fails does not touch its neighbours: it is told in `failures`.
 */
export async function runBlock(
  spec: RunSpec,
  block: RecordBlock,
  attempts: number,
): Promise<BlockResult> {
  printToStderr();
  const run = await resolveTask({ kind: "export", module: spec.module, name: spec.name });
  const worker = taskContext().worker.id;
  const started = performance.now();
  const parts: Uint8Array[] = [];
  const failures: RecordFailure[] = [];
  let lines = "";
  let at = -1;
  for (const { text, line } of recordsOf(block)) {
    at += 1;
    const begun = performance.now();
    let isParsed = block.format !== "jsonl";
    try {
      const input: unknown = isParsed ? text : JSON.parse(text);
      isParsed = true;
      const returned: unknown = run(input);
      // Awaiting a plain value would cost a turn of the microtask queue for each record.
      const json = valueToJson(isThenable(returned) ? await returned : returned);
      if (spec.isEnvelope) {
        const facts = { attempts, ms: performance.now() - begun, worker, pid: process.pid };
        const key = recordKey(block.format, block.source, line, text);
        lines += successEnvelope(block.first + at, key, json, facts);
      } else {
        lines += `${json}\n`;
      }
    } catch (error) {
      parts.push(Buffer.from(lines));
      lines = "";
      failures.push({
        at,
        key: recordKey(block.format, block.source, line, text),
        error: isParsed ? reportError(error, spec.hasFullStacks) : reportMalformed(error),
        ms: performance.now() - begun,
        isFinal: !isParsed,
      });
    }
  }
  parts.push(Buffer.from(lines));
  const { user, system } = process.cpuUsage();
  const ms = performance.now() - started;
  return { parts, failures, ms, cpuUs: user + system, worker, pid: process.pid };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/** An error as text: it may be of any class, or no error at all. */
function reportError(error: unknown, hasFullStacks: boolean): ErrorReport {
  if (error instanceof Error || isErrorLike(error)) {
    const { name, message, stack } = error;
    const text = typeof stack === "string" ? stack : `${name}: ${message}`;
    return {
      name: String(name),
      message: String(message),
      stack: hasFullStacks ? text : userStack(text),
    };
  }
  const message =
    typeof error === "string" ? error : `threw ${JSON.stringify(error) ?? String(error)}`;
  return { name: "Error", message, stack: `Error: ${message}` };
}

/** The stack of a parse error shows our own code only, so it is left out. */
function reportMalformed(error: unknown): ErrorReport {
  const message = `not a JSON value: ${error instanceof Error ? error.message : String(error)}`;
  return { name: "SyntaxError", message, stack: `SyntaxError: ${message}` };
}

function isErrorLike(value: unknown): value is Error {
  return typeof value === "object" && value !== null && "message" in value && "name" in value;
}
