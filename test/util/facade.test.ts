import { expect, test } from "vitest";
import { lazyPart, unwrapFacade } from "../../dist/util/facade.js";

class Counter {
  static #made = 0;
  static made(): number {
    return Counter.#made;
  }
  static of(this: new (n: number) => Counter, n: number): Counter {
    return new this(n);
  }
  static label = "none";
  constructor(readonly n: number) {
    Counter.#made++;
  }
}
async function later(n: number): Promise<number> {
  return await Promise.resolve(n);
}
const real = { Counter, later };

let loads = 0;
let part = 0;
function facades(): { Counter: typeof Counter; later: typeof later } {
  const made = lazyPart(`test ${part++}`, () => {
    loads++;
    return real;
  });
  return {
    Counter: made.facade("Counter") as typeof Counter,
    later: made.facade("later", true) as typeof later,
  };
}

test("a facade loads when it is used, once, and not when it is made or passed on", async () => {
  const before = loads;
  const made = facades();
  const kept = [made.Counter, made.later];
  expect(loads).toBe(before);
  expect(new (kept[0] as typeof Counter)(3).n).toBe(3);
  await expect(made.later(4)).resolves.toBe(4);
  expect(loads).toBe(before + 1);
});

test("a class behind a facade has its private statics, and `this` in them is the class", () => {
  const made = facades();
  const before = Counter.made();
  expect(made.Counter.of(1).constructor).toBe(Counter);
  expect(made.Counter.made()).toBe(before + 1);
});

test("a class that extends a facade is what its statics make", () => {
  const { Counter: Facade } = facades();
  class Mine extends Facade {}
  expect(Mine.of(1)).toBeInstanceOf(Mine);
  expect(new Mine(2)).toBeInstanceOf(Counter);
  expect(new Counter(2)).toBeInstanceOf(Facade);
  expect(new Counter(2)).not.toBeInstanceOf(Mine);
});

test("fields that are set on a facade are the class's", () => {
  const { Counter: Facade } = facades();
  Facade.label = "given";
  expect(Counter.label).toBe("given");
  expect(Object.getOwnPropertyDescriptor(Facade, "label")?.value).toBe("given");
  Counter.label = "none";
  expect(Reflect.deleteProperty(Facade, "prototype")).toBe(false);
});

test("a facade may be looked into by whoever compares proxies with their targets", () => {
  const made = facades();
  for (const name of ["Counter", "later"] as const) {
    expect(Object.getOwnPropertyDescriptors(made[name])).toEqual(
      Object.getOwnPropertyDescriptors(real[name]),
    );
    expect(Reflect.ownKeys(made[name])).toEqual(Reflect.ownKeys(real[name]));
    expect(unwrapFacade(made[name])).toBe(real[name]);
  }
  expect(unwrapFacade(Counter)).toBe(Counter);
  expect(unwrapFacade(3)).toBe(3);
});

test("fields of a module read the part on use, and are plain ones after it", () => {
  const made = lazyPart("test fields", () => real);
  const module: Record<string, unknown> = {};
  made.define(module, ["Counter", "later"]);
  expect(Object.keys(module)).toEqual(["Counter", "later"]);
  expect(Object.getOwnPropertyDescriptor(module, "later")).toHaveProperty("get");
  expect(module["Counter"]).toBe(Counter);
  expect(Object.getOwnPropertyDescriptor(module, "later")).toHaveProperty("value", later);
  expect(lazyPart("test fields", () => ({}))).toBe(made);
});

test("who follows a part hears of its exports, at once if it is there", () => {
  const made = lazyPart("test followers", () => real);
  const heard: unknown[] = [];
  made.whenLoaded((exports) => heard.push(exports));
  expect(heard).toEqual([]);
  void made.exports;
  made.whenLoaded((exports) => heard.push(exports));
  expect(heard).toEqual([real, real]);
});
