import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Queue } from "manycore";
import { randomOf } from "../faults/kit.ts";
import { useNamespace } from "../helpers/namespace.ts";

useNamespace("queue-stress");

/** Another run: `STRESS_SEED=7 npm run stress`; minutes of each: `STRESS_MINUTES=5`. */
const SEED = Number(process.env["STRESS_SEED"] ?? 1);
const RUN_MS = Number(process.env["STRESS_MINUTES"] ?? 0.5) * 60_000;
const CHILD = fileURLToPath(new URL("../fixtures/queue/torture.mjs", import.meta.url));

interface Member {
  readonly child: ChildProcess;
  readonly label: string;
  readonly role: "producer" | "consumer";
  said: string;
}

const random = randomOf(SEED);
let labels = 0;

function start(role: Member["role"], name: string, env: NodeJS.ProcessEnv): Member {
  const label = `${role}-${++labels}`;
  const form = random() < 0.5 ? "sync" : "async";
  const child = spawn(process.execPath, [CHILD, role, name, label, form], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const member: Member = { child, label, role, said: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    member.said += text;
  });
  return member;
}

/** What consumers said they have taken: `label:i` of each whole line. */
function takenBy(members: readonly Member[]): string[] {
  return members
    .filter(({ role }) => role === "consumer")
    .flatMap(({ said }) => said.slice(0, said.lastIndexOf("\n") + 1).split("\n"))
    .filter((line) => line !== "" && line !== "end");
}

/** @returns how many were killed. */
async function torture(options: { maxSize?: number; capacityBytes: number }): Promise<number> {
  const name = `torture ${SEED}-${++labels}`;
  using queue = new Queue<{ label: string; i: number }>({ name, ...options });
  const all: Member[] = [];
  const alive = new Set<Member>();
  const add = (role: Member["role"]): void => {
    const member = start(role, name, {});
    all.push(member);
    alive.add(member);
  };
  for (const role of ["producer", "producer", "consumer", "consumer"] as const) add(role);
  let kills = { producer: 0, consumer: 0 };
  const end = performance.now() + RUN_MS;
  while (performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 50 + random() * 150));
    const victim = [...alive][Math.floor(random() * alive.size)]!;
    alive.delete(victim);
    const closed = once(victim.child, "close");
    victim.child.kill("SIGKILL");
    await closed;
    kills = { ...kills, [victim.role]: kills[victim.role] + 1 };
    add(victim.role);
  }
  for (const { child, role } of alive) if (role === "producer") child.stdin!.end("stop\n");
  const closed = (members: Iterable<Member>): Promise<unknown> =>
    Promise.all(
      [...members].map(({ child }) =>
        child.exitCode === null ? once(child, "close") : Promise.resolve(),
      ),
    );
  await closed([...alive].filter(({ role }) => role === "producer"));
  queue.shutdown();
  await closed(alive);
  const taken = takenBy(all);
  expect(new Set(taken).size, "an item was taken twice").toBe(taken.length);
  expect(taken.length).toBeGreaterThan(0);
  const said = all
    .filter(({ role }) => role === "producer")
    .flatMap(({ said: lines, label }) => {
      const count = Number(/(\d+)\n[^\n]*$/.exec(lines)?.[1] ?? 0);
      return Array.from({ length: count }, (_, i) => `${label}:${i}`);
    });
  const known = new Set(taken);
  const missing = said.filter((item) => !known.has(item)).length;
  // Each dead consumer had at most one item in its hands, and one that it had not spoken of.
  if (options.maxSize !== undefined) expect(missing).toBeLessThanOrEqual(kills.consumer * 2);
  return kills.producer + kills.consumer;
}

describe("producers and consumers killed at random moments", () => {
  test.each([
    { maxSize: 1, capacityBytes: 4096 },
    { maxSize: 100, capacityBytes: 65_536 },
    { capacityBytes: 65_536 },
  ])(
    `seed ${SEED}: %j`,
    async (options) => {
      expect(await torture(options)).toBeGreaterThan(RUN_MS / 2000);
    },
    RUN_MS + 300_000,
  );
});
