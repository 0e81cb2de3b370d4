import {
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { runProgram } from "../helpers/leaks.ts";
import { useNamespace } from "../helpers/namespace.ts";

const { Arena, ARENA_FILE, ARENA_SIZE, HEADER, BANK_CELLS } = (await import(
  new URL("../../dist/memory/index.js", import.meta.url).href
)) as typeof import("../../src/memory/index.ts");

const folder = useNamespace("arena");
const path = join(folder, ARENA_FILE);
const ONE = 1;
const encode = (name: string): Uint8Array => new TextEncoder().encode(name);
const nothing = (): void => {};
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("an arena", () => {
  test("is one for all that open it", () => {
    const first = new Arena();
    const second = new Arena();
    const made = first.exclusively(() => first.create(ONE, encode("a"), 0, nothing));
    expect(second.exclusively(() => second.find(encode("a")))).toBe(made.index);
    expect(second.nameOf(made.index)).toBe("a");
  });

  test("is whole when many processes make it at once", async () => {
    const program = fileURLToPath(new URL("../fixtures/parking/open-arena.mjs", import.meta.url));
    const ends = await Promise.all(Array.from({ length: 6 }, () => runProgram(program)));
    expect(ends.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      ends.map(() => ({ code: 0, stderr: "" })),
    );
    expect(new Set(ends.map(({ stdout }) => stdout)).size).toBe(1);
    expect(readdirSync(folder)).toEqual([ARENA_FILE]);
  });

  test.each([
    ["an empty file", () => writeFileSync(path, ""), /is damaged: it has 0 bytes/],
    ["a short file", () => shorten(), /is damaged: it has 5000 bytes/],
    ["another file", () => writeFileSync(path, Buffer.alloc(ARENA_SIZE, 7)), /is not an arena/],
    ["another major version", () => change(HEADER.abi, 9 << 16), /layout 9, and this one has/],
    ["other sizes", () => change(HEADER.cellSize, 64), /its size of a cell is 64, not 640/],
    ["another byte order", () => change(HEADER.endian, 0x04030201), /its byte order is/],
  ])("refuses %s", (_what, spoil, message) => {
    mkdirSync(folder, { mode: 0o700, recursive: true });
    spoil();
    expect(() => new Arena()).toThrow(message);
  });

  test("refuses a link in its place", () => {
    mkdirSync(folder, { mode: 0o700, recursive: true });
    writeFileSync(`${folder}/target`, Buffer.alloc(ARENA_SIZE));
    symlinkSync(`${folder}/target`, path);
    expect(() => new Arena()).toThrow(/ELOOP\): a symbolic link is in its place/);
  });

  test("refuses a folder that others may enter", () => {
    mkdirSync(folder, { mode: 0o700, recursive: true });
    chmodSync(folder, 0o755);
    expect(() => new Arena()).toThrow(/Others may enter .* \(mode 755\)/);
  });

  test("refuses a file in place of its folder", () => {
    writeFileSync(folder, "");
    expect(() => new Arena()).toThrow(/is not a folder/);
    rmSync(folder);
  });

  test("that is locked names the holder when patience ends", () => {
    const first = new Arena();
    const second = new Arena();
    first.exclusively(() => {
      expect(() => second.exclusively(nothing, 50)).toThrow(
        `was locked by process ${process.pid} for 0.05 s. Is it stopped`,
      );
    });
    second.exclusively(nothing, 50);
  });

  test("notices that it was removed or replaced", () => {
    const arena = new Arena();
    expect(arena.isInPlace).toBe(true);
    rmSync(path);
    expect(() => arena.checkInPlace()).toThrow(/was removed or replaced/);
    const other = new Arena();
    expect(arena.isInPlace).toBe(false);
    expect(other.isInPlace).toBe(true);
  });
});

describe("cells", () => {
  test("are found by name until they are freed, and their names can be used again", () => {
    const arena = new Arena();
    arena.exclusively(() => {
      // More than there are chains, so that some share one.
      const names = Array.from({ length: 1500 }, (_, i) => encode(`name ${i}`));
      const cells = names.map((name) => arena.create(ONE, name, 0, nothing));
      expect(names.map((name) => arena.find(name))).toEqual(cells.map(({ index }) => index));
      for (const { index } of cells.filter((_cell, i) => i % 2 === 0)) arena.free(index);
      names.forEach((name, i) => expect(arena.find(name)).toBe(i % 2 === 0 ? -1 : cells[i]!.index));
      const again = arena.create(ONE, names[0], 0, nothing);
      expect(arena.find(names[0]!)).toBe(again.index);
    });
  });

  test("have another generation when they are used again", () => {
    const arena = new Arena();
    arena.exclusively(() => {
      const { index, generation } = arena.create(ONE, undefined, 0, nothing);
      arena.free(index);
      expect(arena.head(index)).toMatchObject({ kind: 0, generation: generation + 1 });
      arena.free(index);
      expect(arena.head(index).generation).toBe(generation + 1);
    });
  });

  test("are zero when they are made, whatever was there", () => {
    const arena = new Arena();
    arena.exclusively(() => {
      const { index } = arena.create(ONE, undefined, 0, nothing);
      const { ints, base } = arena.cell(index);
      ints.fill(-1, base + 1, base + 160);
      arena.free(index);
      for (let i = 0; i < BANK_CELLS; i++) {
        const made = arena.create(ONE, undefined, 0, nothing);
        if (made.index !== index) continue;
        expect([...ints.subarray(base + 1, base + 160)].every((word) => word === 0)).toBe(true);
        return;
      }
      throw new Error("the cell was not used again");
    });
  });

  test("of further files are seen by those who opened the arena before", () => {
    const first = new Arena();
    const second = new Arena();
    const made = first.exclusively(() =>
      Array.from({ length: BANK_CELLS * 2 + 5 }, (_, i) =>
        first.create(ONE, encode(`${i}`), 0, ({ ints, base }) => {
          ints[base + 1] = i;
        }),
      ),
    );
    expect(readdirSync(folder).sort()).toEqual(["arena.v1", "arena.v1.1", "arena.v1.2"]);
    const { index } = made.at(-1)!;
    const { ints, base } = second.cell(index);
    expect(ints[base + 1]).toBe(made.length - 1);
    expect(second.exclusively(() => second.find(encode(`${made.length - 1}`)))).toBe(index);
  });

  test("in a file that is gone or damaged are an error", () => {
    const first = new Arena();
    first.exclusively(() => {
      for (let i = 0; i <= BANK_CELLS; i++) first.create(ONE, undefined, 0, nothing);
    });
    truncateSync(`${path}.1`, 100);
    expect(() => new Arena().cell(BANK_CELLS)).toThrow(/is damaged: it has 100 bytes/);
    rmSync(`${path}.1`);
    expect(() => new Arena().cell(BANK_CELLS)).toThrow(/is missing/);
  });

  test("with damaged chains end the search", () => {
    const arena = new Arena();
    arena.exclusively(() => {
      const { index } = arena.create(ONE, encode("loop"), 0, nothing);
      const { ints, base } = arena.cell(index);
      // Its own successor.
      ints[base + 6] = index + 1;
      ints[base + 7] = ints[base + 7]! ^ 1;
      expect(arena.find(encode("loop"))).toBe(-1);
    });
  });
});

function shorten(): void {
  writeFileSync(path, Buffer.alloc(5000));
}

/** Makes a good arena and changes a word of its header. */
function change(word: number, value: number): void {
  const { header } = new Arena();
  header[word] = value;
}
