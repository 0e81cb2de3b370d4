export { Thread, type ThreadOptions } from "./thread.ts";
export type { ThreadSettings, ThreadState } from "./thread-core.ts";
export { currentThread, mainThread, type ThreadInfo, threads } from "./current.ts";
export { type ThreadLocal, threadLocal } from "./thread-local.ts";
export { setWaiting } from "./status-word.ts";
export {
  setThreadExceptHook,
  threadExceptHook,
  type ThreadExceptHook,
  type ThreadExceptHookArgs,
} from "./except-hook.ts";
export { Timer, type TimerArguments } from "./timer.ts";
