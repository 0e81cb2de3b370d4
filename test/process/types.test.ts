import { expectTypeOf, test } from "vitest";
import { Process, tasks, Thread } from "manycore";

const square = (x: number): number => x * x;
const later = async (text: string, n = 1): Promise<Date> => new Date(text.length + n);

test("the target's parameters type the arguments, what it returns types the result", () => {
  // Only checked by the compiler, never called.
  const uses = [
    () => {
      expectTypeOf(new Process({ target: square, args: [1] }).result).toEqualTypeOf<
        Promise<number>
      >();
      expectTypeOf(new Thread({ target: later, args: ["x"] }).result).toEqualTypeOf<
        Promise<Date>
      >();
      expectTypeOf(new Process({ target: () => "x" }).result).toEqualTypeOf<Promise<string>>();
    },
    // @ts-expect-error an argument of the wrong type
    () => new Process({ target: square, args: ["x"] }),
    // @ts-expect-error no arguments
    () => new Process({ target: square }),
    // @ts-expect-error an argument too many
    () => new Thread({ target: square, args: [1, 2] }),
    // @ts-expect-error a thread has no folder of its own
    () => new Thread({ target: square, args: [1], cwd: "/" }),
    () => {
      const refs = tasks<{ square: typeof square }>(import.meta.url);
      expectTypeOf(new Process({ target: refs.square, args: [2] }).result).toEqualTypeOf<
        Promise<number>
      >();
    },
  ];
  expectTypeOf(uses).toBeArray();
});

test("a subclass types its result by its type arguments", () => {
  class Typed extends Thread<[], number> {
    override run(): number {
      return 1;
    }
  }
  class Loose extends Process {
    override async run(): Promise<void> {}
  }
  expectTypeOf<Typed["result"]>().toEqualTypeOf<Promise<number>>();
  expectTypeOf<Loose["result"]>().toEqualTypeOf<Promise<unknown>>();
});
