import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  Lock,
  ProcessPoolExecutor,
  ShareableList,
  SharedMemory,
  SharedMemoryManager,
} from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { eventually, waitForDeath } from "../helpers/processes.ts";
import { rejection } from "../connection/kit.ts";
import { inProgram, talkTo } from "../shared/program.ts";
import { poke, setItem } from "../fixtures/shared/work.mjs";

const folder = useNamespace("shared-memory-manager");
const segments = (): string[] => readdirSync(folder).filter((file) => file.startsWith("s."));
const refused = (open: () => unknown): unknown => {
  try {
    return open();
  } catch (error) {
    return (error as { readonly reason?: unknown }).reason;
  }
};

beforeAll(() => new Lock().close());

describe("a SharedMemoryManager", () => {
  test("makes memory and lists that other programs open by their names", async () => {
    const manager = await SharedMemoryManager.start();
    const memory = await manager.sharedMemory(100);
    const list = await manager.shareableList(new Set([1, "two", null, 4n, new Uint8Array([5])]));
    expect([memory.size, list.length, list.get(1)]).toEqual([100, 5, "two"]);
    expect(new Uint8Array(memory.buffer)).toEqual(new Uint8Array(100));
    const seen = await inProgram(`
      const memory = manycore.SharedMemory.open(${JSON.stringify(memory.name)});
      const list = manycore.ShareableList.open(${JSON.stringify(list.name)});
      new Uint8Array(memory.buffer)[99] = 7;
      list.set(1, "owt");
      return [memory.size, list.get(-2) === 4n, list.indexOf(null)];
    `);
    expect(seen).toEqual([[100, true, 2]]);
    expect([new Uint8Array(memory.buffer)[99], list.get(1)]).toEqual([7, "owt"]);
    memory.close();
    list.close();
    await manager.shutdown();
  });

  test("sends them as any others", async () => {
    const manager = await SharedMemoryManager.start();
    const executor = new ProcessPoolExecutor({ maxWorkers: 1 });
    using memory = await manager.sharedMemory(10);
    using list = await manager.shareableList([1, 2, 3]);
    await executor.submit(poke, memory, 3, 9);
    expect(new Uint8Array(memory.buffer)[3]).toBe(9);
    await executor.submit(setItem, list, 1, 8);
    expect([...list]).toEqual([1, 8, 3]);
    await executor.shutdown();
    await manager.shutdown();
  });

  test("keeps what nobody has open, and unlinks it at its end", async () => {
    const manager = await SharedMemoryManager.start();
    const memory = await manager.sharedMemory(10);
    const list = await manager.shareableList(["a"]);
    const names = [memory.name, list.name!] as const;
    new Uint8Array(memory.buffer)[0] = 3;
    memory.close();
    list.close();
    using kept = SharedMemory.open(names[0]);
    expect(new Uint8Array(kept.buffer)[0]).toBe(3);
    ShareableList.open(names[1]).close();
    await manager.shutdown();
    expect(refused(() => SharedMemory.open(names[0]))).toBe("missing");
    expect(refused(() => ShareableList.open(names[1]))).toBe("missing");
    // Who has it open keeps it.
    expect(new Uint8Array(kept.buffer)[0]).toBe(3);
    expect(segments()).toEqual([]);
  });

  test("ends what its clients made, also one that only connected, and not before", async () => {
    const manager = await SharedMemoryManager.start();
    const client = await SharedMemoryManager.connect(manager.address);
    const { name } = await client.sharedMemory(10);
    await client[Symbol.asyncDispose]();
    SharedMemory.open(name).close();
    await manager[Symbol.asyncDispose]();
    expect(refused(() => SharedMemory.open(name))).toBe("missing");
  });

  test("can serve in the program itself", async () => {
    const manager = await SharedMemoryManager.serve();
    const { name } = await manager.sharedMemory(10);
    SharedMemory.open(name).close();
    await manager.shutdown();
    expect(refused(() => SharedMemory.open(name))).toBe("missing");
  });

  test("gives back the memory of what was unlinked before its end", async () => {
    const manager = await SharedMemoryManager.start();
    const before = segments().length;
    for (let i = 0; i < 10; i++) {
      const memory = await manager.sharedMemory(10);
      memory.unlink();
      memory.close();
    }
    expect(segments().length).toBeLessThanOrEqual(before + 1);
    await manager.shutdown();
    expect(segments()).toEqual([]);
  });

  test("ends only what is its own: a name that was given up may be another's", async () => {
    const manager = await SharedMemoryManager.start();
    const memory = await manager.sharedMemory(10);
    memory.unlink();
    using other = SharedMemory.create({ size: 20, name: memory.name });
    await manager.shutdown();
    using same = SharedMemory.open(memory.name);
    expect([same.size, other.size]).toEqual([20, 20]);
    memory.close();
  });

  test("refuses what the classes refuse, and anything after its end", async () => {
    const manager = await SharedMemoryManager.start();
    for (const size of [0, -1, 1.5, Infinity, 2 ** 60]) {
      expect(await rejection(manager.sharedMemory(size))).toBeInstanceOf(RangeError);
    }
    expect(await rejection(manager.shareableList([{}] as never))).toMatchObject({
      name: "TypeError",
      message: expect.stringContaining("values[0]") as string,
    });
    await manager.shutdown();
    expect(await rejection(manager.sharedMemory(1))).toMatchObject({
      code: "ERR_MANYCORE_INVALID_STATE",
    });
  });

  test("of a program that is killed leaves nothing, whoever has its memory open", async () => {
    const program = talkTo(`
      const manager = await manycore.SharedMemoryManager.start();
      const memory = await manager.sharedMemory(4096);
      const list = await manager.shareableList([1, 2]);
      say([manager.pid, memory.name, list.name]);
      await told();
    `);
    const [line] = await program.until(/^\[.*\]$/m);
    const [pid, name, listName] = JSON.parse(line) as [number, string, string];
    using memory = SharedMemory.open(name);
    new Uint8Array(memory.buffer)[1] = 1;
    expect(segments().length).toBe(2);
    await program.kill();
    await waitForDeath(pid);
    // Seen from outside, before anybody tidies.
    await eventually("no file is left", () => segments().length === 0);
    expect(new Uint8Array(memory.buffer)[1]).toBe(1);
    expect(refused(() => SharedMemory.open(name))).toBe("missing");
    expect(refused(() => ShareableList.open(listName))).toBe("missing");
  });

  test("that is killed itself leaves its memory to those who have it open", async () => {
    const manager = await SharedMemoryManager.start();
    const memory = await manager.sharedMemory(10);
    process.kill(manager.pid!, "SIGKILL");
    await manager.join();
    SharedMemory.open(memory.name).close();
    memory.close();
    expect(refused(() => SharedMemory.open(memory.name))).toBe("missing");
    expect(await rejection(manager.sharedMemory(1))).toMatchObject({
      code: "ERR_MANYCORE_END_OF_STREAM",
    });
    await manager.shutdown();
    expect(segments()).toEqual([]);
  });
});
