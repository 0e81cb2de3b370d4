import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PendingQueue } from "../../dist/executor/pending-queue.js";
import { type TaskEntry } from "../../dist/executor/task-entry.js";

/** What the queue looks at of an entry. */
interface Item {
  readonly name: number;
  readonly options: { readonly priority: number };
  state: string;
}

function item(name: number, priority: number): Item {
  return { name, options: { priority }, state: "pending" };
}

const entry = (each: Item): TaskEntry => each as unknown as TaskEntry;

function takeAll(queue: PendingQueue): number[] {
  const names: number[] = [];
  for (let next = queue.peek(); next !== undefined; next = queue.peek()) {
    queue.take(next);
    names.push((next as unknown as Item).name);
  }
  return names;
}

describe("PendingQueue", () => {
  test("gives the highest priority first, then the oldest", () => {
    const queue = new PendingQueue();
    [0, 5, -1, 5, 0].forEach((priority, i) => queue.push(entry(item(i, priority))));
    expect(queue.size).toBe(5);
    expect(takeAll(queue)).toEqual([1, 3, 0, 4, 2]);
    expect(queue.size).toBe(0);
  });

  test("what is put back comes before its equals, in its own order", () => {
    const queue = new PendingQueue();
    const items = [0, 1, 2, 3].map((i) => item(i, 0));
    for (const each of items) queue.push(entry(each));
    const taken = [queue.peek(), undefined];
    queue.take(taken[0] as TaskEntry);
    taken[1] = queue.peek();
    queue.take(taken[1] as TaskEntry);
    queue.putBack(taken as TaskEntry[]);
    expect(takeAll(queue)).toEqual([0, 1, 2, 3]);
  });

  test("is as a sorted list is, whatever is pushed, taken, put back and cancelled", () => {
    const command = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant("push" as const),
          priority: fc.integer({ min: -2, max: 2 }),
        }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("take" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("putBack" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), at: fc.nat() }) },
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 300 }), (commands) => {
        const queue = new PendingQueue();
        let model: Item[] = [];
        let last: Item | undefined;
        let next = 0;
        for (const step of commands) {
          if (step.do === "push") {
            const fresh = item(next++, step.priority);
            queue.push(entry(fresh));
            const at = model.findIndex((each) => each.options.priority < step.priority);
            model.splice(at === -1 ? model.length : at, 0, fresh);
          } else if (step.do === "take") {
            last = queue.peek() as unknown as Item | undefined;
            expect(last).toBe(model.shift());
            if (last !== undefined) queue.take(entry(last));
          } else if (step.do === "putBack" && last !== undefined) {
            const { priority } = last.options;
            queue.putBack([entry(last)]);
            const at = model.findIndex((each) => each.options.priority <= priority);
            model.splice(at === -1 ? model.length : at, 0, last);
            last = undefined;
          } else if (step.do === "cancel" && model.length > 0) {
            const gone = model[step.at % model.length] as Item;
            model = model.filter((each) => each !== gone);
            gone.state = "settled";
            queue.forget();
          }
          expect(queue.size).toBe(model.length);
        }
        expect(new Set([...queue.waiting()].map((each) => (each as unknown as Item).name))).toEqual(
          new Set(model.map((each) => each.name)),
        );
        expect(takeAll(queue)).toEqual(model.map((each) => each.name));
      }),
      { numRuns: 200 },
    );
  });

  test("ten thousand tasks go through without their number showing", () => {
    const queue = new PendingQueue();
    for (let i = 0; i < 10_000; i++) queue.push(entry(item(i, 0)));
    expect(takeAll(queue)).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });
});
