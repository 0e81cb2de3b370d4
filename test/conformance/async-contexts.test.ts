import { readFileSync } from "node:fs";
import {
  asCompleted,
  Barrier,
  BoundedSemaphore,
  Condition,
  connect,
  type Executor,
  Future,
  Guard,
  InlineExecutor,
  Listener,
  Lock,
  Manager,
  pipe,
  Pool,
  Process,
  ProcessPoolExecutor,
  RLock,
  Semaphore,
  ShareableList,
  SharedArray,
  SharedMemoryManager,
  SharedValue,
  Thread,
  threadLocal,
  ThreadPoolExecutor,
  wait,
  waitReady,
  Timer,
} from "manycore";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as work from "../fixtures/conformance/contexts.js";
import { useNamespace } from "../helpers/namespace.ts";

useNamespace("contexts");

const { store } = work;

/** Notes the store of whoever calls it. */
type Probe = () => void;

class Served extends Manager {}
const Server = Served.register("Own", work.Own);

let thread: ThreadPoolExecutor;
let process_: ProcessPoolExecutor;
let inline: InlineExecutor;
let pool: Pool;
let manager: InstanceType<typeof Server>;

// Everything is used first under store A: its workers, sockets and timers are made there.
beforeAll(() =>
  store.run("A", async () => {
    thread = new ThreadPoolExecutor({ maxWorkers: 1 });
    process_ = new ProcessPoolExecutor({ maxWorkers: 1 });
    inline = new InlineExecutor();
    pool = new Pool({ workers: 1, kind: "thread" });
    manager = await Server.start();
    await Promise.all([thread, process_, inline].map((each) => each.submit(work.identity, 1)));
    await pool.apply(work.identity, [1]);
    await (await manager.lock()).run(() => {});
  }),
);
afterAll(async () => {
  await Promise.all([thread, process_, inline].map((each) => each.shutdown()));
  await pool.terminate();
  await manager.shutdown();
});

const kinds = (): [string, Executor][] => [
  ["thread", thread],
  ["process", process_],
  ["inline", inline],
];

/** Enough items that most are pulled when a worker's answer makes room for them. */
const MANY = 3_000;

