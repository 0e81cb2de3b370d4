import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { HANDOFF_TRANSITIONS, type HandoffState } from "../../dist/connection/handoff.js";
import { transition } from "../../dist/util/state-machine.js";

const states = Object.keys(HANDOFF_TRANSITIONS) as HandoffState[];

test("the table in the room's README has exactly the transitions of the code", () => {
  const text = readFileSync(new URL("../../src/connection/README.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` +\|[^|]*\|([^|]*)\|$/gm)];
  const drawn = rows.map(([, state, followers]) => [
    state,
    [...followers!.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  ]);
  expect(Object.fromEntries(drawn)).toEqual(HANDOFF_TRANSITIONS);
});

test("every state can be reached, and every one leads to an end", () => {
  const reached = new Set<HandoffState>(["offered"]);
  for (const state of reached) for (const next of HANDOFF_TRANSITIONS[state]) reached.add(next);
  expect([...reached].sort()).toEqual([...states].sort());
  for (const state of states) {
    const isEnd = HANDOFF_TRANSITIONS[state].length === 0;
    expect(isEnd || HANDOFF_TRANSITIONS[state].includes("lost"), state).toBe(true);
  }
});

test.each(states.flatMap((from) => states.map((to) => [from, to] as const)))(
  "from %s to %s: only along an arrow",
  (from, to) => {
    const step = (): HandoffState => transition(HANDOFF_TRANSITIONS, from, to, "A connection");
    if (HANDOFF_TRANSITIONS[from].includes(to)) expect(step()).toBe(to);
    else expect(step).toThrow(`A connection cannot go from "${from}" to "${to}"`);
  },
);
