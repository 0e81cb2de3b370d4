import { readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BOUND_MS, Stage } from "./kit.ts";

// The rows of src/parking/README.md: who dies, when, and what the next one sees. Each is killed by itself at
// a named point, so every run dies at the very same step.

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.remove());

describe.each(["acquire", "acquireSync"])("a waiter in %s", (acquire) => {
  test("gets the lock of a holder that died, as abandoned", async () => {
    const holder = await stage.actor();
    const next = await stage.actor();
    await holder.ask("acquire a");
    next.tell(`${acquire} a`);
    await stage.untilWaiting("a", 1);
    const begun = performance.now();
    await holder.kill();
    expect(await next.answer()).toMatchObject({ value: true, abandoned: true });
    expect(performance.now() - begun).toBeLessThan(BOUND_MS);
    await next.ask("release a");
    expect(await next.ask(`${acquire} a 0`)).toMatchObject({ value: true, abandoned: false });
    expect(await stage.leftovers()).toEqual(["arena.v1"]);
  });

  test("is not forgotten by a releaser that died before it rang", async () => {
    const holder = await stage.actor("owner:released");
    const next = await stage.actor();
    await holder.ask("acquire a");
    next.tell(`${acquire} a`);
    await stage.untilWaiting("a", 1);
    holder.tell("release a");
    await holder.dies();
    const begun = performance.now();
    // It had let go of it: nothing is half-done.
    expect(await next.answer()).toMatchObject({ value: true, abandoned: false });
    expect(performance.now() - begun).toBeLessThan(BOUND_MS);
    expect(await stage.leftovers()).toEqual(["arena.v1"]);
  });

  test("takes what was reserved for it by a releaser that died before it rang", async () => {
    const holder = await stage.actor("owner:reserved");
    const heir = await stage.actor();
    await holder.ask("acquire a");
    heir.tell(`${acquire} a`);
    await stage.untilWaiting("a", 1);
    // It asks when it has looked again, at the latest after a slice; then the release reserves.
    await stage.untilStarving("a");
    holder.tell("release a");
    await holder.dies();
    expect(await heir.answer()).toMatchObject({ value: true, abandoned: false });
    expect(await stage.leftovers()).toEqual(["arena.v1"]);
  });

  test("is served after the one before it died in its sleep", async () => {
    const holder = await stage.actor();
    await holder.ask("acquire a");
    const sleeper = await stage.actor("wait:asleep");
    sleeper.tell("acquireSync a");
    await sleeper.dies();
    const next = await stage.actor();
    next.tell(`${acquire} a`);
    // The dead one's bit is still there, or swept by the newcomer.
    await stage.untilWaiting("a", 1);
    await holder.ask("release a");
    expect(await next.answer()).toMatchObject({ value: true, abandoned: false });
    expect(await stage.leftovers()).toEqual(["arena.v1"]);
  });

  test("is served after another was rung and died before it looked", async () => {
    const holder = await stage.actor();
    await holder.ask("acquire a");
    const rung = await stage.actor("wait:rung");
    const next = await stage.actor();
    rung.tell("acquireSync a");
    await stage.untilWaiting("a", 1);
    next.tell(`${acquire} a`);
    await stage.untilWaiting("a", 2);
    // Whom it rings first is a matter of turns: who gets it releases, and the other is rung.
    await holder.ask("release a");
    const first = await next.answer();
    expect(first).toMatchObject({ value: true, abandoned: false });
    await next.ask("release a");
    await rung.dies();
    expect(await next.ask(`${acquire} a`)).toMatchObject({ value: true, abandoned: false });
    expect(await stage.leftovers()).toEqual(["arena.v1"]);
  });

  test.each(["owner:stolen", "owner:taken"])(
    "takes over from one that died at %s while it took over itself",
    async (fault) => {
      const holder = await stage.actor();
      await holder.ask("acquire a");
      const thief = await stage.actor(fault);
      const next = await stage.actor();
      await next.ask("open a");
      thief.tell("acquireSync a");
      await stage.untilWaiting("a", 1);
      await holder.kill();
      await thief.dies();
      expect(await next.ask(`${acquire} a`)).toMatchObject({ value: true, abandoned: true });
      expect(await stage.leftovers()).toEqual(["arena.v1"]);
    },
  );

  test("is served after another died at owner:leaving", async () => {
    const holder = await stage.actor();
    await holder.ask("acquire a");
    const other = await stage.actor("owner:leaving");
    const next = await stage.actor();
    next.tell(`${acquire} a`);
    await stage.untilWaiting("a", 1);
    other.tell("acquireSync a 300");
    await other.dies();
    await holder.ask("release a");
    expect(await next.answer()).toMatchObject({ value: true, abandoned: false });
    await next.ask("release a");
    expect(await next.ask(`${acquire} a`)).toMatchObject({ value: true });
    expect(await stage.leftovers()).toEqual(["arena.v1"]);
  });

  test("is served after another died at owner:named", async () => {
    const holder = await stage.actor();
    await holder.ask("acquire a");
    const other = await stage.actor("owner:named");
    const next = await stage.actor();
    next.tell(`${acquire} a`);
    // It has asked to be handed it: whoever comes later can ask only when it has it.
    await stage.untilStarving("a");
    other.tell("acquireSync a");
    await stage.untilWaiting("a", 2);
    await holder.ask("release a");
    expect(await next.answer()).toMatchObject({ value: true, abandoned: false });
    await other.dies();
    await next.ask("release a");
    expect(await next.ask(`${acquire} a`)).toMatchObject({ value: true });
    expect(await stage.leftovers()).toEqual(["arena.v1"]);
  });
});

