export { Process, type ProcessOptions, type ProcessSettings } from "./process.ts";
export type { HandleOptions, StdioOption, TargetOptions } from "./handle-options.ts";
export { type TerminateOptions, WorkerHandle } from "./worker-handle.ts";
export { activeChildren, type CurrentProcess, currentProcess } from "./current.ts";
export { type ParentProcess, parentProcess } from "./parent-process.ts";
export { shutdownSignal } from "./shutdown-signal.ts";
export { cpuCount } from "./cpu-count.ts";
export type { StdioTarget } from "./spawn.ts";
export type { UncaughtMessage } from "./uncaught.ts";
