import { describe, expectTypeOf, test } from "vitest";
import { inline, task } from "../../dist/task/index.js";
import type { Task, TaskRef, tasks } from "../../dist/task/index.js";

declare function submit<A extends unknown[], R>(fn: Task<A, R>, ...args: A): Promise<R>;

/** What `typeof import("./x.ts")` gives. */
interface Module {
  square(x: number): number;
  later(x: string): Promise<boolean>;
  version: string;
}

describe("the types of tasks", () => {
  test("task() and inline() give back the type they got", () => {
    const square = (x: number): string => String(x);
    expectTypeOf(task<typeof square>).returns.toEqualTypeOf<(x: number) => string>();
    expectTypeOf(inline<typeof square>).returns.toEqualTypeOf<(x: number) => string>();
  });

  test("tasks() gives references to functions only, with their awaited results", () => {
    type Refs = ReturnType<typeof tasks<Module>>;
    expectTypeOf<Refs["square"]>().toEqualTypeOf<TaskRef<[x: number], number>>();
    expectTypeOf<Refs["later"]>().toEqualTypeOf<TaskRef<[x: string], boolean>>();
    expectTypeOf<keyof Refs>().toEqualTypeOf<"square" | "later">();
  });

  test("parameters and results are inferred from functions and references", () => {
    type Refs = ReturnType<typeof tasks<Module>>;
    const calls = (refs: Refs): unknown[] => [
      expectTypeOf(submit(refs.square, 1)).toEqualTypeOf<Promise<number>>(),
      expectTypeOf(submit(refs.later, "x")).toEqualTypeOf<Promise<boolean>>(),
      expectTypeOf(submit((x: number) => x > 1, 1)).toEqualTypeOf<Promise<boolean>>(),
      // @ts-expect-error a string is no number
      submit(refs.square, "x"),
      // @ts-expect-error a string is no number
      submit((x: number) => x, "x"),
    ];
    expectTypeOf(calls).toBeFunction();
  });
});
