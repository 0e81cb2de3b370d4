import { HANDLE, restoredFrom } from "./restore.ts";
import {
  HANDLE_CHECKS,
  HANDLE_SISTERS,
  splitOptions,
  type TargetOptions,
} from "./handle-options.ts";
import { ProcessCore, type ProcessSettings } from "./process-core.ts";
import type { OptionTable } from "../util/option-table.ts";
import { checkFolder } from "./start-checks.ts";
import { WorkerHandle } from "./worker-handle.ts";

export type { ProcessSettings } from "./process-core.ts";

const PROCESS: OptionTable<ProcessSettings & { target?: unknown; args?: unknown }> = {
  of: "Process",
  checks: { ...HANDLE_CHECKS, cwd: checkFolder },
  sisters: HANDLE_SISTERS,
  bare: "target",
};

/** Options of {@link Process}: its settings, and the target with its arguments. */
export type ProcessOptions<A extends unknown[], R> = ProcessSettings & TargetOptions<A, R>;

/**
 * A function, or a subclass's `run()`, in a process of its own.
 *
 * The process ends when `run()` has returned and its event loop has nothing left to do, and in any case
 * within two seconds after its starter has died. Its exit code is Python's: see `exitCode`.
 *
 * @example
 * const p = new Process({ target: crawl, args: ["https://example.org"] });
 * await p.start();
 * const pages = await p.result;
 * @example A subclass: exported, its fields travel
 * export class Crawler extends Process {
 *   constructor(readonly seed: string) { super({ name: "crawler" }); }
 *   override async run() { await crawl(this.seed); }
 * }
 * @since 0.1.0
 */
export class Process<A extends unknown[] = [], R = unknown> extends WorkerHandle<R> {
  static {
    Object.defineProperty(this, HANDLE, { value: "process" });
  }

  /**
   * Makes the object; nothing is started yet.
   *
   * @throws TypeError or RangeError for options of the wrong kind.
   */
  constructor(options?: ProcessOptions<A, R>) {
    const given = options === undefined ? {} : options;
    const restored = restoredFrom(given);
    super(
      restored === undefined
        ? ProcessCore.create<R>(new.target.name, splitOptions<ProcessSettings>(given, PROCESS))
        : ProcessCore.inside<R>(restored),
    );
  }
}
