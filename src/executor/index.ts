export { asCompleted } from "./as-completed.ts";
export { Future, type FutureOwner, type FutureState } from "./future.ts";
export { InlineExecutor } from "./inline-executor.ts";
export type { MapIterator } from "./map-iterator.ts";
export type { ExecutorOptions, InitializerArgs } from "./options.ts";
export { ProcessPoolExecutor, type ProcessExecutorOptions } from "./process-executor.ts";
export { ThreadPoolExecutor, type ThreadExecutorOptions } from "./thread-executor.ts";
export type { TaskFailureMessage } from "./totals.ts";
export type {
  AnyIterable,
  Arrived,
  Executor,
  ExecutorStats,
  IfConverted,
  Received,
  TaskOptions,
  WorkerStats,
} from "./types.ts";
export { wait, type ReturnWhen, type WaitResult } from "./wait.ts";
export { taskContext, type TaskContext } from "./worker/task-context.ts";
export { transfer } from "./transfer.ts";
