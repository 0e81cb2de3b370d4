import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Barrier, BrokenBarrierError, Process, Thread } from "manycore";
import { takeCensus } from "../../dist/parking/index.js";
import { describeState } from "../../dist/sync/index.js";
import { useNamespace } from "../helpers/namespace.ts";
import { endPeers, Peer } from "../helpers/peer.ts";
import { eventually } from "../helpers/processes.ts";

useNamespace("barrier");
endPeers();

const NO_SLICES = { MANYCORE_SLICE_MS: "600000" };

const WORK = new URL("../fixtures/sync/meetings.mjs", import.meta.url).href;

let made = 0;
const newName = (): string => `barrier ${++made}`;

function untilWaiting(barrier: Barrier, count: number): Promise<unknown> {
  return eventually(`${count} wait`, () => barrier.waiting === count);
}

interface PeerWait {
  readonly name: string;
  readonly parties: number;
  readonly isSync?: boolean;
  readonly rounds?: number;
  readonly timeout?: number;
}

/** Waits in a peer; gives the indexes. */
function waits(peer: Peer, options: PeerWait): Promise<number[]> {
  const outcome = peer.run(async ({ Barrier: Own }, state, given: PeerWait) => {
    const barrier = (state[given.name] ??= new Own(given.parties, { name: given.name })) as Barrier;
    const indexes: number[] = [];
    const bounds = { timeout: given.timeout };
    for (let round = 0; round < (given.rounds ?? 1); round++) {
      indexes.push(given.isSync === true ? barrier.waitSync(bounds) : await barrier.wait(bounds));
    }
    return indexes;
  }, options);
  outcome.catch(() => {});
  return outcome;
}

/** What became of each wait: its index, or the code of its error. */
async function outcomes(waiting: readonly Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(waiting);
  return settled.map((each) =>
    each.status === "fulfilled" ? each.value : (each.reason as { code?: string }).code,
  );
}

const BROKEN = "ERR_MANYCORE_BROKEN_BARRIER";

