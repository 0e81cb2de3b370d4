export { callContext, type CallContext } from "./call-context.ts";
export { Manager, type ManagerClass } from "./manager.ts";
export type {
  ManagerBarrierOptions,
  ManagerPoolOptions,
  ManagerPriorityQueueOptions,
  ManagerQueueOptions,
} from "./object-options.ts";
export { ObjectProxy } from "./object-proxy.ts";
export {
  type DictEntries,
  DictProxy,
  ListProxy,
  NamespaceProxy,
  SetProxy,
} from "./proxies/containers.ts";
export {
  ArrayProxy,
  JoinableQueueProxy,
  PoolProxy,
  QueueProxy,
  ValueProxy,
} from "./proxies/data.ts";
export { IteratorProxy } from "./proxies/iterator-proxy.ts";
export {
  type Acquirable,
  BarrierProxy,
  ConditionProxy,
  EventProxy,
  LockProxy,
  RLockProxy,
  SemaphoreProxy,
} from "./proxies/sync.ts";
export { SharedMemoryManager } from "./shared-memory-manager.ts";
export type {
  ArgumentsOf,
  MadeBy,
  Maker,
  ManagerConnectOptions,
  ManagerOptions,
  Proxied,
  ProxyClass,
  PublicMethods,
  Registrable,
  RegisterOptions,
} from "./types.ts";
