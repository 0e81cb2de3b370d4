import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Claimant,
  type Claims,
  FileClaimant,
  FileClaims,
  MemoryClaims,
} from "../../dist/executor/claims.js";

const CLAIMANT = new URL("../fixtures/executor/claimant.mjs", import.meta.url);
/** A token that tells the other side to stop. */
const END = 0xffff_fff0;

interface Kind {
  readonly name: string;
  make(): [Claims, Claimant];
}

const kinds: Kind[] = [
  {
    name: "FileClaims",
    make() {
      const claims = new FileClaims();
      return [claims, new FileClaimant(claims.fd)];
    },
  },
  {
    name: "MemoryClaims",
    make() {
      const claims = new MemoryClaims();
      return [claims, new MemoryClaims(claims.memory)];
    },
  },
];

describe.each(kinds)("$name", (kind) => {
  test("tokens are taken in their order, from either side, and none twice", () => {
    const [claims, claimant] = kind.make();
    expect(claimant.claim()).toBe(-1);
    claims.append([1, 2, 3, 0xffff_fffe]);
    expect([claimant.claim(), claimant.claim()]).toEqual([1, 2]);
    expect(claims.takeBack()).toEqual([3, 0xffff_fffe]);
    expect(claims.takeBack()).toEqual([]);
    expect(claimant.claim()).toBe(-1);
    claims.append([4]);
    expect(claimant.claim()).toBe(4);
    claims.close();
  });

  test("is a queue, whatever the two sides do in turn", () => {
    const command = fc.oneof(
      fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ do: fc.constant("claim" as const), count: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ do: fc.constant("takeBack" as const) }),
      fc.record({ do: fc.constant("rest" as const) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const [claims, claimant] = kind.make();
        let open: number[] = [];
        let next = 1;
        for (const step of commands) {
          if (step.do === "append") {
            const ids = Array.from({ length: step.count }, () => next++);
            claims.append(ids);
            open.push(...ids);
          } else if (step.do === "claim") {
            for (let i = 0; i < step.count; i++) expect(claimant.claim()).toBe(open.shift() ?? -1);
          } else if (step.do === "takeBack") {
            expect(claims.takeBack()).toEqual(open);
            open = [];
          } else if (open.length === 0) {
            claims.rest();
          }
        }
        expect(claims.takeBack()).toEqual(open);
        claims.close();
      }),
      { numRuns: 100 },
    );
  });
});

test("FileClaims: rest() gives the memory of used tokens back and goes on where it was", () => {
  const claims = new FileClaims();
  const claimant = new FileClaimant(claims.fd);
  const ids = Array.from({ length: 4000 }, (_, i) => i + 1);
  let turns = 0;
  for (; !claims.wantsRest; turns++) {
    claims.append(ids);
    expect(claims.takeBack().length).toBe(ids.length);
  }
  expect(turns).toBeGreaterThan(1);
  claims.rest();
  expect(claims.wantsRest).toBe(false);
  claims.append([7, 8]);
  expect(claimant.claim()).toBe(7);
  expect(claims.takeBack()).toEqual([8]);
  claims.close();
});

/**
 * Hands out tokens while the other side takes them; takes some back and hands them out again.
 * @returns what both sides took, sorted, and what was handed out.
 */
async function race(claims: Claims, other: Promise<number[]>): Promise<[unknown, unknown]> {
  const back: number[] = [];
  let next = 1;
  let again: number[] = [];
  // The other side begins by itself.
  claims.append([next++]);
  while (claims.takeBack().length > 0) claims.append([1]);
  for (let round = 0; round < 1200; round++) {
    const ids = Array.from({ length: 1 + (round % 97) }, () => next++);
    claims.append([...again, ...ids]);
    const reclaimed = claims.takeBack();
    // Half of what came back stays here, half is handed out once more: never more than fits.
    again = reclaimed.filter((id) => id % 2 === 0).slice(0, 1000);
    const kept = new Set(again);
    back.push(...reclaimed.filter((id) => !kept.has(id)));
  }
  claims.append([...again, END]);
  const taken = await other;
  claims.close();
  expect(taken.length).toBeGreaterThan(0);
  const all = [...taken, ...back].sort((a, b) => a - b);
  return [all, Array.from({ length: next - 1 }, (_, i) => i + 1)];
}

async function answers(source: ChildProcess | Worker): Promise<Promise<number[]>[]> {
  const [first] = (await once(source, "message")) as unknown[];
  expect(first).toBe("ready");
  return [once(source, "message").then(([ids]) => ids as number[])];
}

test("MemoryClaims: two threads at once, and every token is taken exactly once", async () => {
  const claims = new MemoryClaims();
  const worker = new Worker(CLAIMANT, { workerData: { memory: claims.memory } });
  const [other] = await answers(worker);
  const [taken, given] = await race(claims, other as Promise<number[]>);
  expect(taken).toEqual(given);
  await worker.terminate();
});

test("FileClaims: two processes at once, and every token is taken exactly once", async () => {
  const claims = new FileClaims();
  const child = spawn(process.execPath, [fileURLToPath(CLAIMANT)], {
    stdio: ["ignore", "inherit", "inherit", claims.fd, "ipc"],
    serialization: "advanced",
  });
  const [other] = await answers(child);
  const [taken, given] = await race(claims, other as Promise<number[]>);
  expect(taken).toEqual(given);
  child.disconnect();
  await once(child, "exit");
});
