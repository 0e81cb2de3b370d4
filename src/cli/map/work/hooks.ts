import { getPriority, setPriority } from "node:os";
import { globalSlot } from "../../../util/global-slot.ts";
import { resolveTask } from "../../../task/index.ts";
import type { HookSpec } from "./run-spec.ts";
import { prepareWorker } from "./prepare-worker.ts";

interface Slot {
  state: unknown;
  spec: HookSpec | undefined;
}

// With the inline backend the hooks and the records may be served by two copies of this module.
const slot: Slot = globalSlot("cli-map-hooks", () => ({ state: undefined, spec: undefined }));

/** The value that `--init` returned in this worker, or the `--arg`s when there is no `--init`. */
export function workerState(): unknown {
  return slot.state;
}

/** Runs once in each worker, before its first record. */
export async function startWorker(spec: HookSpec): Promise<void> {
  prepareWorker();
  slot.spec = spec;
  slot.state = spec.args;
  if (spec.nice !== 0) setPriority(Math.min(19, getPriority() + spec.nice));
  if (spec.init === undefined) return;
  const init = await resolveTask({ kind: "export", ...spec.init });
  slot.state = await init(spec.args);
}

/** Runs once in each worker that ends in peace, after its last record. */
export async function endWorker(): Promise<void> {
  const teardown = slot.spec?.teardown;
  if (teardown === undefined) return;
  const run = await resolveTask({ kind: "export", ...teardown });
  await run(slot.state);
}
