import { MessageKind } from "./protocol.ts";
import { type Encoded, encodeValue } from "../wire/codec.ts";
import type { PeerKind } from "../wire/index.ts";
import { maxValueBytes } from "../wire/limits.ts";
import { loseMoves } from "../wire/moves.ts";
import type { CheckedOptions } from "./options.ts";
import { destinationOf } from "./prepare.ts";
import { FunctionRecord } from "./task-entry.ts";
import type { WorkerSettings } from "./worker/worker-settings.ts";
import type { WorkerLink } from "./worker-link.ts";
import type { LinkOwner } from "./worker-messages.ts";

/** Settings of worker number `id`. */
export function workerSettings(options: CheckedOptions, id: number): WorkerSettings {
  return {
    id,
    name: `${options.name}-${id}`,
    concurrency: options.concurrency,
    hasHooks: options.initializer !== undefined || options.finalizer !== undefined,
    reportMemory: options.maxMemoryPerWorker !== Infinity,
  };
}

/** The arguments of the initializer for one worker; undefined when there is none. */
export type HookArgs = Encoded | undefined;

/**
 * Writes the arguments of the initializer for one more worker, before that is started.
 *
 * @throws SerializationError naming the argument that cannot travel, or cannot be given to several workers.
 */
export function encodeHookArgs(options: CheckedOptions, kind: PeerKind): HookArgs {
  if (options.initializer === undefined) return undefined;
  const destination = destinationOf(kind);
  return encodeValue(options.initializerArgs, {
    destination,
    root: "initializerArgs",
    maxBytes: maxValueBytes(destination),
    isForSeveral:
      options.maxWorkers === 1
        ? undefined
        : `it can be given away once, and this executor starts up to ${options.maxWorkers} workers; make one for each, or set \`maxWorkers: 1\``,
  });
}

/** Tells a worker where its initializer and finalizer are; finding that out may take a moment. */
export async function sendHooks(
  link: WorkerLink,
  options: CheckedOptions,
  args: HookArgs,
  owner: LinkOwner,
): Promise<void> {
  const hooks = [options.initializer, options.finalizer];
  if (hooks.every((hook) => hook === undefined)) return;
  // What a worker has taken is not affected.
  void link.peer.exited.then(() => loseMoves(args?.moves));
  try {
    const jsons = await Promise.all(
      hooks.map(async (hook) => {
        if (hook === undefined) return null;
        const record = FunctionRecord.of(hook);
        await record.locate();
        return record.json ?? null;
      }),
    );
    link.peer.channel.send(
      [MessageKind.hooks, ...jsons, args?.bytes ?? null],
      args?.attachments,
      args?.transfer,
    );
  } catch (error) {
    owner.onStartFailed(link, error);
  }
}
