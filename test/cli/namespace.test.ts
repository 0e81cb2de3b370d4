import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Actor } from "../helpers/actor.ts";
import { eventually } from "../helpers/processes.ts";
import { jsonLines, manycore } from "./command.ts";

const namespace = `cli-${process.pid}`;
const folder = join(`/dev/shm/manycore-${process.geteuid!()}`, namespace);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Report {
  participants: { pid: number; alive: boolean; holds: string[]; waitsFor: { object: string }[] }[];
  objects: { name: string; text: string; waiters: { pid: number; forMs: number }[] }[];
  deadlocks: string[];
}

async function report(command: "ps" | "locks"): Promise<Report | undefined> {
  const run = await manycore([command, "--json", "--namespace", namespace]);
  expect(run.stderr).toBe("");
  return jsonLines(run.stdout)[0] as Report | undefined;
}

const text = async (command: string): Promise<string> =>
  (await manycore([command, "-n", namespace])).stdout;

describe("ps and locks", () => {
  test("show who holds, who waits and for how long, and the next holder after a kill", async () => {
    const [first, second] = await Promise.all([Actor.start(namespace), Actor.start(namespace)]);
    expect(await first.ask("acquire door")).toMatchObject({ value: true });
    second.tell("acquire door");
    await eventually("somebody waits", async () => (await report("locks"))?.objects[0]?.waiters[0]);

    expect(await text("ps")).toMatch(
      new RegExp(`${first.pid} +main +actor\\.mjs +[\\d.]+ m?s +Lock "door" +-\\n`),
    );
    expect(await text("ps")).toMatch(
      new RegExp(`${second.pid} .* +- +Lock "door" \\([\\d.]+ m?s\\)`),
    );
    expect(await text("locks")).toMatch(
      new RegExp(
        `Lock +door +held by actor\\.mjs \\(pid ${first.pid}\\) for .* 2 +actor\\.mjs \\(pid ${second.pid}\\) for `,
      ),
    );

    await first.kill();
    expect(await second.answer()).toMatchObject({ value: true, abandoned: true });
    const after = await report("ps");
    expect(after?.participants.find(({ pid }) => pid === second.pid)).toMatchObject({
      alive: true,
      holds: ['Lock "door"'],
      waitsFor: [],
    });
    await second.end();
  });

  test("tell of a deadlock in a sentence while it stands", async () => {
    const [first, second] = await Promise.all([Actor.start(namespace), Actor.start(namespace)]);
    expect(await first.ask("acquire a")).toMatchObject({ value: true });
    expect(await second.ask("acquire b")).toMatchObject({ value: true });
    first.tell("acquireSync b");
    second.tell("acquireSync a");
    // The one that closed the circle is told; the other one gets its lock when that one lets go.
    const told = await Promise.race([first.answer(), second.answer()]);
    expect(told).toMatchObject({ code: "ERR_MANYCORE_DEADLOCK" });
    for (const pid of [first.pid, second.pid]) expect(told.message).toContain(`pid ${pid}`);
    expect(told.message).toMatch(/Lock "a".*Lock "b"|Lock "b".*Lock "a"/);
    await Promise.all([first.kill(), second.kill()]);
  });

  test("pass over what is empty, and look where MANYCORE_NAMESPACE says", async () => {
    // What the killed of the tests before held is kept for whoever takes it next.
    await text("clean");
    const actor = await Actor.start(namespace);
    await actor.ask("acquire door");
    await actor.ask("release door");
    await actor.end();
    expect(await text("ps")).toBe(`${namespace}: nobody\n`);
    for (const command of ["ps", "locks"]) {
      const all = await manycore([command], { env: { MANYCORE_NAMESPACE: undefined } });
      expect(all.stdout).not.toContain(namespace);
      const chosen = await manycore([command], { env: { MANYCORE_NAMESPACE: namespace } });
      expect(chosen.stdout).toBe(
        `No program shares anything in ${namespace}, which MANYCORE_NAMESPACE names; --all-namespaces shows the others.\n`,
      );
    }
    const other = await Actor.start(`${namespace}-other`);
    await other.ask("acquire window");
    const run = (env: string, ...args: string[]): Promise<string> =>
      manycore(["locks", ...args], { env: { MANYCORE_NAMESPACE: env } }).then((end) => end.stdout);
    expect(await run(`${namespace}-other`)).toMatch(/^\S+-other \(.*\)\n.*\nLock +window +held/);
    expect(await run(namespace)).not.toContain("window");
    expect(await run(namespace, "--all-namespaces")).toContain("window");
    expect(await run(namespace, "-n", `${namespace}-other`)).toContain("window");
    await other.end();
    rmSync(`${folder}-other`, { recursive: true, force: true });
  });

  test("an unknown namespace is named, with those that exist", async () => {
    const run = await manycore(["ps", "--namespace", "nowhere"]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/No namespace is called "nowhere"; there (are|is)/);
  });
});

describe("clean", () => {
  test("removes what the dead left, keeps what is in use, and at last the namespace", async () => {
    const [dead, living] = await Promise.all([Actor.start(namespace), Actor.start(namespace)]);
    await dead.ask("acquire gone");
    await living.ask("acquire kept");
    await dead.kill();
    writeFileSync(join(folder, "s.900-1"), "a segment of nobody");
    expect(await text("clean")).toMatch(/removed 1 dead thread, 1 unused object, 1 stray file\n/);
    expect((await report("locks"))?.objects.map(({ name }) => name)).toEqual(["kept"]);
    expect(await living.ask("release kept")).toMatchObject({ done: "release kept" });
    await living.kill();
    expect(await text("clean")).toMatch(/nobody is left, so it is gone/);
    expect(existsSync(folder)).toBe(false);
  });

  test("refuses a folder that others may write to", async () => {
    mkdirSync(folder, { recursive: true, mode: 0o777 });
    const { chmodSync } = await import("node:fs");
    chmodSync(folder, 0o777);
    const run = await manycore(["ps", "-n", namespace]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/^manycore: Others may enter .* chmod 700/);
    rmSync(folder, { recursive: true });
  });
});