function* items<T>(probe: Probe, count: number, make: (i: number) => T): Generator<T> {
  for (let i = 0; i < count; i++) {
    probe();
    yield make(i);
  }
}
async function* laterItems<T>(
  probe: Probe,
  count: number,
  make: (i: number) => T,
): AsyncGenerator<T> {
  for (const item of items(probe, count, make)) {
    await Promise.resolve();
    yield item;
  }
}
function readable(probe: Probe, count: number): ReadableStream<number> {
  let i = 0;
  return new ReadableStream<number>(
    {
      pull(controller) {
        probe();
        if (i < count) controller.enqueue(i++);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
async function drain(results: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of results);
}
const n = (i: number): number => i;

/** Iterables of arguments, in each form, read by `map`. */
async function sources(
  probe: Probe,
  map: (source: Iterable<number> | AsyncIterable<number>) => PromiseLike<unknown>,
): Promise<void> {
  await map(items(probe, MANY, n));
  await map(laterItems(probe, 300, n));
  await map(readable(probe, 50));
}

/** Lets somebody wait for a lock that is free again later, under another store. */
async function contended(
  probe: Probe,
  lock: { acquire(): Promise<boolean>; release(): void; run(body: Probe): Promise<unknown> },
): Promise<void> {
  await store.run("C", () => lock.acquire());
  const waiting = lock.run(probe);
  await new Promise((resolve) => setImmediate(resolve));
  store.run("C", () => lock.release());
  await waiting;
}

/**
 * Every public function that takes a function or an iterable, and option that is one: runs it under store B, where
 * `probe` must find B. Keys are `Class.method`, `function`, or `Interface.option` of the API report.
 */
const HERE: Readonly<Record<string, (probe: Probe) => unknown>> = {
  "Executor.map": async (probe) => {
    for (const [, executor] of kinds()) {
      await sources(probe, (source) => drain(executor.map(work.identity, source)));
    }
  },
  "Executor.submit": async (probe) => {
    for (const [, executor] of kinds()) {
      // The second one waits behind the first, and is handed out by its end.
      const first = executor.submit(work.readAll, laterItems(probe, 40, n));
      await executor.submit(work.readAll, readable(probe, 40));
      await first;
    }
  },
  "TaskOptions.onProgress": async (probe) => {
    for (const [, executor] of kinds()) {
      const reporting = executor.with({ onProgress: probe, retries: 1, chunkSize: 1 });
      await reporting.submit(work.reportThenFail, 1);
      await drain(reporting.map(work.reportThenFail, [1, 2, 3]));
    }
  },
  "TaskOptions.retryDelay": async (probe) => {
    const retryDelay = (): number => {
      probe();
      return 1;
    };
    for (const [, executor] of kinds()) {
      const retrying = executor.with({ retries: 1, retryDelay });
      await retrying.submit(work.reportThenFail, 1);
      await drain(retrying.map(work.reportThenFail, [1, 2, 3]));
    }
  },
  "Pool.imap": (probe) => sources(probe, (source) => drain(pool.imap(work.identity, source))),
  "Pool.imapUnordered": (probe) =>
    sources(probe, (source) => drain(pool.imapUnordered(work.identity, source))),
  "Pool.map": (probe) => sources(probe, (source) => pool.map(work.identity, source)),
  "Pool.mapAsync": (probe) => sources(probe, (source) => pool.mapAsync(work.identity, source)),
  "Pool.starmap": (probe) =>
    pool.starmap(
      work.enterTwo,
      items(probe, MANY, (i) => [i, i] as [number, number]),
    ),
  "Pool.starmapAsync": (probe) =>
    pool.starmapAsync(
      work.enterTwo,
      laterItems(probe, 100, (i) => [i, i] as [number, number]),
    ),
  "AsyncCallbacks.callback": async (probe) => {
    await pool.applyAsync(work.identity, [1], { callback: probe });
    await pool.mapAsync(work.identity, [1], { callback: probe });
    await pool.starmapAsync(work.identity, [[1]], { callback: probe });
  },
  "AsyncCallbacks.errorCallback": async (probe) => {
    const failing = pool.applyAsync(work.readAll, [5 as never], { errorCallback: probe });
    await failing.catch(() => {});
    await pool.mapAsync(work.readAll, [5 as never], { errorCallback: probe }).catch(() => {});
  },
  "Future.addDoneCallback": async (probe) => {
    const future = pool.applyAsync(work.identity, [1]);
    future.addDoneCallback(probe);
    await future;
    future.addDoneCallback(probe);
    const own = new Future<number>();
    own.addDoneCallback(probe);
    store.run("C", () => own.setResult(1));
    await new Promise((resolve) => setImmediate(resolve));
  },
  "Future.then": (probe) => pool.applyAsync(work.identity, [1]).then(probe),
  "Future.catch": (probe) => pool.applyAsync(work.readAll, [5 as never]).catch(probe),
  "Future.finally": (probe) => pool.applyAsync(work.identity, [1]).finally(probe),
  asCompleted: async (probe) => {
    function* futures(): Generator<Future<number>> {
      probe();
      yield thread.submit(work.identity, 1) as Future<number>;
    }
    for await (const _ of asCompleted(futures())) probe();
  },
  wait: async (probe) => {
    await wait(items(probe, 2, () => thread.submit(work.identity, 1)));
    probe();
  },
  waitReady: async (probe) => {
    const [here, there] = pipe();
    const waiting = waitReady(items(probe, 1, () => here));
    store.run("C", () => void there.send(1));
    await waiting;
    probe();
    here.close();
    there.close();
  },
  "ClassOptions.encode": async (probe) => {
    for (const [, executor] of kinds()) {
      work.seen.encode.length = 0;
      await executor.submit(work.identity, new work.Point(1));
      await drain(
        executor.map(
          work.identity,
          items(probe, 500, (i) => new work.Point(i)),
        ),
      );
      // Inline the results are encoded here as well, by the tasks.
      expect([...new Set(work.seen.encode)]).toEqual(["B"]);
    }
  },
  "ClassOptions.decode": async (probe) => {
    const list = await manager.list<unknown>();
    work.seen.decode.length = 0;
    for (const [, executor] of kinds()) {
      await executor.submit(work.makePoint, 1);
      await drain(executor.map(work.makePoint, items(probe, 500, n)));
    }
    await list.push(new work.Point(1));
    await list.at(0);
    expect(work.seen.decode.length).toBeGreaterThan(1_500);
    expect([...new Set(work.seen.decode)]).toEqual(["B"]);
  },
  "Mutex.run": (probe) => contended(probe, new Lock()),
  "run() of an RLock": (probe) => new RLock().run(probe),
  "run() of a Semaphore": (probe) => contended(probe, new Semaphore(1)),
  "run() of a BoundedSemaphore": (probe) => contended(probe, new BoundedSemaphore(1)),
  "Condition.run": (probe) => contended(probe, new Condition(new Lock())),
  "Condition.waitFor": async (probe) => {
    const condition = new Condition(new Lock());
    let isTrue = false;
    const waiting = condition.run(() =>
      condition.waitFor(() => {
        probe();
        return isTrue;
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    isTrue = true;
    await store.run("C", () => condition.run(() => condition.notifyAll()));
    await waiting;
  },
  "Condition.waitForSync": (probe) => {
    const condition = new Condition();
    condition.acquireSync();
    condition.waitForSync(() => {
      probe();
      return true;
    });
    condition.release();
  },
  "BarrierOptions.action": async (probe) => {
    const barrier = new Barrier(2, { action: probe });
    const first = store.run("C", () => barrier.wait());
    await barrier.wait();
    await first;
  },
  "SharedValue.update": async (probe) => {
    const value = new SharedValue("int32", 1);
    await value.update((old) => {
      probe();
      return old + 1;
    });
  },
  "SharedValue.updateSync": (probe) =>
    new SharedValue("int32", 1).updateSync((old) => {
      probe();
      return old + 1;
    }),
  "SharedArray.constructor": (probe) => new SharedArray("int32", items(probe, 3, n)),
  "ShareableList.constructor": (probe) => new ShareableList(items(probe, 3, n)),
  threadLocal: (probe) => threadLocal(probe).value,
  "ListenerOptions.onReject": async (probe) => {
    let rejected!: () => void;
    const told = new Promise<void>((resolve) => (rejected = resolve));
    const listener = await Listener.listen({
      authKey: "right",
      onReject: () => {
        probe();
        rejected();
      },
    });
    const accepting = listener.accept().catch(() => {});
    await store.run("C", () => connect(listener.address, { authKey: "wrong" })).catch(() => {});
    await told;
    listener.close();
    await accepting;
  },
  "Acquirable.run": async (probe) => {
    await contended(probe, await manager.lock());
    await contended(probe, await manager.semaphore(1));
  },
  "RLockProxy.run": async (probe) => (await manager.rlock()).run(probe),
  "ConditionProxy.run": async (probe) => (await manager.condition()).run(probe),
  "ConditionProxy.waitFor": async (probe) => {
    const condition = await manager.condition();
    await condition.run(() =>
      condition.waitFor(() => {
        probe();
        return true;
      }),
    );
  },
  "Manager.array": (probe) => manager.array("int32", items(probe, 3, n)),
  "Manager.dict": (probe) => manager.dict(items(probe, 3, (i) => [String(i), i] as const)),
  "Manager.list": (probe) => manager.list(items(probe, 3, n)),
  "Manager.set": (probe) => manager.set(items(probe, 3, n)),
  "SharedMemoryManager.shareableList": async (probe) => {
    const owner = await SharedMemoryManager.start();
    (await owner.shareableList(items(probe, 3, n))).close();
    await owner.shutdown();
  },
  "DictProxy.update": async (probe) =>
    (await manager.dict<string, number>()).update(items(probe, 3, (i) => [String(i), i] as const)),
  "Guard.constructor": (probe) => new Guard(probe).release(),
  "ListProxy.extend": async (probe) => (await manager.list<number>()).extend(items(probe, 3, n)),
  ...Object.fromEntries(
    (
      [
        "difference",
        "intersection",
        "isDisjointFrom",
        "isSubsetOf",
        "isSupersetOf",
        "symmetricDifference",
        "union",
        "update",
      ] as const
    ).map((method) => [
      `SetProxy.${method}`,
      async (probe: Probe) => (await manager.set<number>())[method](items(probe, 3, n)),
    ]),
  ),
  "PoolProxy.imap": async (probe) => {
    const remote = await manager.pool({ workers: 1, kind: "thread" });
    await drain(await remote.imap(work.identity, items(probe, 3, n)));
    await remote.terminate();
  },
  "PoolProxy.imapUnordered": async (probe) => {
    const remote = await manager.pool({ workers: 1, kind: "thread" });
    await drain(await remote.imapUnordered(work.identity, items(probe, 3, n)));
    await remote.terminate();
  },
  "PoolProxy.map": async (probe) => {
    const remote = await manager.pool({ workers: 1, kind: "thread" });
    await remote.map(work.identity, items(probe, 3, n));
    await remote.starmap(
      work.enterTwo,
      items(probe, 3, (i) => [i, i] as [number, number]),
    );
    await remote.terminate();
  },
};

/** What runs elsewhere: every call begins in a context of its own, whatever the one before has entered. */
const ELSEWHERE: Readonly<Record<string, () => Promise<string[]>>> = {
  "Executor.runOnAll": async () => [
    ...(await thread.runOnAll(work.enter, 1)),
    ...(await process_.runOnAll(work.enter, 1)),
    ...(await thread.runOnAll(work.enter, 1)),
    ...(await process_.runOnAll(work.enter, 1)),
  ],
  "tasks one by one": async () => {
    const found: string[] = [];
    for (const executor of [thread, process_]) {
      for (let i = 0; i < 3; i++) {
        found.push(await executor.submit(work.enter, i), await executor.submit(work.enterLater, i));
      }
    }
    return found;
  },
  "tasks side by side": async () => {
    const executor = new ThreadPoolExecutor({ maxWorkers: 1, concurrency: 4 });
    const tasks = Array.from({ length: 12 }, (_, i) => executor.submit(work.enterLater, i));
    const found = await Promise.all(tasks);
    await executor.shutdown();
    return found;
  },
  "items of a chunk": async () => {
    const found: string[] = [];
    for (const executor of [thread, process_]) {
      const chunked = executor.with({ chunkSize: 50 });
      for await (const value of chunked.map(work.enter, Array(100).keys())) found.push(value);
      for await (const value of chunked.map(work.enterLater, Array(100).keys())) found.push(value);
      for await (const value of chunked.map(work.enterTwo, [1, 2, 3], [1, 2, 3])) found.push(value);
    }
    return found;
  },
  "Pool.apply": async () => [await pool.apply(work.enter, [1]), await pool.apply(work.enter, [2])],
  "Pool.applyAsync": async () => [
    await pool.applyAsync(work.enter, [1]),
    await pool.applyAsync(work.enter, [2]),
  ],
  "Timer.constructor": async () => {
    const timer = await new Timer(1, work.enter, [1]).start();
    const found = (await timer.result) as string;
    await timer.join();
    return [found];
  },
  "streams of results": async () => {
    const found: string[] = [];
    for (const executor of [thread, process_]) {
      await executor.submit(work.enter, 1);
      for await (const value of await executor.submit(work.enterEach, 40)) found.push(value);
    }
    return found;
  },
  "ExecutorOptions.initializer": async () => {
    const found: string[] = [];
    for (const Kind of [ThreadPoolExecutor, ProcessPoolExecutor]) {
      const executor = new Kind({ maxWorkers: 1, initializer: work.initialize });
      found.push(await executor.submit(work.whatInitializerFound));
      found.push(await executor.submit(work.enter, 1));
      await executor.shutdown();
    }
    return found;
  },
  "Thread and Process": async () => {
    const found: string[] = [];
    for (const Kind of [Thread, Process]) {
      const handle = new Kind({ target: work.enter, args: [1] });
      await handle.start();
      found.push(await handle.result);
      await handle.join();
    }
    return found;
  },
  "Manager.register": async () => {
    const own = await manager.Own();
    return [await own.enter(1), await own.enter(2), await own.enter(3)];
  },
  "ManagerPriorityQueueOptions.compare": async () => {
    const queue = await manager.priorityQueue<number>({ compare: work.compare });
    for (const item of [3, 1, 2]) await queue.put(item);
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([1, 2, 3]);
    return ["none"];
  },
  "ManagerBarrierOptions.action": async () => {
    const barrier = await manager.barrier(1, { action: work.act });
    await barrier.wait();
    await barrier.wait();
    return ["none"];
  },
};

/** Takes a function or an iterable, and needs no row: why. */
const EXEMPT: Readonly<Record<string, string>> = {
  "CheckedOptions.initializer": "internal: what ExecutorOptions become",
  "CheckedOptions.finalizer": "internal: what ExecutorOptions become",
  "CompiledOptions.watch": "internal: what TaskOptions become",
  "ExecutorOptions.finalizer": "runs in a worker that takes no task any more",
  "SegmentObject.constructor": "internal: what makes a new object",
  "SyncObject.constructor": "internal: what makes a new object",
  "ManagerOptions.initializer": "runs in the server before any call",
  "PoolProxy.apply": "what runs is a task of the pool in the server",
  "PoolProxy.starmap": "in the row of PoolProxy.map",
  inline: "makes a task",
  task: "makes a task",
};

describe("code of the user runs in the context of the call that it runs for", () => {
  test.each(Object.entries(HERE))("%s", async (_, body) => {
    const found: (string | undefined)[] = [];
    await store.run("B", async () => body(() => void found.push(store.getStore())));
    // Encoders and decoders note by themselves.
    expect([...new Set(found)]).toEqual(["B"]);
  });

  test("a listener of a task's signal hears of the cancellation in the context of the task", async () => {
    for (const executor of [thread, process_]) {
      const [here, there] = pipe<string>();
      const future = executor.submit(work.whenAborted, there as never);
      for await (const _ of future.progress) break;
      future.cancel();
      expect(await here.recv()).toBe("task");
      here.close();
    }
  });

  test("inline tasks run in a copy of their call's context", async () => {
    const found = await store.run("B", async () => [
      await inline.submit(work.enter, 1),
      await inline.submit(work.enterLater, 2),
      store.getStore(),
    ]);
    expect(found).toEqual(["B", "B", "B"]);
  });

  test("a method of a manager's own class hears of the end of its call in the context of the call", async () => {
    const own = await manager.Own();
    const gone = new AbortController();
    const waiting = own.$call("abortable", [], { signal: gone.signal });
    // Calls are served in order: by the answer to the second the first one waits.
    await own.enter(1);
    gone.abort();
    await waiting.catch(() => {});
    expect(await own.lastSeen()).toBe("call");
  });
});

describe("every call that runs elsewhere starts in a context of its own", () => {
  test.each(Object.entries(ELSEWHERE))("%s", async (_, body) => {
    const found = await store.run("B", body);
    expect([...new Set(found)]).toEqual(["none"]);
  });
});

test("every public function and option that takes a function or an iterable has a row above", () => {
  const report = readFileSync(new URL("../../api/manycore.api.md", import.meta.url), "utf8");
  const known = new Set([...Object.keys(HERE), ...Object.keys(ELSEWHERE), ...Object.keys(EXEMPT)]);
  const taking = takersIn(report);
  expect(taking.length).toBeGreaterThan(50);
  expect(taking.filter((name) => !known.has(name))).toEqual([]);
  // No row is left of what there is no more.
  const rows = [...Object.keys(HERE), ...Object.keys(ELSEWHERE)].filter((name) =>
    /^[A-Z]\w+\.\w+$|^\w+$/.test(name),
  );
  expect(rows.filter((name) => !taking.includes(name))).toEqual([]);
});

/** `Class.method`, `Interface.option` and functions of an API report whose parameters are code of the user. */
function takersIn(report: string): string[] {
  const found = new Set<string>();
  const code = report.slice(report.indexOf("```ts"), report.lastIndexOf("```"));
  const isCode = /=>|\bTask<|\bTaskRef<|Iterable<|ReadableStream<|Registrable|DictEntries/;
  for (const block of code.split(/\n\n(?=\/\/ )/)) {
    const head = /^(export )?(?:abstract )?(class|interface|function) (\w+)/m.exec(block);
    if (head === null) continue;
    const [, exported, kind, name] = head as unknown as [
      string,
      string | undefined,
      string,
      string,
    ];
    // What has no name outside is public as a base class, or as the options of something.
    const isBase = new RegExp(`^export (abstract )?class .* extends ${name}\\b`, "m").test(code);
    if (exported === undefined && !isBase && !name.endsWith("Options")) continue;
    if (kind === "function") {
      if (isCode.test(block.slice(block.indexOf("("), block.lastIndexOf("):")))) found.add(name);
      continue;
    }
    const body = block.slice(head.index).replace(/\n {8,}|\n    \}/g, " ");
    let isInternal = false;
    for (const line of body.split("\n").slice(1)) {
      if (/^ +\/\//.test(line)) {
        isInternal ||= line.includes("@internal");
        continue;
      }
      const method = /^ +(?:static )?(\w+)(?:<.*?>)?\((.*)\)/.exec(line);
      const option = /^ +readonly (\w+)\??: (.*);/.exec(line);
      const [, member, types] = method ?? option ?? [];
      if (!isInternal && member !== undefined && isCode.test(types ?? "")) {
        found.add(`${name}.${member}`);
      }
      isInternal = false;
    }
  }
  return [...found];
}
