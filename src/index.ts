// Tasks: which functions can run elsewhere, and what they know about themselves
export { inline, isMain, task, tasks } from "./task/index.ts";
export type { Task, TaskFunction, TaskRef, TaskRefs } from "./task/index.ts";
export { taskContext, transfer } from "./executor/index.ts";
export type { TaskContext } from "./executor/index.ts";

// Pools and executors
export { Pool } from "./pool/index.ts";
export type {
  AsyncCallbacks,
  ChunkOptions,
  ImapOptions,
  PoolOptions,
  Yielded,
} from "./pool/index.ts";
export {
  asCompleted,
  Future,
  InlineExecutor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  wait,
} from "./executor/index.ts";
export type {
  AnyIterable,
  Arrived,
  Executor,
  ExecutorOptions,
  ExecutorStats,
  FutureOwner,
  FutureState,
  IfConverted,
  InitializerArgs,
  MapIterator,
  ProcessExecutorOptions,
  Received,
  ReturnWhen,
  TaskFailureMessage,
  TaskOptions,
  ThreadExecutorOptions,
  WaitResult,
  WorkerStats,
} from "./executor/index.ts";

// Processes and threads
export {
  activeChildren,
  cpuCount,
  currentProcess,
  parentProcess,
  Process,
  shutdownSignal,
} from "./process/index.ts";
export type {
  CurrentProcess,
  HandleOptions,
  ParentProcess,
  ProcessOptions,
  ProcessSettings,
  StdioOption,
  StdioTarget,
  TargetOptions,
  TerminateOptions,
  UncaughtMessage,
  WorkerHandle,
} from "./process/index.ts";
export {
  currentThread,
  mainThread,
  setThreadExceptHook,
  Thread,
  threadExceptHook,
  threadLocal,
  threads,
  Timer,
} from "./thread/index.ts";
export type {
  ThreadExceptHook,
  ThreadExceptHookArgs,
  ThreadInfo,
  ThreadLocal,
  ThreadOptions,
  ThreadSettings,
  ThreadState,
  TimerArguments,
} from "./thread/index.ts";

// Synchronisation across tasks, threads and processes
export {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Guard,
  Lock,
  RLock,
  RWLock,
  Semaphore,
  waitAll,
  waitAllSync,
  waitAny,
  waitAnySync,
  WaitableTimer,
} from "./sync/index.ts";
export type {
  BarrierOptions,
  Ending,
  EventOptions,
  Joinable,
  LockOptions,
  ResetMode,
  RWLockOptions,
  SemaphoreOptions,
  SharedOptions,
  SyncWaitable,
  TimerSetOptions,
  WaitableTimerOptions,
  WaitAnyResult,
} from "./sync/index.ts";

// Logging
export {
  connectLogServer,
  getLogger,
  LogCollector,
  LogServerLink,
  logToFiles,
  logToStderr,
  setLogLevel,
} from "./logging/index.ts";
export type { LogCollectorOptions, LogLevel, LogServerConnectOptions } from "./logging/index.ts";
// Pipes, listeners and connections
export {
  connect,
  Connection,
  DupFd,
  Listener,
  pipe,
  recvHandle,
  sendHandle,
  waitReady,
} from "./connection/index.ts";
export type {
  Address,
  AddressFamily,
  ConnectOptions,
  HasDescriptor,
  ListenerOptions,
  PipeOptions,
  ReadyObject,
  TcpAddress,
} from "./connection/index.ts";
// Queues between tasks, threads and processes
export { JoinableQueue, Queue, SimpleQueue } from "./queue/index.ts";
export type { QueueOptions } from "./queue/index.ts";

// Memory that threads and processes share
export { ShareableList, SharedArray, SharedMemory, SharedValue } from "./shared/index.ts";
export type {
  ElementOf,
  ElementType,
  LockChoice,
  LockedOptions,
  LockOf,
  SegmentOptions,
  ShareableItem,
  SharedArrayOptions,
  SharedLock,
  SharedMemoryOptions,
  TypedArrays,
  ValueOf,
  ValueType,
} from "./shared/index.ts";

// Managers: objects in a server process, used through proxies
export {
  ArrayProxy,
  BarrierProxy,
  callContext,
  ConditionProxy,
  DictProxy,
  EventProxy,
  IteratorProxy,
  JoinableQueueProxy,
  ListProxy,
  LockProxy,
  Manager,
  NamespaceProxy,
  ObjectProxy,
  PoolProxy,
  QueueProxy,
  RLockProxy,
  SemaphoreProxy,
  SetProxy,
  SharedMemoryManager,
  ValueProxy,
} from "./manager/index.ts";
export type {
  Acquirable,
  ArgumentsOf,
  CallContext,
  DictEntries,
  MadeBy,
  Maker,
  ManagerBarrierOptions,
  ManagerClass,
  ManagerConnectOptions,
  ManagerOptions,
  ManagerPoolOptions,
  ManagerPriorityQueueOptions,
  ManagerQueueOptions,
  Proxied,
  ProxyClass,
  PublicMethods,
  Registrable,
  RegisterOptions,
} from "./manager/index.ts";

// What crosses a boundary
export { registerClass } from "./wire/index.ts";

// Errors
export * from "./errors/index.ts";

export type { WaitOptions } from "./util/wait-options.ts";