describe("a barrier", () => {
  test("lets five parties pass in lockstep, once and ten times in a row", async () => {
    const name = newName();
    const barrier = new Barrier(5, { name });
    const [first, second, thread] = await Promise.all([
      Peer.process(NO_SLICES),
      Peer.process(NO_SLICES),
      Peer.thread(NO_SLICES),
    ]);
    for (const rounds of [1, 10]) {
      const others = [
        waits(first, { name, parties: 5, rounds, isSync: true }),
        waits(second, { name, parties: 5, rounds }),
        waits(second, { name, parties: 5, rounds }),
        waits(thread, { name, parties: 5, rounds, isSync: true }),
      ];
      const own: number[] = [];
      for (let round = 0; round < rounds; round++) own.push(await barrier.wait());
      const all = [own, ...(await Promise.all(others))];
      for (let round = 0; round < rounds; round++) {
        expect(all.map((indexes) => indexes[round]!).toSorted((a, b) => a - b)).toEqual([
          0, 1, 2, 3, 4,
        ]);
      }
      expect(barrier.waiting).toBe(0);
      expect(barrier.broken).toBe(false);
    }
  });

  test("runs its action once a round, before anyone gets out", async () => {
    const log: string[] = [];
    const barrier = new Barrier(3, {
      action: async () => {
        log.push("action begins");
        await new Promise((resolve) => setImmediate(resolve));
        log.push("action ends");
      },
    });
    const pass = async (): Promise<void> => {
      await barrier.wait();
      log.push("out");
    };
    await Promise.all([pass(), pass(), pass()]);
    expect(log).toEqual(["action begins", "action ends", "out", "out", "out"]);
    const begun = log.length;
    await Promise.all([pass(), pass(), pass()]);
    expect(log.slice(begun, begun + 2)).toEqual(["action begins", "action ends"]);
  });

  test("lets newcomers wait until a complete round has been left", async () => {
    let finish = (): void => {};
    const acting = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const barrier = new Barrier(2, { action: () => acting });
    const first = [barrier.wait(), barrier.wait()];
    expect(barrier.waiting).toBe(2);
    const early = await barrier.wait({ timeout: 5 }).catch((error: Error) => error);
    expect(early).toBeInstanceOf(BrokenBarrierError);
    expect(String(early)).toMatch(/round before/);
    const next = [barrier.wait(), barrier.wait()];
    finish();
    expect(await Promise.all(first)).toEqual([0, 1]);
    expect((await Promise.all(next)).toSorted((a, b) => a - b)).toEqual([0, 1]);
  });

  test("that an action fails is broken, and the error is that party's alone", async () => {
    const error = new Error("bad action");
    const barrier = new Barrier(2, {
      action: () => {
        throw error;
      },
    });
    const first = barrier.wait();
    await expect(barrier.wait()).rejects.toBe(error);
    await expect(first).rejects.toThrow(/its action failed/);
    barrier.reset();
    const again = barrier.wait();
    expect(() => barrier.waitSync()).toThrow(error);
    await expect(again).rejects.toBeInstanceOf(BrokenBarrierError);
  });

  test("that a thread sleeps at takes no asynchronous action", () => {
    const barrier = new Barrier(1, { action: async () => {} });
    expect(() => barrier.waitSync()).toThrow(/use wait\(\)/);
    expect(barrier.broken).toBe(true);
    let calls = 0;
    const plain = new Barrier(1, { action: () => ++calls });
    expect(plain.waitSync()).toBe(0);
    expect(calls).toBe(1);
  });

  test("for one party lets every wait pass at once", async () => {
    const barrier = new Barrier(1);
    for (let i = 0; i < 3; i++) expect(await barrier.wait()).toBe(0);
    expect(barrier.waitSync({ timeout: 0 })).toBe(0);
  });

  test("that is aborted breaks for all who wait, and all who come, until it is reset", async () => {
    const name = newName();
    const barrier = new Barrier(5, { name });
    const peer = await Peer.process(NO_SLICES);
    const thread = await Peer.thread(NO_SLICES);
    const waiting = [
      waits(peer, { name, parties: 5 }),
      waits(peer, { name, parties: 5 }),
      waits(thread, { name, parties: 5, isSync: true }),
      barrier.wait(),
    ];
    const all = outcomes(waiting);
    await untilWaiting(barrier, 4);
    barrier.abort();
    expect(await all).toEqual([BROKEN, BROKEN, BROKEN, BROKEN]);
    expect(barrier.broken).toBe(true);
    expect(barrier.waiting).toBe(0);
    await expect(barrier.wait()).rejects.toThrow(/abort\(\) was called/);
    barrier.reset();
    expect(barrier.broken).toBe(false);
    const own = [barrier.wait(), barrier.wait()];
    const next = [
      waits(peer, { name, parties: 5 }),
      waits(peer, { name, parties: 5 }),
      waits(thread, { name, parties: 5, isSync: true }),
    ];
    const indexes = (await Promise.all([...own, ...next])).flat();
    expect(indexes.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  });

  test("breaks for all when one waits longer than its timeout, for the late one too", async () => {
    const name = newName();
    const barrier = new Barrier(3, { name, timeout: 30 });
    const peer = await Peer.process(NO_SLICES);
    const waiting = [waits(peer, { name, parties: 3, isSync: true }), barrier.wait()];
    expect(await outcomes(waiting)).toEqual([BROKEN, BROKEN]);
    await expect(barrier.wait()).rejects.toThrow(/longer than its timeout/);
    barrier.reset();
    expect(() => barrier.waitSync({ timeout: 0 })).toThrow(BrokenBarrierError);
    barrier.reset();
    // An own timeout beats the default.
    const patient = barrier.wait({ timeout: Infinity });
    const other = barrier.wait({ timeout: Infinity });
    expect(await waits(peer, { name, parties: 3, isSync: true })).toEqual([2]);
    expect(await Promise.all([patient, other])).toEqual([0, 1]);
  });

  test("breaks when a signal gives a wait up", async () => {
    const barrier = new Barrier(3);
    const gone = new AbortController();
    const reason = new Error("changed my mind");
    const other = barrier.wait();
    const waiting = barrier.wait({ signal: gone.signal });
    gone.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(other).rejects.toThrow(/gave up by its signal/);
    barrier.reset();
    await expect(barrier.wait({ signal: gone.signal })).rejects.toBe(reason);
    expect(barrier.broken).toBe(false);
  });

  test("that is reset breaks for those who wait and is as new", async () => {
    const barrier = new Barrier(2);
    barrier.reset();
    const waiting = barrier.wait();
    barrier.reset();
    expect(barrier.broken).toBe(false);
    expect(barrier.waiting).toBe(0);
    const next = [barrier.wait(), barrier.wait()];
    await expect(waiting).rejects.toThrow(/was reset/);
    expect(await Promise.all(next)).toEqual([0, 1]);
  });

  test("tells a slow party how its own round ended, whatever came after", async () => {
    const name = newName();
    const barrier = new Barrier(2, { name });
    const slow = await Peer.process();
    const passed = waits(slow, { name, parties: 2, isSync: true });
    await untilWaiting(barrier, 1);
    slow.signal("SIGSTOP");
    expect(await barrier.wait()).toBe(1);
    const next = outcomes([barrier.wait()]);
    barrier.reset();
    expect(await next).toEqual([BROKEN]);
    slow.signal("SIGCONT");
    expect(await passed).toEqual([0]);

    const broken = outcomes([waits(slow, { name, parties: 2, isSync: true })]);
    await untilWaiting(barrier, 1);
    slow.signal("SIGSTOP");
    barrier.reset();
    expect(await Promise.all([barrier.wait(), barrier.wait()])).toEqual([0, 1]);
    slow.signal("SIGCONT");
    expect(await broken).toEqual([BROKEN]);
  });

  test("shows its state, and refuses what cannot be", () => {
    const barrier = new Barrier(2, { name: newName() });
    expect(inspect(barrier)).toBe("Barrier { 0 of 2 wait }");
    barrier.abort();
    expect(inspect(barrier)).toBe("Barrier { broken }");
    expect(() => new Barrier(3, { name: barrier.name })).toThrow(/is for 2 parties, not for 3/);
    expect(new Barrier(2, { name: barrier.name }).broken).toBe(true);
    barrier.close();
    expect(inspect(barrier)).toBe("Barrier { closed }");
    expect(() => barrier.abort()).toThrow(/was closed/);
    for (const parties of [0, -1, 1.5, NaN, 40_000, "2"]) {
      expect(() => new Barrier(parties as number)).toThrow(/Expected `parties` to be/);
    }
    expect(() => new Barrier(2, { action: "no" as unknown as () => void })).toThrow(TypeError);
    expect(() => new Barrier(2, { timeout: NaN })).toThrow(RangeError);
  });
});

describe("a barrier without a name", () => {
  test("travels to a process and to a thread, with its timeout but without an action", async () => {
    const { meet, tryToMeet } = (await import(WORK)) as Record<string, (value: unknown) => unknown>;
    const barrier = new Barrier(3, { timeout: 30_000 });
    const child = await new Process({ target: meet!, args: [barrier] }).start();
    const thread = await new Thread({ target: meet!, args: [barrier] }).start();
    const indexes = [await barrier.wait(), await child.result, await thread.result] as number[];
    expect(indexes.toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
    await Promise.all([child.join(), thread.join()]);

    const brief = new Barrier(2, { timeout: 20 });
    const other = new Process({ target: tryToMeet!, args: [brief] });
    await other.start();
    expect(await other.result).toBe(BROKEN);
    await other.join();

    const acting = new Barrier(2, { action: () => {} });
    const refused = new Process({ target: meet!, args: [acting] });
    await expect(refused.start()).rejects.toThrow(/action/);
  });
});

describe("death", () => {
  test("of a party that waits breaks the barrier for the others", async () => {
    for (const kind of ["process", "thread"] as const) {
      const name = newName();
      const barrier = new Barrier(4, { name });
      const dying = await Peer[kind]();
      const peer = await Peer.process();
      const waiting = outcomes([waits(peer, { name, parties: 4, isSync: true }), barrier.wait()]);
      void waits(dying, { name, parties: 4, isSync: kind === "process" });
      await untilWaiting(barrier, 3);
      await dying.kill();
      expect(await waiting).toEqual([BROKEN, BROKEN]);
      await expect(barrier.wait()).rejects.toThrow(/one of its parties died/);
      barrier.reset();
      const next = [barrier.wait(), barrier.wait(), barrier.wait()];
      expect(await waits(peer, { name, parties: 4 })).toEqual([3]);
      expect(await Promise.all(next)).toEqual([0, 1, 2]);
    }
  });

  test("of a party that waits is seen by the one who comes last", async () => {
    const name = newName();
    const barrier = new Barrier(2, { name });
    const dying = await Peer.process();
    void waits(dying, { name, parties: 2 });
    await untilWaiting(barrier, 1);
    await dying.kill();
    await expect(barrier.wait()).rejects.toThrow(/one of its parties died/);
  });

  test("of the party that runs the action breaks the barrier", async () => {
    const name = newName();
    const barrier = new Barrier(2, { name });
    const waiting = outcomes([barrier.wait()]);
    const dying = await Peer.process();
    void dying
      .run(({ Barrier: Own }, _, own: string) => {
        const other = new Own(2, { name: own, action: () => process.kill(process.pid, "SIGKILL") });
        other.waitSync();
      }, name)
      .catch(() => {});
    expect(await waiting).toEqual([BROKEN]);
    expect(barrier.broken).toBe(true);
  });

  test("at any point of an arrival breaks the barrier for those who wait", async () => {
    for (const point of ["barrier:enrolled", "barrier:arrived", "barrier:complete"]) {
      const name = newName();
      const barrier = new Barrier(2, { name });
      const waiting = outcomes([barrier.wait()]);
      const dying = await Peer.process({ MANYCORE_FAULT: point });
      await expect(waits(dying, { name, parties: 2, isSync: true })).rejects.toThrow(/has ended/);
      expect([point, await waiting]).toEqual([point, [BROKEN]]);
      barrier.reset();
      expect(await Promise.all([barrier.wait(), barrier.wait()])).toEqual([0, 1]);
    }
  });

  test("of the last one after the round has ended lets the others go", async () => {
    const name = newName();
    const barrier = new Barrier(2, { name });
    const waiting = barrier.wait();
    const dying = await Peer.process({ MANYCORE_FAULT: "barrier:passed" });
    void waits(dying, { name, parties: 2, isSync: true });
    expect(await waiting).toBe(0);
  });

  test("in the middle of a reset leaves it to the next one", async () => {
    const name = newName();
    const barrier = new Barrier(2, { name });
    const waiting = outcomes([barrier.wait()]);
    const dying = await Peer.process({ MANYCORE_FAULT: "barrier:resetting" });
    const resetting = dying.run(({ Barrier: Own }, _, own: string) => {
      new Own(2, { name: own }).reset();
    }, name);
    await expect(resetting).rejects.toThrow(/has ended/);
    expect(await waiting).toEqual([BROKEN]);
    expect(barrier.broken).toBe(true);
    barrier.reset();
    expect(await Promise.all([barrier.wait(), barrier.wait()])).toEqual([0, 1]);
  });

  test("of a party that has passed is nobody's business", async () => {
    const name = newName();
    const barrier = new Barrier(2, { name });
    const dying = await Peer.process();
    const passing = waits(dying, { name, parties: 2, isSync: true });
    await barrier.wait();
    await passing;
    await dying.kill();
    expect(await Promise.all([barrier.wait(), barrier.wait()])).toEqual([0, 1]);
  });
});

describe("a thousand rounds", () => {
  test("of five processes: what is written in one comes before all of the next", async () => {
    const name = newName();
    const folder = mkdtempSync(join(tmpdir(), "manycore-rounds-"));
    const file = join(folder, "log");
    const peers = await Promise.all([1, 2, 3, 4, 5].map(() => Peer.process(NO_SLICES)));
    try {
      await Promise.all(
        peers.map((peer, index) =>
          peer.run(
            async ({ Barrier: Own, fs }, _, given) => {
              const barrier = new Own(5, { name: given.name });
              const log = fs.openSync(given.file, "a");
              for (let round = 0; round < 1000; round++) {
                fs.writeSync(log, `${round}\n`);
                if (given.isSync) barrier.waitSync();
                else await barrier.wait();
              }
              fs.closeSync(log);
            },
            { name, file, isSync: index < 3 },
          ),
        ),
      );
      const rounds = readFileSync(file, "utf8").trimEnd().split("\n").map(Number);
      expect(rounds).toEqual(Array.from({ length: 5000 }, (_, line) => Math.floor(line / 5)));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("seen from outside", () => {
  test("a barrier says how many have arrived, or why it is broken", () => {
    const name = newName();
    const barrier = new Barrier(2, { name });
    const seen = (): string => {
      const census = takeCensus(process.env["MANYCORE_NAMESPACE"]!)!;
      const object = census.objects.find((each) => each.name === name)!;
      return describeState(census.arena, object).text;
    };
    const waiting = outcomes([barrier.wait()]);
    expect(seen()).toBe("1 of 2 have arrived");
    barrier.abort();
    expect(seen()).toBe("broken: abort() was called");
    return waiting;
  });
});
