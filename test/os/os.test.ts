import { closeSync, constants, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const { os } = (await import(
  new URL("../../dist/os/index.js", import.meta.url).href
)) as typeof import("../../src/os/index.ts");

const folder = mkdtempSync(join(tmpdir(), "os-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function openFile(name: string, size: number): number {
  const fd = openSync(join(folder, name), "w+");
  os().allocate(fd, size);
  return fd;
}

describe("mapped memory", () => {
  test("is the file's, in every mapping of it", () => {
    const fd = openFile("shared", 4096);
    const first = new Int32Array(os().map(fd, 4096).buffer);
    const second = new Int32Array(os().map(fd, 4096).buffer);
    first[7] = 42;
    expect(second[7]).toBe(42);
    expect(Atomics.compareExchange(second, 7, 42, 43)).toBe(42);
    expect(first[7]).toBe(43);
    closeSync(fd);
  });

  test("reads as zeros and writes nowhere once it is detached", () => {
    const fd = openFile("detached", 4096);
    const mapping = os().map(fd, 4096);
    const view = new Int32Array(mapping.buffer);
    view[0] = 1;
    os().detach(mapping);
    expect(view[0]).toBe(0);
    view[0] = 2;
    expect(new Int32Array(os().map(fd, 4096).buffer)[0]).toBe(1);
    closeSync(fd);
  });

  test("of a file that cannot be mapped is an error with its code", () => {
    const fd = openSync(folder, constants.O_RDONLY);
    expect(() => os().map(fd, 4096)).toThrow(expect.objectContaining({ code: "EACCES" }));
    closeSync(fd);
  });
});

test("allocate gives a file its size", () => {
  const fd = openFile("allocated", 10_000);
  expect(fstatSync(fd).size).toBe(10_000);
  closeSync(fd);
});

describe("a FIFO", () => {
  test("rings its reader", () => {
    const path = join(folder, "bell");
    os().makeFifo(path);
    const bell = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    expect(os().poll(bell, -1, 0)).toEqual({ readable: false, orphaned: false });
    writeSync(bell, "x");
    expect(os().poll(bell, -1, 1000)).toEqual({ readable: true, orphaned: false });
    closeSync(bell);
  });

  test("tells when its reader is gone, and not before", () => {
    const path = join(folder, "life");
    os().makeFifo(path);
    const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const life = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    expect(os().isOrphaned(life)).toBe(false);
    closeSync(reader);
    expect(os().isOrphaned(life)).toBe(true);
    // A sleep ends at once by it.
    expect(os().poll(-1, life, 60_000).orphaned).toBe(true);
    closeSync(life);
  });

  test("is made only once", () => {
    const path = join(folder, "twice");
    os().makeFifo(path);
    expect(() => os().makeFifo(path)).toThrow(expect.objectContaining({ code: "EEXIST" }));
  });
});

describe("the lock of a file", () => {
  test("excludes others who opened it, and goes with the descriptor", () => {
    const path = join(folder, "locked");
    const first = openSync(path, "w+");
    const second = openSync(path, "r+");
    expect(os().tryLockFile(first)).toBe(true);
    expect(os().tryLockFile(second)).toBe(false);
    closeSync(first);
    expect(os().tryLockFile(second)).toBe(true);
    os().unlockFile(second);
    closeSync(second);
  });
});

test("a duplicate is closed on its own", () => {
  const fd = openFile("duplicated", 16);
  const copy = os().duplicate(fd);
  closeSync(fd);
  expect(fstatSync(copy).size).toBe(16);
  closeSync(copy);
});