test("a request of a dead one does not keep the others from asking to be handed the lock", async () => {
  const holder = await stage.actor();
  await holder.ask("acquire a");
  const first = await stage.actor("owner:named");
  first.tell("acquireSync a");
  await first.dies();
  // It asks in its turn, and dies there too: so it came as far.
  const second = await stage.actor("owner:named");
  second.tell("acquireSync a");
  await second.dies();
  expect(await stage.leftovers()).toEqual(["arena.v1"]);
});

test("a dead heir gets nothing reserved for longer than it takes to see that it is dead", async () => {
  const holder = await stage.actor();
  await holder.ask("acquire a");
  const heir = await stage.actor();
  heir.tell("acquireSync a");
  await stage.untilWaiting("a", 1);
  await stage.untilStarving("a");
  await heir.kill();
  await holder.ask("release a");
  expect(await holder.ask("acquireSync a 3000")).toMatchObject({ value: true, abandoned: false });
  expect(await stage.leftovers()).toEqual(["arena.v1"]);
});

describe("one that comes, makes, ends or leaves", () => {
  test.each([
    "file:before-link",
    "file:linked",
    "register:bell-made",
    "register:introduced",
    "register:slot-taken",
    "cell:filled",
    "cell:made",
  ])("and dies at %s leaves a namespace that works", async (fault) => {
    const dead = await stage.actor(fault);
    dead.tell("acquire a");
    await dead.dies();
    const next = await stage.actor();
    const other = await stage.actor();
    expect(await next.ask("acquire a 0")).toMatchObject({ value: true });
    // Both found the same lock.
    expect(await other.ask("acquire a 0")).toMatchObject({ value: false });
    await next.ask("release a");
    expect(await other.ask("acquire a 0")).toMatchObject({ value: true });
    expect(await stage.leftovers()).toEqual(["arena.v1"]);
  });

  test.each(["cell:let-go", "cell:unchained"])(
    "and dies at %s leaves a name that can be used again",
    async (fault) => {
      const dead = await stage.actor(fault);
      await dead.ask("acquire a");
      await dead.ask("release a");
      dead.tell("close a");
      await dead.dies();
      const next = await stage.actor();
      const other = await stage.actor();
      expect(await next.ask("acquire a 0")).toMatchObject({ value: true, abandoned: false });
      expect(await other.ask("acquire a 0")).toMatchObject({ value: false });
      expect(await stage.leftovers()).toEqual(["arena.v1"]);
    },
  );

  test.each(["sweep:cells-done", "sweep:bell-removed"])(
    "and dies at %s is swept by the next",
    async (fault) => {
      const dead = await stage.actor(fault);
      await dead.ask("acquire a");
      dead.tell("exit");
      await dead.dies();
      const next = await stage.actor();
      // Only the dead one had it: the name is that of a new lock.
      expect(await next.ask("acquire a 0")).toMatchObject({ value: true });
      expect(await stage.leftovers()).toEqual(["arena.v1"]);
    },
  );

  test("and dies while the arena grows leaves one that grows again", async () => {
    const dead = await stage.actor("bank:made");
    dead.tell("many 1500");
    await dead.dies();
    const next = await stage.actor();
    expect(await next.ask("many 2500")).toMatchObject({ done: "many 2500" });
    expect(await next.ask("acquire many-2400 0")).toMatchObject({ value: true });
    const other = await stage.actor();
    expect(await other.ask("acquire many-2400 0")).toMatchObject({ value: false });
    expect(await stage.leftovers()).toEqual(["arena.v1", "arena.v1.1", "arena.v1.2"]);
  });
});

