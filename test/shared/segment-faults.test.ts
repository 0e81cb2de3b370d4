import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { ShareableList, SharedArray, SharedMemory, SharedValue } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { inProgram, talkTo } from "./program.ts";

const folder = useNamespace("segment-faults");
const segments = (): string[] => readdirSync(folder).filter((file) => file.startsWith("s."));
const pathOf = (text: string): string =>
  join(
    folder,
    segments().find((file) => file.startsWith(text))!,
  );

/** Where the cell of a name is in the arena's file; see src/memory/layout.ts. */
function cellOffset(name: string): number {
  return readFileSync(join(folder, "arena.v1")).indexOf(name) - 112 * 4;
}

function writeArena(at: number, bytes: Float64Array | Int32Array): void {
  const fd = openSync(join(folder, "arena.v1"), "r+");
  writeSync(fd, bytes, 0, bytes.byteLength, at);
  closeSync(fd);
}

/** In a program of its own, for a thread that has the memory mapped does not look at the file again. */
const open = (name: string): Promise<unknown[]> =>
  inProgram(`return manycore.SharedMemory.open(${JSON.stringify(name)}).size`);

describe("memory whose file is not what it should be", () => {
  test("is refused when the file is too short", async () => {
    using memory = SharedMemory.create({ size: 9000, name: "short" });
    truncateSync(pathOf("s."), 8999);
    expect(await open("short")).toEqual([
      expect.objectContaining({
        code: "ERR_MANYCORE_INVALID_STATE",
        message: expect.stringMatching(/is damaged: it has 8999 bytes where 9000 are expected/),
      }),
    ]);
    truncateSync(pathOf("s."), 9000);
    expect(await open("short")).toEqual([9000]);
    expect(memory.size).toBe(9000);
  });

  test("is refused when the file is missing or no file", async () => {
    using memory = SharedMemory.create({ size: 9, name: "missing" });
    const path = pathOf("s.");
    rmSync(path);
    expect(await open("missing")).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/is missing: something removed/) }),
    ]);
    expect(new Uint8Array(memory.buffer)[0]).toBe(0);
    writeFileSync(path, "foreign");
    expect(await open("missing")).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/is damaged: it has 7 bytes/) }),
    ]);
  });

  test("that is persistent can be unlinked all the same", async () => {
    const memory = SharedMemory.create({ size: 9, name: "persistent", persistent: true });
    rmSync(pathOf("s."));
    memory.close();
    expect(await open("persistent")).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/is missing/) }),
    ]);
    expect(SharedMemory.unlink("persistent")).toBe(true);
    SharedMemory.create({ size: 9, name: "persistent" }).close();
  });

  test.each([Number.NaN, -1, 0, 1.5, 2 ** 60, 1e6])(
    "is refused when its entry says %d bytes",
    async (size) => {
      using memory = SharedMemory.create({ size: 64, name: `entry <${size}>` });
      const at = cellOffset(`entry <${size}>`) + 10 * 4;
      writeArena(at, Float64Array.of(size));
      expect(await open(`entry <${size}>`)).toEqual([
        expect.objectContaining({
          code: "ERR_MANYCORE_INVALID_STATE",
          message: expect.stringMatching(/damaged|at most/),
        }),
      ]);
      writeArena(at, Float64Array.of(64));
      expect(memory.size).toBe(64);
    },
  );

  test("an array or value whose entry is damaged is refused", async () => {
    using array = new SharedArray("int32", 4, { name: "an array" });
    const members = cellOffset("an array") + 80 * 4;
    const opened = (): Promise<unknown[]> =>
      inProgram(`return [...manycore.SharedArray.open("int32", "an array")]`);
    writeArena(members + 6 * 4, Float64Array.of(1e9));
    expect(await opened()).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/entry .* is damaged/) }),
    ]);
    writeArena(members + 6 * 4, Float64Array.of(-4));
    expect(await opened()).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/entry .* is damaged/) }),
    ]);
    writeArena(members + 6 * 4, Float64Array.of(4));
    writeArena(members + 2 * 4, Int32Array.of(99));
    expect(await opened()).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/type that this version/) }),
    ]);
    writeArena(members + 2 * 4, Int32Array.of(5));
    expect(await opened()).toEqual([[0, 0, 0, 0]]);
    expect(array.length).toBe(4);

    const value = new SharedValue("int32", 1, { name: "a value" });
    writeArena(cellOffset("a value") + 82 * 4, Int32Array.of(77));
    expect(() => new SharedValue("int32", 1, { name: "a value" })).toThrow(
      /type that this version/,
    );
    value.close();
  });

  test("a list that was written over is refused, not believed", () => {
    using list = new ShareableList(["abc", 5], { name: "list" });
    const fd = openSync(pathOf("s."), "r+");
    const put = (word: number, value: number): void =>
      void writeSync(fd, Int32Array.of(value), 0, 4, word * 4);
    // Words: header 4, then state, capacity, offset of each slot.
    put(4 + 2, -1);
    expect(() => list.get(0)).toThrow(/Slot 0 .* is damaged/);
    put(4 + 2, 6);
    put(4 + 1, 1 << 30);
    expect(() => list.get(0)).toThrow(/Slot 0 .* is damaged/);
    expect(() => list.set(0, "x")).toThrow(/Slot 0 .* is damaged/);
    put(4 + 1, 8);
    put(8, 15);
    expect(() => list.get(1)).toThrow(/Slot 1 .* is damaged/);
    put(8, 3);
    put(1, 1 << 20);
    expect(() => list.length).toThrow(/does not begin as a list does/);
    put(1, 2);
    put(0, 0);
    expect(() => [...list]).toThrow(/does not begin as a list does/);
    ftruncateSync(fd, 4096);
    closeSync(fd);
  });
});

