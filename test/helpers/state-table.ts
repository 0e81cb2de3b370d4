import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { transition, type Transitions } from "../../dist/util/state-machine.js";

/**
 * The tests of a state machine: its room's README draws what the code does, no state is out of reach or without a way
 * out, and every change that is not drawn is refused.
 *
 * @param readme - path of the README below src/, and the heading under which the table of states stands.
 * @param first - where it begins.
 */
export function testStateTable(
  readme: readonly [path: string, heading: string],
  arrows: Transitions<string>,
  first: string,
): void {
  const states = Object.keys(arrows);
  const isEnd = (state: string): boolean => arrows[state]!.length === 0;

  test("the README of the room has exactly the transitions of the code", () => {
    const [path, heading] = readme;
    const text = readFileSync(new URL(`../../src/${path}`, import.meta.url), "utf8");
    expect(text).toContain(heading);
    const section = text.slice(text.indexOf(heading)).split("\n## ")[0]!;
    const rows = [...section.matchAll(/^\| `(\w+)` +\|[^|]*\|([^|]*)\|$/gm)];
    const drawn = rows.map(([, state, followers]) => [
      state,
      [...followers!.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    ]);
    expect(Object.fromEntries(drawn)).toEqual(arrows);
  });

  test("every state can be reached, and every one leads to an end", () => {
    const reached = new Set([first]);
    for (const state of reached) for (const next of arrows[state]!) reached.add(next);
    expect([...reached].sort()).toEqual([...states].sort());
    const leading = new Set(states.filter(isEnd));
    for (const _ of states) {
      for (const state of states)
        if (arrows[state]!.some((next) => leading.has(next))) leading.add(state);
    }
    expect([...leading].sort()).toEqual([...states].sort());
  });

  test.each(states.flatMap((from) => states.map((to) => [from, to] as const)))(
    "from %s to %s: only along an arrow",
    (from, to) => {
      const step = (): string => transition(arrows, from, to, "It");
      if (arrows[from]!.includes(to)) expect(step()).toBe(to);
      else expect(step).toThrow(`It cannot go from "${from}" to "${to}"`);
    },
  );
}