describe("one that is stopped", () => {
  const STOP = { MANYCORE_FAULT_SIGNAL: "SIGSTOP" };

  test.each([
    ["register:bell-made", "open a"],
    ["register:introduced", "open a"],
    ["register:slot-taken", "open a"],
    ["cell:filled", "open a"],
    ["cell:made", "open a"],
    ["cell:let-go", "close a"],
    ["cell:unchained", "close a"],
    ["sweep:cells-done", "exit"],
    ["sweep:bell-removed", "exit"],
    ["tidy:swept@2", "exit"],
  ])("at %s lets others wait until it goes on, and end at once", async (fault, command) => {
    const leaving = await stage.actor();
    await leaving.ask("open other");
    const stopped = await stage.actor(fault, STOP);
    if (command !== "open a") await stopped.ask("open a");
    stopped.tell(command);
    await stopped.stops();
    const coming = await stage.actor();
    coming.tell("acquire b 0");
    expect(await leaving.end()).toBe(0);
    stopped.resume();
    expect(await coming.answer()).toMatchObject({ value: true });
    if (command !== "exit") expect(await stopped.answer()).toMatchObject({ done: command });
    expect(await stopped.end()).toBe(0);
    expect(await coming.end()).toBe(0);
    // Nobody comes who could tidy up for them.
    expect(readdirSync(stage.folder)).toEqual(["arena.v1"]);
  });

  test.each(["leave:bell-closed", "leave:marked"])(
    "at %s while it leaves what it has to others, which then end",
    async (point) => {
      const leaving = await stage.actor(point, STOP);
      await leaving.ask("open other");
      const stopped = await stage.actor("tidy:swept@2", STOP);
      await stopped.ask("open a");
      stopped.tell("exit");
      await stopped.stops();
      leaving.tell("exit");
      await leaving.stops();
      stopped.resume();
      expect(await stopped.end()).toBe(0);
      leaving.resume();
      expect(await leaving.end()).toBe(0);
      expect(readdirSync(stage.folder)).toEqual(["arena.v1"]);
    },
  );
});

test("when everybody was killed the next one gets what was held, and learns of it", async () => {
  const actors = [await stage.actor(), await stage.actor(), await stage.actor()];
  await actors[0]!.ask("acquire a");
  await actors[1]!.ask("acquire b");
  actors[2]!.tell("acquireSync a");
  await stage.untilWaiting("a", 1);
  await Promise.all(actors.map((actor) => actor.kill()));
  const next = await stage.actor();
  expect(await next.ask("acquire a 0")).toMatchObject({ value: true, abandoned: true });
  expect(await next.ask("acquire b 0")).toMatchObject({ value: true, abandoned: true });
  expect(await stage.leftovers()).toEqual(["arena.v1"]);
});
