import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, existsSync, openSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { useNamespace } from "../helpers/namespace.ts";

const folder = useNamespace("participants");
const { Arena, CELL, HEADER, KIND, SLOT, SLOT_COUNT, SLOT_LIVE } = (await import(
  new URL("../../dist/memory/index.js", import.meta.url).href
)) as typeof import("../../src/memory/index.ts");
const { os } = (await import(
  new URL("../../dist/os/index.js", import.meta.url).href
)) as typeof import("../../src/os/index.ts");
const { bellPath, Doorbells } = (await import(
  new URL("../../dist/parking/doorbells.js", import.meta.url).href
)) as typeof import("../../src/parking/doorbells.ts");
const { countLive, sweepDead, sweepSome } = (await import(
  new URL("../../dist/parking/sweep.js", import.meta.url).href
)) as typeof import("../../src/parking/sweep.ts");
const { removeStrayFiles } = (await import(
  new URL("../../dist/parking/stray-files.js", import.meta.url).href
)) as typeof import("../../src/parking/stray-files.ts");
const { wake } = (await import(
  new URL("../../dist/parking/wake.js", import.meta.url).href
)) as typeof import("../../src/parking/wake.ts");
const { Participant } = (await import(
  new URL("../../dist/parking/participant.js", import.meta.url).href
)) as typeof import("../../src/parking/participant.ts");

const open: number[] = [];
const all: InstanceType<typeof Doorbells>[] = [];
afterEach(() => {
  for (const bells of all.splice(0)) bells.close();
  for (const fd of open.splice(0)) closeSync(fd);
  rmSync(folder, { recursive: true, force: true });
});

function bellsOf(arena: InstanceType<typeof Arena>): InstanceType<typeof Doorbells> {
  const bells = new Doorbells(arena);
  all.push(bells);
  return bells;
}

/** Takes a slot as a participant does. @returns what ends it, as its death would. */
function pretend(arena: InstanceType<typeof Arena>, slot: number, generation: number): () => void {
  const path = bellPath(arena.folder, slot, generation);
  os().makeFifo(path);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  open.push(fd);
  const { ints, base } = arena.slot(slot);
  Atomics.store(ints, base + SLOT.word, (generation << 2) | SLOT_LIVE);
  const used = Atomics.load(arena.header, HEADER.slotsUsed);
  Atomics.store(arena.header, HEADER.slotsUsed, Math.max(used, slot + 1));
  return () => {
    open.splice(open.indexOf(fd), 1);
    closeSync(fd);
  };
}

describe("a doorbell", () => {
  test("is its owner's life: of this generation, and as long as it is read", () => {
    const arena = new Arena();
    const bells = bellsOf(arena);
    expect(bells.ring(3)).toBe(false);
    const end = pretend(arena, 3, 7);
    expect(bells.isAlive(3, 7)).toBe(true);
    expect(bells.isAlive(3, 6)).toBe(false);
    expect(bells.ring(3)).toBe(true);
    end();
    // Known from before: its writing end says so.
    expect(bells.isAlive(3, 7)).toBe(false);
    expect(bells.ring(3)).toBe(false);
    // Never opened before: there is no reader to open it for.
    expect(bellsOf(arena).ring(3)).toBe(false);
  });

  test("that breaks while it is rung is that of a dead one", () => {
    const arena = new Arena();
    const bells = bellsOf(arena);
    const end = pretend(arena, 0, 1);
    expect(bells.ring(0)).toBe(true);
    end();
    expect(bells.ring(0)).toBe(false);
    // Its successor has another one.
    rmSync(bellPath(arena.folder, 0, 1));
    pretend(arena, 0, 2);
    expect(bells.ring(0)).toBe(true);
  });

  test("that is gone from the folder is that of a dead one", () => {
    const arena = new Arena();
    pretend(arena, 0, 1);
    rmSync(bellPath(arena.folder, 0, 1));
    expect(bellsOf(arena).isAlive(0, 1)).toBe(false);
  });

  test("of more participants than are kept open at a time is opened again", () => {
    const arena = new Arena();
    const bells = bellsOf(arena);
    for (let slot = 0; slot < 200; slot++) pretend(arena, slot, 1);
    const before = readdirSync("/proc/self/fd").length;
    for (let round = 0; round < 2; round++) {
      for (let slot = 0; slot < 200; slot++) expect(bells.ring(slot)).toBe(true);
    }
    expect(readdirSync("/proc/self/fd").length - before).toBeLessThanOrEqual(128);
  });
});

