// Every method and getter of every class of handles, found by walking the classes themselves: one that has no row here
// fails, so none can be forgotten.
import { inspect } from "node:util";
import * as manycore from "manycore";
import * as win32event from "manycore/win32event";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { square } from "../fixtures/executor/work.js";
import { rejection, thrown } from "../helpers/failures.ts";
import { useNamespace } from "../helpers/namespace.ts";

useNamespace("closed-members");

const CLOSED = "ERR_MANYCORE_INVALID_STATE";
type Row = readonly unknown[];
type Rows = Readonly<Record<string, Row>>;

/** Classes that can be closed and are no handles of something shared: what their end means stands in other tests. */
const OTHERS = new Set([
  "Guard",
  "InlineExecutor",
  "LogCollector",
  "LogServerLink",
  "Manager",
  "ObjectProxy",
  "Pool",
  "Process",
  "ProcessPoolExecutor",
  "SharedMemoryManager",
  "Thread",
  "ThreadPoolExecutor",
  "Timer",
]);

const HANDLES: Readonly<Record<string, () => object | Promise<object>>> = {
  Barrier: () => new manycore.Barrier(2),
  BoundedSemaphore: () => new manycore.BoundedSemaphore(2),
  Condition: () => new manycore.Condition(),
  Connection: () => manycore.pipe()[0],
  DupFd: () => new manycore.DupFd(1),
  Event: () => new manycore.Event(),
  JoinableQueue: () => new manycore.JoinableQueue(),
  Listener: () => manycore.Listener.listen(),
  Lock: () => new manycore.Lock(),
  Queue: () => new manycore.Queue(),
  RLock: () => new manycore.RLock(),
  RWLock: () => new manycore.RWLock(),
  Semaphore: () => new manycore.Semaphore(2),
  ShareableList: () => new manycore.ShareableList([1, "two"]),
  SharedArray: () => new manycore.SharedArray("int32", 4),
  SharedMemory: () => manycore.SharedMemory.create({ size: 64 }),
  SharedValue: () => new manycore.SharedValue("int32"),
  SimpleQueue: () => new manycore.SimpleQueue(),
  WaitableTimer: () => new manycore.WaitableTimer(),
};

const PROXIES: Readonly<Record<string, (manager: manycore.Manager) => Promise<object>>> = {
  ArrayProxy: (manager) => manager.array("int32", 4),
  BarrierProxy: (manager) => manager.barrier(2),
  ConditionProxy: (manager) => manager.condition(),
  DictProxy: (manager) => manager.dict([["a", 1]]),
  EventProxy: (manager) => manager.event(),
  IteratorProxy: async (manager) => (await manager.pool({ workers: 1 })).imap(square, [1]),
  JoinableQueueProxy: (manager) => manager.joinableQueue(),
  ListProxy: (manager) => manager.list([1, 2]),
  LockProxy: (manager) => manager.lock(),
  NamespaceProxy: (manager) => manager.namespace({ a: 1 }),
  PoolProxy: (manager) => manager.pool({ workers: 1 }),
  QueueProxy: (manager) => manager.queue(),
  RLockProxy: (manager) => manager.rlock(),
  SemaphoreProxy: (manager) => manager.semaphore(),
  SetProxy: (manager) => manager.set([1]),
  ValueProxy: (manager) => manager.value("int32", 1),
};

/** Members that say something of the handle alone, and those that end it. */
const STAY = new Set<string | symbol>([
  "constructor",
  "name",
  "close",
  Symbol.dispose,
  Symbol.asyncDispose,
  inspect.custom,
  Symbol.for("manycore.staysHere"),
  // What the handle was made as, as Python's.
  "Connection#readable",
  "Connection#writable",
  "Connection#closed",
  "Listener#address",
  "Listener#closed",
  "Listener#lastAccepted",
  // For subclasses to override: does nothing.
  "Queue#onPutError",
  "JoinableQueue#onPutError",
  "SimpleQueue#onPutError",
]);

const one = (): number => 1;

const THROW: Rows = {
  abort: [],
  acquireSync: [],
  add: [1],
  at: [0],
  cancel: [],
  cancelJoinFeeder: [],
  clear: [],
  compareExchange: [0, 1],
  count: [1],
  exchange: [1],
  fileno: [],
  "ShareableList#get": [0],
  getNowait: [],
  getSync: [],
  holdSync: [],
  includes: [1],
  indexOf: [1],
  joinFeederSync: [],
  joinSync: [],
  "maxSize=": [1],
  notify: [],
  notifyAll: [],
  pulse: [],
  putNowait: [1],
  putSync: [1],
  readSync: [],
  release: [],
  reset: [],
  "Event#set": [],
  "ShareableList#set": [0, 1],
  "SharedArray#set": [0, 1],
  "WaitableTimer#set": [5],
  shutdown: [],
  slice: [],
  taskDone: [],
  tryAcquire: [],
  tryRead: [],
  tryWrite: [],
  unlink: [],
  updateSync: [one],
  "value=": [1],
  waitForSync: [one],
  waitSync: [],
  writeSync: [],
};

