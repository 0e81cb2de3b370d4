import { describe, expect, test } from "vitest";
import { Lock, RLock, RWLock } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { rejection, thrown } from "../process/work.ts";

useNamespace("closed");

const CLOSED = "ERR_MANYCORE_INVALID_STATE";

describe.each([Lock, RLock])("A closed handle of a %o", (Class) => {
  test("cannot take what others have open", async () => {
    const closed = new Class({ name: `closed-${Class.name}` });
    closed.close();
    using open = new Class({ name: `closed-${Class.name}` });
    for (const use of [
      () => closed.tryAcquire(),
      () => closed.acquireSync(),
      () => closed.holdSync(),
      () => closed.locked,
      () => closed.abandoned,
      () => closed.release(),
    ]) {
      expect(thrown(use).code).toBe(CLOSED);
    }
    for (const use of [
      () => closed.acquire(),
      () => closed.hold(),
      () => closed.run(() => undefined),
    ]) {
      expect((await rejection(use())).code).toBe(CLOSED);
    }
    expect(open.locked).toBe(false);
  });

  test("keeps what its wait takes until that is released", async () => {
    const name = `waiting-${Class.name}`;
    using open = new Class({ name });
    const first = await open.hold();
    const waiting = new Class({ name });
    const held = waiting.hold();
    waiting.close();
    first.release();
    const guard = await held;
    expect(guard.abandoned).toBe(false);
    expect(open.locked).toBe(true);
    guard.release();
    expect(open.locked).toBe(false);
  });
});

test("A closed RWLock can be neither read nor written", async () => {
  const closed = new RWLock({ name: "closed-rw" });
  closed.close();
  using open = new RWLock({ name: "closed-rw" });
  for (const use of [
    () => closed.tryRead(),
    () => closed.tryWrite(),
    () => closed.readSync(),
    () => closed.writeSync(),
    () => closed.writing,
    () => closed.readers,
  ]) {
    expect(thrown(use).code).toBe(CLOSED);
  }
  expect((await rejection(closed.read())).code).toBe(CLOSED);
  expect((await rejection(closed.write())).code).toBe(CLOSED);
  expect(open.writing).toBe(false);
});

test("A name with half of a surrogate pair is refused", () => {
  for (const name of ["\ud800", "a\udc00", "\ud801b"]) {
    expect(thrown(() => new Lock({ name })).message).toContain("surrogate");
  }
  using lock = new Lock({ name: "\ufeff\ufffd😀" });
  expect(lock.name).toBe("\ufeff\ufffd😀");
});
