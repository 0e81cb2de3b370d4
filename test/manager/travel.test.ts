import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connect,
  type DictProxy,
  Listener,
  Manager,
  pipe,
  Process,
  ProcessPoolExecutor,
  type QueueProxy,
  Thread,
} from "manycore";
import { runProgram, eventually } from "../helpers/leaks.ts";
import { useNamespace } from "../helpers/namespace.ts";
import { rejection } from "../connection/kit.ts";
import { Money, spend } from "../fixtures/manager/work.mjs";
import { BOUND, work } from "./kit.ts";

useNamespace("manager-travel");
let manager: Manager;
beforeAll(async () => {
  manager = await Manager.start();
});
afterAll(() => manager.shutdown());

/** Waits until the server has that many objects. */
const untilCount = (count: number): Promise<unknown> =>
  eventually(`${count} objects`, async () => (await manager.objectCount()) === count);

describe("proxies", () => {
  test("of all kinds work in a process and a thread: what they do there is seen here", async () => {
    for (const Kind of [Process, Thread]) {
      const dict = await manager.dict<string, number>();
      const list = await manager.list<string>();
      const space = await manager.namespace<{ child: boolean }>();
      const queue = await manager.queue<string>();
      const event = await manager.event();
      const child = await new Kind({
        target: work.fill,
        args: [dict, list, space, queue, event],
      }).start();
      expect(await event.wait(BOUND)).toBe(true);
      expect(await dict.get("child")).toBe(1);
      expect(await list.copy()).toEqual(["child"]);
      expect(await space.get("child")).toBe(true);
      expect(await queue.get()).toBe("child");
      await child.join();
    }
  });

  test("go to the workers of an executor and come back", async () => {
    const dict = await manager.dict<string, number>({ n: 0 });
    await using_(new ProcessPoolExecutor({ maxWorkers: 2 }), async (executor) => {
      await Promise.all([1, 2, 3, 4].map(() => executor.submit(work.addMany, dict, 25)));
      expect(await dict.get("n")).toBe(100);
      const same = (await executor.submit(work.give, dict)) as DictProxy<string, number>;
      expect(same).not.toBe(dict);
      await same.set("n", 5);
      expect(await dict.get("n")).toBe(5);
    });
  });

  test("go through pipes and connections", async () => {
    const list = await manager.list([1]);
    const [a, b] = pipe<unknown>();
    await a.send({ list });
    const got = (await b.recv()) as { list: typeof list };
    await got.list.push(2);
    await using_(await Listener.listen(), async (listener) => {
      const client = await connect<unknown>(listener.address);
      const server = await listener.accept();
      await server.send(got.list);
      await ((await client.recv()) as typeof list).push(3);
      client.close();
      server.close();
    });
    expect(await list.copy()).toEqual([1, 2, 3]);
    a.close();
    b.close();
  });

  test("inside other objects stand for the same object", async () => {
    const queue = await manager.queue<number>();
    const list = await manager.list([queue]);
    const dict = await manager.dict<string, QueueProxy<number>>({ queue });
    await ((await list.at(0)) as QueueProxy<number>).put(1);
    await (await dict.get("queue"))!.put(2);
    expect([await queue.get(), await queue.get()]).toEqual([1, 2]);
    const outer = await manager.list([await manager.dict<string, number>({ a: 1 })]);
    const inner = (await outer.at(0))!;
    await inner.set("a", 2);
    expect(await (await outer.at(0))!.get("a")).toBe(2);
  });

  test("carry what only the server's modules know, and values of registered classes", async () => {
    const dict = await manager.dict<string, Money>();
    const odd = rejection(dict.set("money", new Money(5)));
    expect(await odd).toMatchObject({ code: "ERR_MANYCORE_SERIALIZATION" });
    const pool = await manager.pool({ workers: 1 });
    // The pool's function brings the module, and so the class, into the server.
    expect(await pool.apply(spend, [{ cents: 3 }])).toBe(3);
    await pool.terminate();
  });
});