describe("wake", () => {
  test("passes over the dead, takes their bits away, and rings in turn", () => {
    const arena = new Arena();
    const bells = bellsOf(arena);
    const ends = [1, 40, 700].map((slot) => pretend(arena, slot, 1));
    const { index } = arena.exclusively(() => arena.create(KIND.event, undefined, 0, () => {}));
    const place = arena.cell(index);
    const setBit = (slot: number): void => {
      place.ints[place.base + CELL.waiters + (slot >>> 5)]! |= 1 << (slot & 31);
    };
    for (const slot of [1, 40, 700]) setBit(slot);
    ends[1]!();
    const rung = new Set<number>();
    const waker = {
      slot: -1,
      scanSoon: () => {},
      bells: {
        ring: (slot: number): boolean => {
          const isAlive = bells.ring(slot);
          if (isAlive) rung.add(slot);
          return isAlive;
        },
      } as typeof bells,
    };
    for (let i = 0; i < SLOT_COUNT; i++) expect(wake(place, waker, 1)).toBe(1);
    expect([...rung].sort((a, b) => a - b)).toEqual([1, 700]);
    expect(place.ints[place.base + CELL.waiters + 1]).toBe(0);
    expect(wake(place, waker, Infinity)).toBe(2);
  });
});

describe("the sweep", () => {
  test("takes back what the dead had, and only that", () => {
    const arena = new Arena();
    const bells = bellsOf(arena);
    const end = pretend(arena, 2, 5);
    pretend(arena, 4, 1);
    const make = (name: string, slots: number[]): number =>
      arena.create(KIND.lock, new TextEncoder().encode(name), 0, ({ ints, base }) => {
        for (const slot of slots) ints[base + CELL.refs]! |= 1 << slot;
      }).index;
    arena.exclusively(() => {
      const own = make("own", [2]);
      const both = make("both", [2, 4]);
      const nobodys = make("nobody's", []);
      end();
      expect(sweepDead(arena, bells)).toBe(1);
      expect([own, both, nobodys].map((index) => arena.head(index).kind)).toEqual([
        0,
        KIND.lock,
        0,
      ]);
      const { ints, base } = arena.cell(both);
      expect(ints[base + CELL.refs]).toBe(1 << 4);
      expect(sweepDead(arena, bells)).toBe(0);
    });
    expect(readdirSync(folder).sort()).toEqual(["arena.v1", "d4-1"]);
  });

  test("removes sockets behind which nobody is, whatever process has the number in their name", async () => {
    const arena = new Arena();
    const alive = `${folder}/listen-4194303-a`;
    const dead = `${folder}/listen-${process.pid}-b`;
    const server = createServer((socket) => socket.destroy());
    let calls = 0;
    server.on("connection", () => calls++);
    await new Promise<void>((resolve) => server.listen(alive, resolve));
    const child = spawn(process.execPath, [
      "-e",
      `require("node:net").createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, "SIGKILL"))`,
    ]);
    await once(child, "exit");
    expect(existsSync(dead)).toBe(true);
    expect(arena.exclusively(() => removeStrayFiles(arena))).toBe(1);
    expect(existsSync(dead)).toBe(false);
    expect(existsSync(alive)).toBe(true);
    // Whoever listens was not called at.
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toBe(0);
    await new Promise((resolve) => server.close(resolve));
  });

  test("removes files that belong to nobody", () => {
    const arena = new Arena();
    pretend(arena, 4, 1);
    for (const name of ["d4-2", "d9-1", "d5000-1"]) os().makeFifo(`${folder}/${name}`);
    for (const name of ["s.0-0", "arena.v1.tmp-1-1-x"]) {
      closeSync(openSync(`${folder}/${name}`, "w"));
    }
    expect(arena.exclusively(() => removeStrayFiles(arena))).toBe(5);
    expect(readdirSync(folder).sort()).toEqual(["arena.v1", "d4-1"]);
  });
});

test("who comes among a thousand looks at a few, and the last one removes the dead of all", () => {
  const arena = new Arena();
  const bells = bellsOf(arena);
  const ends = Array.from({ length: 1000 }, (_, slot) => pretend(arena, slot, 1));
  let looks = 0;
  const counting = {
    isReadBySomebody: (slot: number, generation: number) => {
      looks++;
      return bells.isReadBySomebody(slot, generation);
    },
  } as typeof bells;
  // The lock has an opening of its own, made with the first use.
  arena.exclusively(() => {});
  const before = readdirSync("/proc/self/fd").length;
  expect(arena.exclusively(() => sweepSome(arena, counting))).toBe(true);
  expect(looks).toBeLessThanOrEqual(16);
  expect(readdirSync("/proc/self/fd").length).toBe(before);
  // Each goes on where the one before has stopped, so that all are looked at.
  for (const end of ends.slice(500)) end();
  for (let i = 0; i < 100; i++) arena.exclusively(() => sweepSome(arena, bells));
  expect(countLive(arena)).toBe(500);
  for (const end of ends.slice(0, 500)) end();
  expect(arena.exclusively(() => sweepSome(arena, bells))).toBe(false);
  expect(countLive(arena)).toBe(0);
  expect(readdirSync(folder)).toEqual(["arena.v1"]);
});

test("a namespace without a free slot says what to do", () => {
  const arena = new Arena();
  for (let slot = 0; slot < SLOT_COUNT; slot++) pretend(arena, slot, 1);
  expect(() => new Participant(arena)).toThrow(/has 1024 threads .* MANYCORE_NAMESPACE/);
});
