import { importModule, resolveTask } from "../../../task/index.ts";
import { reportError } from "./error-report.ts";
import type { ErrorReport } from "./record-line.ts";
import type { FunctionName } from "./run-spec.ts";
import { prepareWorker } from "./prepare-worker.ts";

/** Findings of {@link inspectTarget}. */
export type TargetFinding =
  | { readonly kind: "found" }
  | { readonly kind: "missing"; readonly exports: readonly string[]; readonly isValue: boolean }
  | { readonly kind: "broken"; readonly error: ErrorReport };

/** Looks whether the module loads and has the function. Runs in a worker, so the command never loads user code itself. */
export async function inspectTarget({ module, name }: FunctionName): Promise<TargetFinding> {
  prepareWorker();
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