describe("an object", () => {
  test("goes with its last proxy, wherever that is", async () => {
    const before = await manager.objectCount();
    const dict = await manager.dict<string, number>();
    const there = await manager.queue<string>();
    expect(await manager.objectCount()).toBe(before + 2);
    const child = await new Process({ target: work.hold, args: [dict, there] }).start();
    expect(await there.get(BOUND)).toBe("held");
    dict[Symbol.dispose]();
    expect(await rejection(dict.get("a"))).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
    there[Symbol.dispose]();
    await served();
    expect(await manager.objectCount()).toBe(before + 2);
    child.kill();
    await child.join();
    await untilCount(before);
  });

  test("stays while a proxy of it is on its way, and goes when that is lost", async () => {
    const before = await manager.objectCount();
    const dict = await manager.dict<string, number>({ a: 1 });
    const [a, b] = pipe<unknown>();
    await a.send(dict);
    dict[Symbol.dispose]();
    expect(await manager.objectCount()).toBe(before + 1);
    const got = (await b.recv()) as typeof dict;
    expect(await got.get("a")).toBe(1);
    const refused = rejection(
      new Process({ target: work.give, args: [[got, () => {}] as never] }).start(),
    );
    expect(await refused).toMatchObject({ code: "ERR_MANYCORE_SERIALIZATION" });
    got[Symbol.dispose]();
    await untilCount(before);
    const lost = await manager.dict();
    b.close();
    await rejection(a.send(lost));
    lost[Symbol.dispose]();
    await untilCount(before);
    a.close();
  });

  test("that nobody took over from a client that is gone goes after a while", async () => {
    await using_(await Manager.start({ handOverTimeout: 1 }), async (own) => {
      const other = await Manager.connect(own.address);
      expect(await own.objectCount()).toBe(0);
      // Held by the pin of a message alone.
      const [a, b] = pipe<unknown>();
      const child = await new Process({ target: work.sendNew, args: [a, own.address] }).start();
      await child.join();
      await eventually("no objects", async () => (await own.objectCount()) === 0);
      const late = (await b.recv()) as DictProxy;
      expect(await rejection(late.get("a"))).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
      b.close();
      await other[Symbol.asyncDispose]();
    });
  });

  test("goes when its proxies are forgotten", async () => {
    const script = new URL("../fixtures/manager/forget.mjs", import.meta.url);
    const { stdout, stderr } = await runProgram(script.pathname, [], { execArgv: ["--expose-gc"] });
    expect([stdout.trim(), stderr]).toEqual(["0", ""]);
  });
});

describe("another program", () => {
  test("shares the objects when it knows the key, over TCP", async () => {
    class Shared extends Manager {}
    const { sharedCounter } = await import("../fixtures/manager/work.mjs");
    Shared.register("shared", sharedCounter);
    const authKey = "between friends";
    const started = await Shared.start({ address: { host: "127.0.0.1", port: 0 }, authKey });
    await using_(started, async (own) => {
      const { port } = own.address as { port: number };
      const script = new URL("../fixtures/manager/remote.mjs", import.meta.url);
      const { code, stderr } = await runProgram(script.pathname, [String(port), authKey]);
      expect([code, stderr]).toEqual([0, ""]);
      const counter = await own.create(sharedCounter);
      expect(await counter.value()).toBe(105);
      // Processes of this program get the key with the proxy.
      const child = await new Process({
        target: work.addMany,
        args: [await own.dict({ n: 1 }), 3],
      }).start();
      expect([await child.result, await child.join()]).toEqual([undefined, 0]);
      expect(await rejection(Manager.connect(own.address, { authKey: "x" }))).toMatchObject({
        code: "ERR_MANYCORE_AUTHENTICATION",
      });
      expect(
        await rejection(own.pool().then((pool) => pool.apply(work.square, [2]))),
      ).toMatchObject({
        code: "ERR_MANYCORE_NOT_SUPPORTED",
      });
    });
  });

  test("gets what nobody listens for", async () => {
    expect(await rejection(Manager.connect("/nowhere/at-all"))).toMatchObject({ code: "ENOENT" });
  });
});

const served = (): Promise<number> => manager.objectCount();

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
