import { types } from "node:util";
import { TaskNotFoundError } from "../errors/index.ts";
import { resolveTask, taskName } from "../task/index.ts";
import { decodeValue, encodeValue } from "../wire/codec.ts";
import { maxValueBytes } from "../wire/limits.ts";
import { withOwnClasses } from "../wire/own-classes.ts";
import { decodeThrown, encodeThrown } from "../wire/error-codec.ts";
import type { Host } from "../wire/index.ts";
import { explainUnregistered } from "../wire/unregistered.ts";
import type { Work } from "./handle-options.ts";
import type { Job } from "./job.ts";
import { ChildMessage } from "./messages.ts";
import { restoreHandle } from "./restore.ts";
import { abortShutdown } from "./shutdown-signal.ts";

/** Differences between a process and a thread that runs one function. */
export interface RunnerParts {
  readonly kind: "process" | "thread";
  /** The class of the object when it is no subclass. */
  readonly base: Function;
  readonly name: string;
  readonly daemon: boolean;
  /** Ends this child after its `run()` has failed; the error has been sent. */
  fail(error: unknown): void;
}

/**
 * Runs one job in this child and sends back what becomes of it.
 *
 * While it runs the channel keeps the event loop open, so that `run()` may wait for nothing but the
 * shutdown signal. Afterwards the child ends as any Node program does, when its loop is empty.
 */
export function runChild(host: Host, parts: RunnerParts): void {
  const { channel } = host;
  process.on("uncaughtExceptionMonitor", (error) => {
    const thrown = encodeThrown(error, { destination: parts.kind, root: "error" });
    channel.send([ChildMessage.dying, thrown.bytes], thrown.attachments, thrown.transfer);
  });
  channel.onFrame = (frame, attachments) => {
    if (frame[0] === ChildMessage.interrupt) {
      abortShutdown(decodeThrown(frame[1] as Uint8Array, attachments));
    } else if (frame[0] === ChildMessage.run) {
      void execute(host, parts, frame, attachments);
    }
  };
  channel.send([ChildMessage.up]);
}

async function execute(
  host: Host,
  parts: RunnerParts,
  frame: unknown[],
  attachments: unknown[] | undefined,
): Promise<void> {
  const { channel } = host;
  const input: { args?: unknown; fields?: unknown } = {};
  try {
    const handle = await prepare(parts, frame, attachments, input);
    channel.send([ChildMessage.began]);
    const value = await handle.run();
    if (types.isGeneratorObject(value)) {
      throw new TypeError(
        "The function returned a generator, which cannot be run from another process or thread. Return an array, or use imap() of a pool.",
      );
    }
    const result = encodeValue(value, {
      destination: parts.kind,
      root: "result",
      maxBytes: maxValueBytes(parts.kind),
    });
    channel.send([ChildMessage.done, result.bytes], result.attachments, result.transfer);
    channel.unref();
  } catch (error) {
    explainUnregistered(error, { args: input.args, this: input.fields });
    const thrown = encodeThrown(error, { destination: parts.kind, root: "error" });
    channel.send([ChildMessage.failed, thrown.bytes], thrown.attachments, thrown.transfer);
    parts.fail(error);
  }
}

async function prepare(
  parts: RunnerParts,
  [, json, argBytes, fieldBytes, argAttachments]: unknown[],
  attachments: unknown[] = [],
  input: { args?: unknown; fields?: unknown } = {},
): Promise<{ run(): unknown }> {
  const job = JSON.parse(json as string) as Job;
  const split = argAttachments as number;
  // The modules first: a class that an argument is an instance of is registered by one of them.
  const target = job.target === undefined ? undefined : await resolveTask(job.target);
  const subclass = job.subclass === undefined ? parts.base : await resolveTask(job.subclass);
  const args = await withOwnClasses(
    () => decodeValue(argBytes as Uint8Array, attachments.slice(0, split)) as unknown[],
  );
  const fields =
    fieldBytes === null
      ? undefined
      : await withOwnClasses(
          () => decodeValue(fieldBytes as Uint8Array, attachments.slice(split)) as object,
        );
  input.args = args;
  input.fields = fields;
  const { name, daemon } = parts;
  const work: Work | undefined =
    target === undefined ? undefined : { target: target as Work["target"], args };
  const handle = restoreHandle(subclass, { name, daemon, work }, fields);
  if (handle !== undefined) return handle;
  throw new TaskNotFoundError(
    `${taskName(subclass)} extends neither Process nor Thread in the child. Export the class by its name from its module.`,
  );
}
