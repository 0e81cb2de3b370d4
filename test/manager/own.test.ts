import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { IteratorProxy, Lock, Manager, Process, type Maker } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { eventually } from "../helpers/leaks.ts";
import { rejection } from "../connection/kit.ts";
import {
  Counter,
  Disposed,
  Initialized,
  initializeWithMoney,
  Money,
  sharedCounter,
  Waiter,
} from "../fixtures/manager/work.mjs";
import { collect, work } from "./kit.ts";

useNamespace("manager-own");

class Own extends Manager {
  declare Waiter: Maker<typeof Waiter>;
  declare Disposed: Maker<typeof Disposed>;
}
Own.register("Waiter", Waiter);
Own.register("Disposed", Disposed);
const Typed = Own.register("Counter", Counter, { methodToType: { child: "Counter" } })
  .register("Narrow", Counter, { exposed: ["value"] })
  .register("shared", sharedCounter);

let manager: InstanceType<typeof Typed>;
beforeAll(async () => {
  manager = await Typed.start();
});
afterAll(() => manager.shutdown());

describe("an own class", () => {
  test("has its public methods, asynchronous and typed", async () => {
    const counter = await manager.Counter(5);
    expectTypeOf(counter.add).parameters.toEqualTypeOf<[n: number]>();
    expectTypeOf(counter.add).returns.toEqualTypeOf<Promise<number>>();
    expectTypeOf(counter).not.toHaveProperty("_private");
    expect([await counter.add(2), await counter.value()]).toEqual([7, 7]);
    expect(await (await manager.create(Counter, 1)).value()).toBe(1);
    expect(await (await manager.create<Counter>("Counter", 2)).value()).toBe(2);
  });

  test("gives proxies where it was registered so, and iterators for generators", async () => {
    const counter = await manager.Counter();
    const child = await counter.child(10);
    expect(await child.add(1)).toBe(11);
    const numbers = await counter.upTo(3);
    expect(numbers).toBeInstanceOf(IteratorProxy);
    expect(await collect(numbers)).toEqual([0, 1, 2]);
    expect(await numbers.next()).toEqual({ done: true, value: undefined });
  });

  test("shows nothing but what it exposes, whoever asks", async () => {
    const counter = await manager.Counter();
    const narrow = await manager.Narrow(3);
    expect(await narrow.value()).toBe(3);
    expect("add" in narrow).toBe(false);
    expectTypeOf(narrow).not.toHaveProperty("add");
    const forbidden = [
      "_private",
      "_secret",
      "danger",
      "constructor",
      "__proto__",
      "hasOwnProperty",
      "toString",
      "__defineGetter__",
      "",
    ];
    for (const name of forbidden) {
      expect(await rejection(counter.$call(name)), name).toMatchObject({
        code: "ERR_MANYCORE_INVALID_STATE",
      });
    }
    expect(await rejection(narrow.$call("add", [1]))).toMatchObject({
      message: '"add" is no method that Narrow exposes: value.',
    });
  });

  test("throws as itself: class, message, code and the stacks of both sides", async () => {
    const counter = await manager.Counter();
    const error = await rejection(counter.fail("too many"));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "too many", code: "ERR_COUNTER" });
    expect(error.stack).toMatch(/work\.mjs[^]*manager at "[^"]+" \[manycore\][^]*own\.test\.ts/);
  });

  test("made by a function that always gives the same one is the same for all", async () => {
    const [a, b] = [await manager.shared(), await manager.shared()];
    await a.add(1);
    expect(await b.value()).toBe(101);
  });

  test("is disposed of with its last proxy", async () => {
    const [kept, other] = [await manager.Disposed(), await manager.Disposed()];
    expect(await kept.made()).toBe(2);
    other[Symbol.dispose]();
    expect(await kept.made()).toBe(1);
    expect(await rejection(other.made())).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
  });
});

