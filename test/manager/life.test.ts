import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { connect, Manager, pipe, Process } from "manycore";
import { readMessage, writeHeader } from "../../dist/manager/protocol.js";
import { encodeValue } from "../../dist/wire/codec.js";
import { isAlive, startProgram, untilLine, runProgram, waitForDeath } from "../helpers/leaks.ts";
import { useNamespace } from "../helpers/namespace.ts";
import { rejection, stranger, untilClosed } from "../connection/kit.ts";
import { BOUND, work } from "./kit.ts";

const folder = useNamespace("manager-life");
const PROGRAM = fileURLToPath(new URL("../fixtures/manager/work.mjs", import.meta.url));
const END = { code: "ERR_MANYCORE_END_OF_STREAM" };
const sockets = (): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((file) => file.startsWith("listen-")) : [];

describe("a manager", () => {
  test("that was started can be left in a scope; its server exits with 0 and nothing is left", async () => {
    const manager = await Manager.start();
    const pid = manager.pid!;
    expect([manager.exitCode, isAlive(pid)]).toEqual([undefined, true]);
    expect(inspect(manager)).toMatch(/^<Manager at ".*", pid \d+>$/);
    expect(await manager.join({ timeout: 1 })).toBeUndefined();
    const dict = await manager.dict();
    await manager[Symbol.asyncDispose]();
    expect([manager.exitCode, await manager.join(), isAlive(pid)]).toEqual([0, 0, false]);
    expect(await rejection(manager.dict())).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
    expect(await rejection(dict.size())).toMatchObject(END);
    await manager.shutdown();
    expect(inspect(manager)).toContain("ended");
    expect(sockets()).toEqual([]);
  });

  test("is not made by its constructor", () => {
    expect(() => new Manager()).toThrow(/await Manager.start\(\)/);
  });

  test("that was only connected to is left, not ended", async () => {
    const manager = await Manager.start();
    const other = await Manager.connect(manager.address);
    expect([other.pid, other.exitCode]).toEqual([undefined, undefined]);
    const list = await other.list([1]);
    expect(await rejection(other.shutdown())).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
    expect(await rejection(other.join())).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
    await other[Symbol.asyncDispose]();
    expect(await list.length()).toBe(1);
    await manager.shutdown();
  });

  test("can serve in the program itself", async () => {
    const manager = await Manager.serve();
    const dict = await manager.dict<string, unknown>({ list: await manager.list([1]) });
    const inner = (await dict.get("list")) as Awaited<ReturnType<typeof manager.list>>;
    expect(await inner.push(2)).toBe(2);
    const child = new Process({ target: work.addMany, args: [dict as never, 3] });
    await (await child.start()).join();
    expect(await dict.get("n")).toBe(3);
    await manager.shutdown();
    expect(await rejection(dict.get("n"))).toMatchObject(END);
  });

  test("whose address is taken is an error of the start", async () => {
    const manager = await Manager.start();
    expect(await rejection(Manager.start({ address: manager.address }))).toMatchObject({
      code: "EADDRINUSE",
    });
    await manager.shutdown();
  });
});

