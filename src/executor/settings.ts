import { MessageKind } from "./protocol.ts";
import type { CheckedOptions } from "./options.ts";
import { FunctionRecord } from "./task-entry.ts";
import type { WorkerSettings } from "./worker/settings.ts";
import type { LinkOwner, WorkerLink } from "./worker-link.ts";

/** What worker number `id` is told at its start. */
export function workerSettings(options: CheckedOptions, id: number): WorkerSettings {
  return {
    id,
    name: `${options.name}-${id}`,
    concurrency: options.concurrency,
    initializerArgs: options.initializerArgs,
    hasHooks: options.initializer !== undefined || options.finalizer !== undefined,
    reportMemory: options.maxMemoryPerWorker !== Infinity,
  };
}

/** Tells a worker where its initializer and finalizer are; finding that out may take a moment. */
export async function sendHooks(
  link: WorkerLink,
  options: CheckedOptions,
  owner: LinkOwner,
): Promise<void> {
  const hooks = [options.initializer, options.finalizer];
  if (hooks.every((hook) => hook === undefined)) return;
  try {
    const jsons = await Promise.all(
      hooks.map(async (hook) => {
        if (hook === undefined) return null;
        const record = FunctionRecord.of(hook);
        await record.locate();
        return record.json ?? null;
      }),
    );
    link.peer.channel.send([MessageKind.hooks, ...jsons]);
  } catch (error) {
    owner.onStartFailed(link, error);
  }
}