describe("a method that waits", () => {
  test("holds up nobody, and learns when its caller gives up", async () => {
    const waiter = await manager.Waiter();
    const reason = new Error("changed my mind");
    const gone = new AbortController();
    const waiting = rejection(waiter.$call("wait", [], { signal: gone.signal }));
    expect(await waiter.seen()).toEqual(["waits"]);
    gone.abort(reason);
    expect(await waiting).toBe(reason);
    expect(await waiter.seen()).toEqual(["waits", "aborted"]);
    expect(await rejection(waiter.$call("wait", [], { signal: gone.signal }))).toBe(reason);
  });

  test("learns when its time is up", async () => {
    const waiter = await manager.Waiter();
    expect(await rejection(waiter.$call("wait", [], { timeout: 1 }))).toMatchObject({
      code: "ERR_MANYCORE_TIMEOUT",
    });
    expect(await waiter.seen()).toEqual(["waits", "aborted"]);
  });

  test("learns when its caller is killed", async () => {
    const waiter = await manager.Waiter();
    const there = await manager.queue<number>();
    const child = await new Process({
      target: work.waitFor,
      args: [waiter, "wait", there],
    }).start();
    await there.get();
    await eventually("the wait", async () => (await waiter.seen()).length === 1);
    child.kill();
    await eventually("the abort", async () => (await waiter.seen()).length === 2);
    expect(await waiter.seen()).toEqual(["waits", "aborted"]);
    await child.join();
  });
});

describe("registering", () => {
  test("refuses names that are taken, and what is no class or function", () => {
    expect(() => Own.register("dict", Counter)).toThrow(/have "dict" already/);
    expect(() => Own.register("shutdown", Counter)).toThrow(TypeError);
    expect(() => Own.register("", Counter)).toThrow(RangeError);
    expect(() => Own.register("text", "text" as never)).toThrow(TypeError);
  });

  test("counts for the class and those that extend it, not for others", async () => {
    class Lower extends Own {}
    class Other extends Manager {}
    Other.register("Counter");
    await using_(await Lower.start(), async (lower) => {
      expect(await (await lower.create<Counter>("Counter", 4)).value()).toBe(4);
      expect("Counter" in lower).toBe(true);
    });
    await using_(await Other.start(), async (other) => {
      expect(await rejection(other.create("Counter"))).toMatchObject({
        code: "ERR_MANYCORE_INVALID_STATE",
      });
      expect(await rejection(other.create(Counter))).toMatchObject({
        code: "ERR_MANYCORE_INVALID_STATE",
      });
    });
  });

  test("what the server cannot find again is an error of the start", async () => {
    class Lost extends Manager {}
    Lost.register(
      "Local",
      class Local {
        value = 1;
      },
    );
    expect(await rejection(Lost.start())).toMatchObject({ code: "ERR_MANYCORE_TASK_NOT_FOUND" });
    class Wrong extends Manager {}
    Wrong.register("Counter", Counter, { exposed: ["_private" as "value"] });
    await using_(await Wrong.start(), async (wrong) => {
      expect(await rejection(wrong.create("Counter"))).toBeInstanceOf(TypeError);
    });
  });
});

describe("an initializer", () => {
  test("is given instances of the classes that its own module registers, and shared objects", async () => {
    using lock = new Lock();
    class WithMoney extends Manager {}
    WithMoney.register("Initialized", Initialized);
    const started = WithMoney.start({
      initializer: initializeWithMoney,
      initializerArgs: [new Money(7), lock],
    });
    await using_(await started, async (own) => {
      expect(await (await own.create(Initialized)).value()).toEqual([true, 7, "Lock"]);
    });
  });

  test("runs in the server before anything else", async () => {
    class WithInitialized extends Manager {}
    WithInitialized.register("Initialized", Initialized);
    const { initialize } = await import("../fixtures/manager/work.mjs");
    const started = WithInitialized.start({ initializer: initialize, initializerArgs: [42] });
    await using_(await started, async (own) => {
      expect(await (await own.create(Initialized)).value()).toBe(42);
    });
  });

  test("has to be a function, and to succeed", async () => {
    const wrong = Manager.start({ initializer: 5 as never });
    expect(await rejection(wrong)).toBeInstanceOf(TypeError);
    const { failToInitialize } = await import("../fixtures/manager/work.mjs");
    const error = await rejection(Manager.start({ initializer: failToInitialize }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe("no way to begin");
    expect(error.stack).toMatch(/work\.mjs/);
  });
});

async function using_<T extends AsyncDisposable>(
  resource: T,
  body: (resource: T) => Promise<void>,
): Promise<void> {
  try {
    await body(resource);
  } finally {
    await resource[Symbol.asyncDispose]();
  }
}