describe("a server", () => {
  test("that is killed fails every call at once, those that wait too", async () => {
    const manager = await Manager.start();
    const lock = await manager.lock();
    await lock.acquire();
    const waiting = rejection(lock.acquire(BOUND));
    await lock.locked();
    process.kill(manager.pid!, "SIGKILL");
    expect(await waiting).toMatchObject(END);
    expect(await rejection(lock.locked())).toMatchObject(END);
    expect(await manager.join(BOUND)).toBe(-9);
    expect(await rejection(manager.dict())).toMatchObject(END);
    await manager.shutdown();
    expect(sockets()).toEqual([]);
  });

  test("that is stopped is not waited for longer than a timeout and a little", async () => {
    const manager = await Manager.start();
    const event = await manager.event();
    process.kill(manager.pid!, "SIGSTOP");
    expect(await rejection(event.wait({ timeout: 1 }))).toMatchObject({
      code: "ERR_MANYCORE_TIMEOUT",
    });
    await manager.shutdown({ timeout: 10 });
    expect(manager.exitCode).toBe(-9);
  });

  test("ends with the program that has started it, which it does not hold open", async () => {
    const { code, stdout, stderr } = await runProgram(PROGRAM, []);
    expect([code, stderr]).toEqual([0, ""]);
    await waitForDeath(Number(stdout.split(" ")[0]));
    expect(existsSync(stdout.trim().split(" ")[1]!)).toBe(false);
  });

  test("ends when its starter is killed", async () => {
    const [here, there] = pipe<unknown>();
    const child = await new Process({ target: work.startAndIdle, args: [there] }).start();
    const [pid, address] = (await here.recv()) as [number, string];
    expect([isAlive(pid), existsSync(address)]).toEqual([true, true]);
    child.kill();
    await child.join();
    await waitForDeath(pid);
    expect(existsSync(address)).toBe(false);
    here.close();
  });

  test("ignores Ctrl-C, which its starter may handle", async () => {
    const program = startProgram(PROGRAM, ["interrupt"]);
    const [, pid] = await untilLine(program, /^(\d+) /m);
    process.kill(Number(pid), "SIGINT");
    process.kill(program.pid, "SIGINT");
    const { code, stdout } = await program.ended;
    expect(code).toBe(0);
    expect(stdout).toContain("still 1");
    await waitForDeath(Number(pid));
  });

  test("goes on whatever clients send that know the key, and lets in no others", async () => {
    const authKey = "the key";
    const manager = await Manager.start({ authKey });
    const list = await manager.list([1]);
    const nonsense: Uint8Array[] = [
      Buffer.of(),
      Buffer.of(0),
      Buffer.of(255, 255, 1),
      Buffer.of(0, 1, 0xc1),
      Buffer.of(0, 1, 5),
      asked([]),
      asked([99, 1]),
      asked([0, "x"]),
      asked([0, 1, 1, "copy"]),
      asked([0, 1, 1, "copy", null, 0]),
      asked([0, 1.5, 1, "copy", 0, 0]),
      asked([1, 1, 5]),
      asked([2, 1, 5]),
      asked([4, 1, 7]),
      asked([5, 1]),
      asked([8, 1]),
      asked(["__proto__"]),
    ];
    for (const [i, bytes] of nonsense.entries()) {
      const client = await connect<unknown>(manager.address, { authKey });
      await client.recv();
      await client.sendBytes(bytes);
      expect(await rejection(client.recv(BOUND)), `message ${i}`).toMatchObject(END);
      client.close();
    }
    const client = await connect<unknown[]>(manager.address, { authKey });
    await client.recv();
    const ask = async (header: readonly unknown[], value: Uint8Array): Promise<unknown> => {
      await client.sendBytes(asked(header, value));
      return readMessage(await client.recvBytes(BOUND)).header;
    };
    const { bytes } = encodeValue([], { destination: "process", root: "args" });
    // Objects that it was never given, and arguments that are none.
    expect(await ask([0, 1, 1, "copy", 0, 0], bytes)).toEqual([1, 1]);
    expect(await ask([0, 2, 1, "copy", 0, 0], Buffer.of(255, 255))).toEqual([1, 2]);
    expect(await ask([0, 3, 1, "copy", 0, 0], Buffer.of(2, 255, 255, 255, 255))).toEqual([1, 3]);
    expect(await ask([0, 4, 1, "copy", 0, 0], Buffer.of())).toEqual([1, 4]);
    expect(await ask([1, 5, "iterator"], bytes)).toEqual([1, 5]);
    await client.sendBytes(asked([4, 1, "a pin for what it does not have"]));
    client.close();
    // One that does not wait for the greeting.
    const hasty = await connect<unknown>(manager.address, { authKey });
    await hasty.sendBytes(asked([7, 1]));
    await hasty.recv(BOUND);
    expect(readMessage(await hasty.recvBytes(BOUND)).header).toEqual([0, 1]);
    hasty.close();
    const unknown = await stranger(manager.address);
    const closed = untilClosed(unknown);
    unknown.write(Buffer.alloc(1000, 7));
    await closed;
    expect(await list.copy()).toEqual([1]);
    await manager.shutdown();
  });
});

/** A message of a client. */
function asked(header: readonly unknown[], value: Uint8Array = Buffer.of()): Uint8Array {
  return Buffer.concat([...writeHeader(header), value]);
}