const REJECT: Rows = {
  accept: [],
  acquire: [],
  detach: [],
  get: [],
  hold: [],
  join: [],
  joinFeeder: [],
  poll: [],
  put: [1],
  read: [],
  recv: [],
  recvBytes: [],
  recvBytesInto: [new Uint8Array(8)],
  run: [one],
  send: [1],
  sendBytes: [new Uint8Array(1)],
  update: [one],
  wait: [],
  waitFor: [one],
  write: [],
};

/** Arguments of proxies' methods, which all are asynchronous; what has no row is called with none. */
const REMOTE: Rows = {
  add: [1],
  "ArrayProxy#add": [0, 1],
  apply: [square, [1]],
  at: [0],
  compareExchange: [1, 2],
  count: [1],
  delete: ["a"],
  difference: [[1]],
  extend: [[1]],
  fill: [1],
  get: ["a"],
  "JoinableQueueProxy#get": [],
  "QueueProxy#get": [],
  "ValueProxy#get": [],
  has: ["a"],
  imap: [square, [1]],
  imapUnordered: [square, [1]],
  includes: [1],
  increment: ["a", 1],
  indexOf: [1],
  insert: [0, 1],
  intersection: [[1]],
  isDisjointFrom: [[1]],
  isSubsetOf: [[1]],
  isSupersetOf: [[1]],
  map: [square, [1]],
  put: [1],
  putNowait: [1],
  push: [1],
  remove: [1],
  run: [one],
  set: [0, 1],
  "EventProxy#set": [],
  "NamespaceProxy#set": ["a", 1],
  "ValueProxy#set": [1],
  setDefault: ["a", 1],
  slice: [0],
  splice: [0, 1],
  starmap: [square, [[1]]],
  symmetricDifference: [[1]],
  union: [[1]],
  unshift: [1],
  update: [[["a", 1]]],
  "SetProxy#update": [[1]],
  waitFor: [one],
};

interface Member {
  readonly key: string | symbol;
  readonly descriptor: PropertyDescriptor;
}

/** All members of a class and of its bases, but Object's. */
function membersOf(Class: { readonly prototype: object }): Member[] {
  const members = new Map<string | symbol, PropertyDescriptor>();
  for (let at = Class.prototype; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const key of Reflect.ownKeys(at)) {
      if (!members.has(key)) members.set(key, Object.getOwnPropertyDescriptor(at, key)!);
    }
  }
  return [...members].map(([key, descriptor]) => ({ key, descriptor }));
}

function classNamed(name: string): { readonly prototype: object } {
  return (manycore as unknown as Record<string, { readonly prototype: object }>)[name]!;
}

function rowOf(rows: Rows, name: string, member: string): Row | undefined {
  return rows[`${name}#${member}`] ?? rows[member];
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as { readonly then?: unknown } | undefined)?.then === "function";
}

/** What is wrong with the answer of a closed handle, if anything. */
async function faultOf(label: string, isAsync: boolean, use: () => unknown): Promise<string[]> {
  let result: unknown;
  try {
    result = use();
  } catch (error) {
    const { code } = error as { code?: string };
    if (isAsync) return [`${label} throws instead of rejecting`];
    return code === CLOSED ? [] : [`${label} throws ${inspect(error)}`];
  }
  if (!isAsync || !isThenable(result)) return [`${label} gives ${inspect(result)}`];
  const outcome = await result.then(
    (value) => ({ code: `a value: ${inspect(value)}` }),
    (error: { readonly code?: string }) => error,
  );
  return outcome.code === CLOSED ? [] : [`${label} rejects with ${inspect(outcome)}`];
}

async function faultsOf(
  name: string,
  handle: object,
  { key, descriptor }: Member,
): Promise<string[]> {
  const label = `${name}#${String(key)}`;
  if (STAY.has(key) || STAY.has(label)) return [];
  const self = handle as Record<string | symbol, unknown>;
  if (key === Symbol.iterator) return faultOf(label, false, () => [...(handle as Iterable<1>)]);
  if (key === Symbol.asyncIterator) {
    return faultOf(label, true, () => (handle as AsyncIterable<1>)[Symbol.asyncIterator]().next());
  }
  if (key === Symbol.for("manycore.ready")) {
    return faultOf(label, true, () => manycore.waitReady([handle as never]));
  }
  const faults: string[] = [];
  if (descriptor.get !== undefined) faults.push(...(await faultOf(label, false, () => self[key])));
  if (descriptor.set !== undefined) {
    const row = rowOf(THROW, name, `${String(key)}=`);
    if (row === undefined) return [`${label} = has no row in this test`];
    faults.push(...(await faultOf(`${label} =`, false, () => (self[key] = row[0]))));
  }
  const { value } = descriptor as { readonly value?: unknown };
  if (typeof value !== "function") return faults;
  const throwing = rowOf(THROW, name, String(key));
  const row = throwing ?? rowOf(REJECT, name, String(key));
  if (row === undefined) return [`${label}() has no row in this test`];
  const call = (): unknown => (value as (...args: unknown[]) => unknown).apply(handle, [...row]);
  return faultOf(`${label}()`, throwing === undefined, call);
}

