import { expect, test } from "vitest";

const { childContext, currentContext, enterContext, isWithin, runIn } = (await import(
  new URL("../../dist/parking/context.js", import.meta.url).href
)) as typeof import("../../src/parking/context.ts");

test("code outside any hold has no context", () => {
  expect(currentContext()).toBeUndefined();
});

test("what follows an entered context is in it, but not what was called beside it", async () => {
  const first = async (): Promise<number> => {
    const context = enterContext();
    context.isHolding = true;
    await Promise.resolve();
    return currentContext() === context ? context.id : -1;
  };
  const beside = async (): Promise<unknown> => currentContext();
  const [one, other] = await Promise.all([first(), beside()]);
  expect(one).toBeGreaterThan(0);
  expect(other).toBeUndefined();
});

test("a context that holds nothing is passed over", async () => {
  const outer = childContext();
  outer.isHolding = true;
  await runIn(outer, async () => {
    const inner = childContext();
    await runIn(inner, async () => {
      expect(currentContext()).toBe(outer);
      inner.isHolding = true;
      expect(currentContext()).toBe(inner);
      expect(isWithin(inner, outer)).toBe(true);
      expect(isWithin(outer, inner)).toBe(false);
      inner.isHolding = false;
      expect(currentContext()).toBe(outer);
    });
  });
});
