import { describe, expectTypeOf, test } from "vitest";
import { connect, type Connection, Listener, pipe, waitReady } from "manycore";

// The compiler does the testing: see calls.test.ts.

interface Job {
  readonly id: number;
}

declare const listener: Listener;
declare const typed: Listener<Job>;

/** Holds code that is compiled and never run. */
function compiled(_code: () => unknown): void {}

describe("types of connections", () => {
  test("a listener's connections carry what it, or accept, says", () => {
    compiled(async () => {
      expectTypeOf(await listener.accept()).toEqualTypeOf<Connection>();
      expectTypeOf(await listener.accept<Job>()).toEqualTypeOf<Connection<Job>>();
      expectTypeOf(await (await listener.accept<Job>()).recv()).toEqualTypeOf<Job>();
      expectTypeOf(await typed.accept()).toEqualTypeOf<Connection<Job>>();
      expectTypeOf(await typed.accept({ timeout: 1 })).toEqualTypeOf<Connection<Job>>();
      expectTypeOf(new Listener<Job>()).toEqualTypeOf<Listener<Job>>();
      expectTypeOf(new Listener()).toEqualTypeOf<Listener>();
      expectTypeOf(await Listener.listen<Job>()).toEqualTypeOf<Listener<Job>>();
      for await (const connection of typed) {
        expectTypeOf(connection).toEqualTypeOf<Connection<Job>>();
        // @ts-expect-error a string is no job
        await connection.send("x");
      }
    });
  });

  test("a client's connection and both ends of a pipe carry what is said", () => {
    compiled(async () => {
      expectTypeOf(await connect("/x")).toEqualTypeOf<Connection>();
      expectTypeOf(await connect<Job>("/x")).toEqualTypeOf<Connection<Job>>();
      expectTypeOf(pipe<Job>()).toEqualTypeOf<[Connection<Job>, Connection<Job>]>();
      expectTypeOf(pipe()).toEqualTypeOf<[Connection, Connection]>();
    });
  });

  test("a typed connection can be waited for", () => {
    compiled(async () => {
      expectTypeOf(await waitReady([typed])).toEqualTypeOf<Listener<Job>[]>();
      expectTypeOf(await waitReady(pipe<Job>())).toEqualTypeOf<Connection<Job>[]>();
      await waitReady([listener, typed, ...pipe()]);
    });
  });
});