test("Every class that can be closed is in this test", () => {
  const closable = Object.entries(manycore).filter(([, value]) => {
    const prototype = (value as { readonly prototype?: object } | undefined)?.prototype;
    if (typeof value !== "function" || prototype === undefined) return false;
    return ["close", Symbol.dispose, Symbol.asyncDispose].some((key) => key in prototype);
  });
  const names = closable.map(([name]) => name).filter((name) => !OTHERS.has(name));
  expect(names.sort()).toEqual([...Object.keys(HANDLES), ...Object.keys(PROXIES)].sort());
});

describe("A closed handle fails with InvalidStateError, in every member, of", () => {
  test.each(Object.keys(HANDLES))("%s", async (name) => {
    const handle = (await HANDLES[name]!()) as { close(): void; readonly name?: string };
    const named = handle.name;
    handle.close();
    handle.close();
    const faults: string[] = [];
    for (const member of membersOf(classNamed(name))) {
      faults.push(...(await faultsOf(name, handle, member)));
    }
    expect(faults).toEqual([]);
    expect(handle.name).toBe(named);
    expect(inspect(handle)).toMatch(/closed/);
  });

  test.each(["Lock", "RLock", "Semaphore", "BoundedSemaphore", "Event", "WaitableTimer"])(
    "waits for several with %s",
    async (name) => {
      const handle = (await HANDLES[name]!()) as manycore.SyncWaitable;
      using open = new manycore.Event({ signaled: true });
      handle.close();
      for (const objects of [[handle], [open, handle]]) {
        expect(thrown(() => manycore.waitAnySync(objects)).code).toBe(CLOSED);
        expect(thrown(() => manycore.waitAllSync(objects)).code).toBe(CLOSED);
        expect((await rejection(manycore.waitAny(objects))).code).toBe(CLOSED);
        expect((await rejection(manycore.waitAll(objects))).code).toBe(CLOSED);
      }
      expect(open.isSet).toBe(true);
    },
  );
});

describe("manycore/win32event", () => {
  const { CreateEvent, CreateMutex, CreateSemaphore, CreateWaitableTimer } = win32event;
  const calls: Readonly<Record<string, () => [handle: { close(): void }, ...args: unknown[]]>> = {
    SetEvent: () => [CreateEvent(null, true, false)],
    ResetEvent: () => [CreateEvent(null, true, false)],
    PulseEvent: () => [CreateEvent(null, true, false)],
    ReleaseMutex: () => [CreateMutex(null, false)],
    ReleaseSemaphore: () => [CreateSemaphore(null, 1, 2)],
    SetWaitableTimer: () => [CreateWaitableTimer(null, true), -5],
    CancelWaitableTimer: () => [CreateWaitableTimer(null, true)],
    WaitForSingleObject: () => [CreateMutex(null, false)],
    WaitForSingleObjectAsync: () => [CreateMutex(null, false)],
    WaitForMultipleObjects: () => [CreateMutex(null, false), false],
    WaitForMultipleObjectsAsync: () => [CreateMutex(null, false), true],
  };
  /** Functions that take no handle, or end one. */
  const others = /^(Create|Open|GetLastError$|CloseHandle$)/;

  test("refuses a closed handle in every function that takes one", async () => {
    const functions = Object.entries(win32event).filter(
      ([name, value]) => typeof value === "function" && !others.test(name),
    );
    expect(functions.map(([name]) => name).sort()).toEqual(Object.keys(calls).sort());
    for (const [name, value] of functions) {
      const [handle, ...args] = calls[name]!();
      win32event.CloseHandle(handle);
      const target = name.includes("Multiple") ? [handle] : handle;
      const call = (): unknown => (value as (...args: unknown[]) => unknown)(target, ...args);
      expect(await faultOf(name, name.endsWith("Async"), call)).toEqual([]);
    }
  });
});

describe("A proxy that was disposed of rejects with InvalidStateError, in every member:", () => {
  let manager: manycore.Manager;
  beforeAll(async () => {
    manager = await manycore.Manager.start();
  });
  afterAll(() => manager.shutdown());

  test.each(Object.keys(PROXIES))("%s", async (name) => {
    const proxy = await PROXIES[name]!(manager);
    (proxy as Disposable)[Symbol.dispose]();
    const faults: string[] = [];
    for (const { key } of membersOf(classNamed(name))) {
      const stays = ["constructor", inspect.custom, Symbol.dispose, Symbol.asyncDispose];
      // An iterator has come to its end then, and says so.
      if (name === "IteratorProxy") stays.push("return", Symbol.asyncIterator);
      if (stays.includes(key)) continue;
      const args = key === "$call" ? ["anything"] : (rowOf(REMOTE, name, String(key)) ?? []);
      const call = (): unknown => {
        const method = (proxy as Record<string | symbol, (...args: unknown[]) => unknown>)[key]!;
        const result = method.apply(proxy, [...args]);
        if (result === proxy || !(Symbol.asyncIterator in Object(result))) return result;
        return (result as AsyncIterator<unknown>).next();
      };
      faults.push(...(await faultOf(`${name}#${String(key)}()`, true, call)));
    }
    expect(faults).toEqual([]);
  });
});
