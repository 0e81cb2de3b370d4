import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { TASK_TRANSITIONS } from "../../dist/executor/task-state.js";
import { WORKER_TRANSITIONS } from "../../dist/executor/worker-state.js";
import { transition, type Transitions } from "../../dist/util/state-machine.js";

const readme = readFileSync(new URL("../../src/executor/README.md", import.meta.url), "utf8");

describe.each([
  ["a task", "## The states of a task", TASK_TRANSITIONS, "locating", "settled"],
  ["a worker", "## The states of a worker", WORKER_TRANSITIONS, "starting", "dead"],
] as [string, string, Transitions<string>, string, string][])(
  "the states of %s",
  (_, heading, arrows, first, last) => {
    const states = Object.keys(arrows);

    test("are drawn in the room's README as they are in the code", () => {
      const section = readme.slice(readme.indexOf(heading)).split("\n## ")[0]!;
      const rows = [...section.matchAll(/^\| `(\w+)` +\|[^|]*\|([^|]*)\|$/gm)];
      const drawn = rows.map(([, state, followers]) => [
        state,
        [...followers!.matchAll(/`(\w+)`/g)].map(([, name]) => name),
      ]);
      expect(Object.fromEntries(drawn)).toEqual(arrows);
    });

    test("can all be reached, and all lead to the end", () => {
      const reached = new Set([first]);
      for (const state of reached) for (const next of arrows[state]!) reached.add(next);
      expect([...reached].sort()).toEqual([...states].sort());
      for (const state of states)
        expect(state === last || arrows[state]!.includes(last)).toBe(true);
    });

    test.each(states.flatMap((from) => states.map((to) => [from, to] as const)))(
      "%s to %s: only along an arrow",
      (from, to) => {
        const step = (): string => transition(arrows, from, to, "It");
        if (arrows[from]!.includes(to)) expect(step()).toBe(to);
        else expect(step).toThrow(`It cannot go from "${from}" to "${to}"`);
      },
    );
  },
);