describe("a file system in memory that is full", () => {
  const PROGRAM = fileURLToPath(new URL("../fixtures/shared/program.mjs", import.meta.url));
  const canMount =
    process.platform === "linux" &&
    spawnSync("unshare", ["-m", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /dev/shm"]).status ===
      0;

  test.skipIf(!canMount)("is an error that says so, and nobody dies of it", () => {
    const text = `
      const made = [];
      const MB = 1 << 20;
      for (const make of [
        () => manycore.SharedMemory.create({ size: 64 * MB }),
        () => new manycore.SharedArray("float64", 64 * MB, { name: "big" }),
      ]) {
        try { make() } catch (error) { say(error.code + " " + error.message) }
      }
      for (;;) {
        try {
          made.push(manycore.SharedMemory.create({ size: MB }));
        } catch (error) {
          say(error.code + " " + error.message);
          break;
        }
        new Uint8Array(made.at(-1).buffer).fill(1);
      }
      const full = made.length;
      made.pop().close();
      made.push(manycore.SharedMemory.create({ size: MB }));
      new Uint8Array(made.at(-1).buffer).fill(2);
      new manycore.SharedArray("float64", 10, { name: "big" });
      return full;
    `;
    const mounted = `mount -t tmpfs -o size=8m tmpfs /dev/shm && exec "$@"`;
    const { stdout, status, signal } = spawnSync(
      "unshare",
      ["-m", "sh", "-c", mounted, "sh", process.execPath, PROGRAM, text],
      { encoding: "utf8" },
    );
    expect([status, signal]).toEqual([0, null]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    const full = expect.stringMatching(
      /^ERR_MANYCORE_INVALID_STATE There is no room for \d+ bytes .* file system in memory is full/,
    );
    expect(lines).toEqual([full, full, full, 6]);
  });
});

describe("a program that is killed", () => {
  test.each([
    "segment:cell-made",
    "segment:file-empty",
    "segment:file-made",
    "segment:named",
    "segment:passing",
  ])("at %s leaves nothing", async (point) => {
    using stays = SharedMemory.create({ size: 4, name: "stays" });
    const before = segments();
    const text = `
      const memory = manycore.SharedMemory.create({ size: 4096, name: "half", persistent: true });
      say("made");
      memory.unlink();
      say("survived");
    `;
    const killed = inProgram(text, { env: { MANYCORE_FAULT: point } });
    await expect(killed).rejects.toThrow(/SIGKILL/);
    await expect(killed).rejects.not.toThrow(/survived/);
    expect(() => SharedMemory.open("half")).toThrow(/There is no SharedMemory/);
    using memory = SharedMemory.create({ size: 10, name: "half" });
    await inProgram(`new manycore.Lock()`);
    expect(segments()).toHaveLength(before.length + 1);
    expect([memory.size, stays.size]).toEqual([10, 4]);
  });

  test("anywhere leaves no memory behind, and no name", async () => {
    const text = `
      const kept = [];
      say("working");
      for (let i = 0; ; i++) {
        const name = "name " + (i % 3);
        try {
          kept.push(manycore.SharedMemory.create({ size: 1 << 14, name }));
        } catch (error) {
          if (error.reason !== "exists") throw error;
        }
        try {
          kept.push(manycore.SharedMemory.open(name));
        } catch (error) {
          if (error.reason !== "missing") throw error;
        }
        kept.push(new manycore.SharedArray("int8", 100, { name: "array" }));
        kept.push(new manycore.SharedValue("int32", 0, { name: "value" }));
        new Uint8Array(kept[0].buffer ?? kept[0].array).fill(1);
        while (kept.length > 6) kept.shift().close();
      }
    `;
    const stayed = new SharedValue("int32", 7, { name: "stays" });
    for (let round = 0; round < 12; round++) {
      const workers = [talkTo(text), talkTo(text)];
      await Promise.all(workers.map((worker) => worker.until(/working/)));
      await new Promise((resolve) => setTimeout(resolve, 5 + 7 * round));
      await Promise.all(workers.map((worker) => worker.kill()));
    }
    await inProgram(`new manycore.Lock()`);
    expect(segments()).toEqual([]);
    for (const name of ["name 0", "name 1", "name 2"]) {
      expect(() => SharedMemory.open(name)).toThrow(/There is no/);
    }
    const doorbells = readdirSync(folder).filter((file) => /^d\d/.test(file));
    expect(doorbells).toHaveLength(1);
    expect(stayed.value).toBe(7);
  });
});
