import { describe, expect, test } from "vitest";
import { BufferPool } from "../../dist/executor/buffer-pool.js";

const MIB = 1024 * 1024;

function memoryFor(kind: "thread" | "process"): BufferPool {
  return BufferPool.for(kind) as BufferPool;
}

describe("the memory lent to arguments", () => {
  test.each(["thread", "process"] as const)("for a %s a piece is used again", (kind) => {
    const lent = memoryFor(kind);
    const piece = lent.take(MIB);
    expect(piece.byteLength).toBeGreaterThanOrEqual(MIB);
    expect(piece instanceof SharedArrayBuffer).toBe(kind === "thread");
    expect(lent.take(MIB)).not.toBe(piece);
    lent.giveBack([piece]);
    expect(lent.take(MIB - 1000)).toBe(piece);
    expect(lent.take(MIB)).not.toBe(piece);
  });

  test("a piece is not wasted on something much smaller", () => {
    const lent = memoryFor("thread");
    const piece = lent.take(4 * MIB);
    lent.giveBack([piece]);
    expect(lent.take(MIB)).not.toBe(piece);
    expect(lent.take(3 * MIB)).toBe(piece);
  });

  test("no more than 16 MiB are kept", () => {
    const lent = memoryFor("thread");
    const pieces = Array.from({ length: 20 }, () => lent.take(MIB));
    lent.giveBack(pieces);
    const again = Array.from({ length: 20 }, () => lent.take(MIB));
    expect(again.filter((piece) => pieces.includes(piece)).length).toBe(16);
  });
});
