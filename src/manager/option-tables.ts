import { checkAddress } from "../connection/address.ts";
import { checkProxyClass } from "./object-proxy.ts";
import { authKey, positive } from "../connection/options.ts";
import { checkMaxSize } from "../queue/queue-cell.ts";
import { checkChunkSize, workerCount, WORKER_COUNTS } from "../executor/options.ts";
import { checkTask } from "../task/index.ts";
import {
  abortSignal,
  array,
  arrayOf,
  boolean,
  checkFunction,
  type Check,
  milliseconds,
  object,
  oneOf,
  text,
} from "../util/checks.ts";
import type { OptionTable } from "../util/option-table.ts";
import { WAIT_SISTERS } from "../util/wait-options.ts";
import type {
  ManagerBarrierOptions,
  ManagerPoolOptions,
  ManagerPriorityQueueOptions,
  ManagerQueueOptions,
} from "./object-options.ts";
import type { ManagerConnectOptions, ManagerOptions, RegisterOptions } from "./types.ts";

export const SERVER: OptionTable<ManagerOptions> = {
  of: "Manager.start() and Manager.serve()",
  checks: {
    address: checkAddress,
    authKey,
    initializer: checkFunction,
    initializerArgs: array,
    functions: boolean,
    maxBytes: positive,
    handOverTimeout: milliseconds,
  },
  sisters: { initargs: "initializerArgs", key: "authKey" },
  bare: "address",
};

export const CONNECT: OptionTable<ManagerConnectOptions> = {
  of: "Manager.connect()",
  checks: { timeout: milliseconds, signal: abortSignal, authKey, maxBytes: positive },
  sisters: { ...WAIT_SISTERS, key: "authKey" },
  bare: "authKey",
};

export const SHUTDOWN: OptionTable<{ readonly timeout?: number | undefined }> = {
  of: "manager.shutdown()",
  checks: { timeout: milliseconds },
  sisters: { grace: "timeout" },
  bare: "timeout",
};

const names: Check = (value, name) => {
  object(value, name);
  for (const [key, kind] of Object.entries(value as object)) text(kind, `${name}.${key}`);
};

export const REGISTER: OptionTable<RegisterOptions> = {
  of: "Manager.register()",
  checks: { exposed: arrayOf(text), methodToType: names, proxy: checkProxyClass },
  sisters: { proxytype: "proxy", methodToTypeid: "methodToType" },
};

export const QUEUE: OptionTable<ManagerQueueOptions> = {
  of: "manager.queue()",
  checks: { maxSize: checkMaxSize },
  sisters: { size: "maxSize" },
  bare: "maxSize",
};

export const PRIORITY_QUEUE: OptionTable<ManagerPriorityQueueOptions<unknown>> = {
  of: "manager.priorityQueue()",
  checks: { maxSize: checkMaxSize, compare: checkTask },
  bare: "maxSize",
};

export const BARRIER: OptionTable<ManagerBarrierOptions> = {
  of: "manager.barrier()",
  checks: { action: checkTask, timeout: milliseconds },
  bare: "timeout",
};

export const POOL: OptionTable<ManagerPoolOptions> = {
  of: "manager.pool()",
  checks: { workers: workerCount, kind: oneOf("process", "thread") },
  sisters: Object.fromEntries(WORKER_COUNTS.map((name) => [name, "workers"])),
  bare: "workers",
};

export const CHUNKS: OptionTable<{ readonly chunkSize?: number }> = {
  of: "a pool's map",
  checks: { chunkSize: checkChunkSize },
  bare: "chunkSize",
};

export const SORT: OptionTable<{ readonly descending?: boolean }> = {
  of: "list.sort()",
  checks: { descending: boolean },
  sisters: { reverse: "descending" },
};
