import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  CancelledError,
  InvalidStateError,
  type Process,
  ProcessError,
  type ProcessOptions,
  RemoteError,
  SerializationError,
  TaskNotFoundError,
  tasks,
  type Thread,
  WorkerCrashedError,
} from "manycore";
import { classOf, fn, rejection, thrown } from "../../process/work.ts";

type Handle = Process<unknown[], unknown> | Thread<unknown[], unknown>;
type Options = ProcessOptions<unknown[], unknown>;

/** One implementation of the contract. */
export interface Kind {
  readonly name: "Process" | "Thread";
  make(options?: Options): Handle;
  /** The class's name among the fixtures, without "Process" or "Thread". */
  readonly suffix: "Process" | "Thread";
}

const idle = fn("idle");
const echo = fn("echo");
const nothing = fn("nothing");
const later = fn("later");
const compute = fn("compute");
const untilAsked = fn("untilAsked");
const exit = fn("exit");
const ignoreInterrupt = fn("ignoreInterrupt");

/** Every case that a Process and a Thread answer alike. */
export function testWorkerHandle(kind: Kind): void {
  const make = (options?: object): Handle => kind.make(options);
  const start = (options: Options): Promise<Handle> => make(options).start();

  describe(`${kind.name}: start and result`, () => {
    test("the target is called with its arguments and what it returns is the result", async () => {
      const args = [1, "two", [3, { four: 4 }], new Map([["five", 5n]]), undefined];
      const handle = await start({ target: echo, args });
      expect(await handle.result).toEqual(args);
      expect(await handle.join()).toBe(0);
    });

    test("an async target, a default export and a reference without an import all run", async () => {
      const refs = tasks<{ echo(...values: unknown[]): unknown[] }>(
        new URL("../../fixtures/process/work.js", import.meta.url),
      );
      const handles = await Promise.all([
        start({ target: later, args: ["soon"] }),
        start({ target: fn("default") }),
        start({ target: refs.echo as NonNullable<Options["target"]>, args: ["ref"] }),
      ]);
      expect(await Promise.all(handles.map((each) => each.result))).toEqual([
        "soon",
        "default",
        ["ref"],
      ]);
      expect(await Promise.all(handles.map((each) => each.join()))).toEqual([0, 0, 0]);
    });

    test("two that were made without args do not share anything", async () => {
      const handles = await Promise.all([start({ target: echo }), start({ target: echo })]);
      expect(await Promise.all(handles.map((each) => each.result))).toEqual([[], []]);
      await Promise.all(handles.map((each) => each.join()));
    });

    test("before the start it has no pid and no exit code and is not alive", async () => {
      const handle = make({ target: nothing });
      expect([
        handle.pid === undefined || kind.name === "Thread",
        handle.isAlive,
        handle.exitCode,
      ]).toEqual([true, false, undefined]);
      await handle.start();
      expect(handle.pid).toBeGreaterThan(0);
      await handle.join();
      expect([handle.isAlive, handle.exitCode]).toEqual([false, 0]);
    });

    test("a second start is refused, while it runs and after the end", async () => {
      const handle = await start({ target: nothing });
      expect(await rejection(handle.start())).toBeInstanceOf(InvalidStateError);
      await handle.join();
      expect((await rejection(handle.start())).message).toContain("only once");
    });

    test("a result larger than every buffer on the way arrives whole", async () => {
      const handle = await start({ target: fn("big"), args: [20_000_000] });
      expect(((await handle.result) as string).length).toBe(20_000_000);
      expect(await handle.join()).toBe(0);
    });

    test("a function that cannot be found again is refused at the start", async () => {
      const handle = make({ target: () => 1 });
      const error = await rejection(handle.start());
      expect(error).toBeInstanceOf(TaskNotFoundError);
      expect(await rejection(handle.result)).toBe(error);
      expect(handle.isAlive).toBe(false);
      expect((await rejection(handle.join())).code).toBe("ERR_MANYCORE_INVALID_STATE");
    });

    test("an argument that cannot travel is refused at the start by its path", async () => {
      const handle = make({ target: echo, args: [{ callback: () => {} }] });
      const error = await rejection<SerializationError>(handle.start());
      expect(error).toBeInstanceOf(SerializationError);
      expect(error.path).toBe("args[0].callback");
    });

    test("options of the wrong kind are refused by the constructor", () => {
      const wrong = (options: object): unknown => make(options);
      expect(thrown(() => wrong({ target: 5 }))).toBeInstanceOf(TypeError);
      expect(thrown(() => wrong({ target: Sample })).message).toContain("`Sample` (a class)");
      expect(thrown(() => wrong({ target: nothing, args: "no" })).message).toContain("`args`");
      expect(thrown(() => wrong({ target: nothing, name: 5 })).message).toContain("`name`");
      expect(thrown(() => wrong({ target: nothing, daemon: "yes" })).message).toContain("`daemon`");
      expect(thrown(() => wrong({ target: nothing, stdio: "out" })).message).toContain("`stdio`");
      expect(thrown(() => wrong({ target: nothing, stdio: ["pipe"] })).message).toContain(
        "`stdio`",
      );
      expect(thrown(() => wrong({ target: nothing, inspect: 70_000 }))).toBeInstanceOf(RangeError);
    });

    test("a generator as target is refused with the way out", async () => {
      for (const name of ["generate", "generateAsync"]) {
        const handle = await start({ target: fn(name) });
        expect((await rejection(handle.result)).message).toContain("imap()");
        expect(await handle.join()).toBe(1);
      }
    });

    test("run() called here runs here", async () => {
      expect(await make({ target: echo, args: ["here"] }).run()).toEqual(["here"]);
    });
  });

  describe(`${kind.name}: errors`, () => {
    test("an error thrown by the target arrives as itself, with both stacks, and the exit code is 1", async () => {
      const handle = await start({ target: fn("fail"), args: ["broken"] });
      const error = await rejection<Error & { code: string; detail: unknown }>(handle.result);
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ message: "broken", code: "E_BAD", detail: { n: 1 } });
      expect(error.cause).toBeInstanceOf(TypeError);
      expect(error.stack).toMatch(/at fail .*work\.js[\s\S]*manycore[\s\S]*suite\.ts/);
      expect(await handle.join()).toBe(1);
    });

    test("a rejected promise counts as thrown", async () => {
      const handle = await start({ target: fn("failLater"), args: ["later"] });
      expect((await rejection(handle.result)).message).toBe("later");
      expect(await handle.join()).toBe(1);
    });

    test.each([undefined, 0, "text", null])(
      "a thrown %j arrives as the cause of a RemoteError",
      async (value) => {
        const handle = await start({
          target: fn("throwValue"),
          args: [value],
        });
        const error = await rejection(handle.result);
        expect(error).toBeInstanceOf(RemoteError);
        expect(error.cause).toBe(value);
        expect(await handle.join()).toBe(1);
      },
    );

    test("a result that cannot travel is an error that names it", async () => {
      const handle = await start({ target: fn("returnFunction") });
      const error = await rejection<SerializationError>(handle.result);
      expect(error).toBeInstanceOf(SerializationError);
      expect(error.path).toBe("result.inner[0]");
      expect(await handle.join()).toBe(1);
    });

    test.each(["throwInTimer", "rejectUnhandled"])(
      "%s: an error outside of run() is the cause of the crash",
      async (name) => {
        const handle = await start({ target: fn(name) });
        const error = await rejection<WorkerCrashedError>(handle.result);
        expect(error).toBeInstanceOf(WorkerCrashedError);
        expect(error).toMatchObject({ exitCode: 1, task: name });
        expect((error.cause as Error).message).toMatch(/from a timer|nobody cares/);
        expect(await handle.join()).toBe(1);
      },
    );
  });

  describe(`${kind.name}: exit codes`, () => {
    test.each([
      [0, 0],
      [3, 3],
      [300, 44],
      [-1, 255],
    ])("process.exit(%i) gives %i and no result", async (code, expected) => {
      const handle = await start({ target: exit, args: [code] });
      const error = await rejection<WorkerCrashedError>(handle.result);
      expect(await handle.join()).toBe(expected);
      expect(error).toMatchObject({
        code: "ERR_MANYCORE_WORKER_CRASHED",
        exitCode: expected,
        task: "exit",
      });
    });

    test("process.exitCode set by a target that returns gives both", async () => {
      const handle = await start({ target: fn("exitCodeOnly"), args: [7] });
      expect(await handle.result).toBe("returned");
      expect(await handle.join()).toBe(7);
    });

    test("terminate() gives -15 and kill() -9, also inside a computation", async () => {
      for (const target of [idle, compute]) {
        const [a, b] = await Promise.all([start({ target }), start({ target })]);
        a.terminate();
        b.kill();
        expect([await a.join(), await b.join()]).toEqual([-15, -9]);
        expect(await rejection(a.result)).toMatchObject({ signal: "SIGTERM", exitCode: undefined });
        expect(await rejection(b.result)).toMatchObject({ signal: "SIGKILL", exitCode: undefined });
      }
    });

    test("all ways to end it do nothing after the end", async () => {
      const handle = await start({ target: nothing });
      await handle.join();
      handle.terminate();
      handle.terminate({ grace: 10 });
      handle.kill();
      handle.interrupt();
      expect(await handle.join()).toBe(0);
    });

    test("before the start nothing can be ended or joined", async () => {
      const handle = make({ target: nothing });
      expect(thrown(() => handle.terminate())).toBeInstanceOf(InvalidStateError);
      expect(thrown(() => handle.kill())).toBeInstanceOf(InvalidStateError);
      expect(thrown(() => handle.interrupt())).toBeInstanceOf(InvalidStateError);
      expect(thrown(() => handle.joinSync())).toBeInstanceOf(InvalidStateError);
      expect(await rejection(handle.join())).toBeInstanceOf(InvalidStateError);
    });
  });

  describe(`${kind.name}: asking it to end`, () => {
    test("interrupt() aborts the shutdown signal with the reason, and nothing more", async () => {
      const handle = await start({ target: untilAsked });
      handle.interrupt(new RangeError("enough"));
      expect(await handle.result).toMatchObject({ name: "RangeError", message: "enough" });
      expect(await handle.join()).toBe(0);
    });

    test("interrupt() without a reason gives a CancelledError", async () => {
      const handle = await start({ target: untilAsked });
      handle.interrupt();
      expect(await handle.result).toBeInstanceOf(CancelledError);
      await handle.join();
    });

    test("one that does not look at the signal is not disturbed by interrupt()", async () => {
      const handle = await start({ target: idle });
      handle.interrupt("please");
      expect(await handle.join({ timeout: 50 })).toBeUndefined();
      handle.kill();
      expect(await handle.join()).toBe(-9);
    });

    test("terminate with a grace lets it finish by itself", async () => {
      const handle = await start({ target: untilAsked });
      handle.terminate({ grace: 30_000 });
      expect(await handle.join()).toBe(0);
      expect(await handle.result).toBeInstanceOf(CancelledError);
    });

    test("terminate with a grace ends it after that when it does not", async () => {
      const handle = await start({ target: ignoreInterrupt });
      const begun = performance.now();
      handle.terminate({ grace: 100 });
      expect(await handle.join()).toBe(-15);
      expect(performance.now() - begun).toBeGreaterThanOrEqual(99);
    });

    test("an abort of the option signal interrupts it and rejects the result with the reason", async () => {
      const abort = new AbortController();
      const handle = await start({ target: untilAsked, signal: abort.signal });
      const reason = new Error("no longer needed");
      abort.abort(reason);
      expect(await rejection(handle.result)).toBe(reason);
      expect(await handle.join()).toBe(0);
    });

    test("an abort terminates one that does not listen", async () => {
      const abort = new AbortController();
      const handle = await start({ target: idle, signal: abort.signal });
      abort.abort();
      expect((await rejection(handle.result)).name).toBe("AbortError");
      expect(await handle.join()).toBe(-15);
    });

    test("a signal that is aborted before lets nothing start", async () => {
      const handle = make({ target: nothing, signal: AbortSignal.abort("never mind") });
      expect(await rejection(handle.start())).toBe("never mind");
      expect(await rejection(handle.result)).toBe("never mind");
      expect(handle.isAlive).toBe(false);
    });

    test("kill() while it is being started ends the start", async () => {
      const handle = make({ target: idle });
      const starting = handle.start();
      handle.kill();
      expect(await rejection(starting)).toBeInstanceOf(ProcessError);
      expect(handle.isAlive).toBe(false);
    });
  });

  describe(`${kind.name}: join`, () => {
    test("timeouts of 0 and below look once and leave it alive", async () => {
      const handle = await start({ target: idle });
      expect(await handle.join({ timeout: 0 })).toBeUndefined();
      expect(await handle.join({ timeout: -1 })).toBeUndefined();
      expect(handle.joinSync({ timeout: 0 })).toBeUndefined();
      expect(handle.isAlive).toBe(true);
      handle.kill();
      await handle.join();
    });

    test("many may join, again and again", async () => {
      const handle = await start({ target: later, args: [1] });
      expect(
        await Promise.all([handle.join(), handle.join(), handle.join({ timeout: 60_000 })]),
      ).toEqual([0, 0, 0]);
      expect(await handle.join({ timeout: 0 })).toBe(0);
      expect(handle.joinSync()).toBe(0);
    });

    test("an aborted join rejects with the reason and leaves it alive", async () => {
      const handle = await start({ target: idle });
      const abort = new AbortController();
      const joining = handle.join({ signal: abort.signal });
      abort.abort("tired");
      expect(await rejection(joining)).toBe("tired");
      expect(handle.isAlive).toBe(true);
      handle.kill();
      expect(await handle.join()).toBe(-9);
    });

    test("a timeout that is no number is refused", async () => {
      const handle = await start({ target: nothing });
      expect(await rejection(handle.join({ timeout: Number.NaN }))).toBeInstanceOf(RangeError);
      await handle.join();
    });

    test.skipIf(kind.name === "Process" && process.platform !== "linux")(
      "joinSync blocks until the end, takes a large result in and reports the exit code",
      async () => {
        const big = fn("big");
        const [large, failing, exiting, killed] = await Promise.all([
          start({ target: big, args: [8_000_000] }),
          start({ target: fn("fail") }),
          start({ target: exit, args: [300] }),
          start({ target: compute }),
        ]);
        expect(large.joinSync()).toBe(0);
        expect(failing.joinSync()).toBe(1);
        expect(exiting.joinSync()).toBe(44);
        expect(killed.joinSync({ timeout: 20 })).toBeUndefined();
        killed.kill();
        expect(killed.joinSync()).toBe(-9);
        expect([large.isAlive, large.exitCode]).toEqual([false, 0]);
        expect(((await large.result) as string).length).toBe(8_000_000);
        expect(await rejection(failing.result)).toBeInstanceOf(RangeError);
        expect(await rejection(exiting.result)).toBeInstanceOf(WorkerCrashedError);
        expect(await killed.join()).toBe(-9);
      },
    );
  });

  describe(`${kind.name}: close and dispose`, () => {
    test("close() is refused while it runs; afterwards only name and close() are left", async () => {
      const handle = await start({ target: idle });
      expect(thrown(() => handle.close())).toBeInstanceOf(InvalidStateError);
      handle.kill();
      await handle.join();
      handle.close();
      handle.close();
      expect(handle.name).toMatch(/-\d+$/);
      for (const use of [
        () => handle.isAlive,
        () => handle.pid,
        () => handle.exitCode,
        () => handle.result,
        () => handle.terminate(),
        () => handle.kill(),
        () => handle.interrupt(),
        () => handle.joinSync(),
      ]) {
        expect(thrown(use)).toBeInstanceOf(InvalidStateError);
      }
      expect(await rejection(handle.join())).toBeInstanceOf(InvalidStateError);
      expect(await rejection(handle.start())).toBeInstanceOf(InvalidStateError);
    });

    test("dispose terminates it; async dispose also waits and closes", async () => {
      const [a, b, c] = [
        await start({ target: idle }),
        await start({ target: idle }),
        make({ target: nothing }),
      ];
      a[Symbol.dispose]();
      expect(await a.join()).toBe(-15);
      a[Symbol.dispose]();
      await b[Symbol.asyncDispose]();
      expect(thrown(() => b.isAlive)).toBeInstanceOf(InvalidStateError);
      await c[Symbol.asyncDispose]();
      expect(await rejection(c.start())).toBeInstanceOf(InvalidStateError);
    });
  });

  describe(`${kind.name}: names and daemons`, () => {
    test("names count up, may be given and set, and reach the child", async () => {
      const [first, second] = [make({ target: nothing }), make({ target: nothing })];
      const number = (name: string): number =>
        Number(new RegExp(`^${kind.name}-(\\d+)$`).exec(name)?.[1]);
      expect(number(second.name)).toBe(number(first.name) + 1);
      const handle = make({ target: fn("whoAmI"), name: "given" });
      handle.name = "set";
      await handle.start();
      const who = (await handle.result) as Record<string, { name: string }>;
      expect(who[kind.name === "Process" ? "process" : "thread"]?.name).toBe("set");
      await handle.join();
    });

    test("a subclass gives the prefix of the name", () => {
      const Named = classOf<new () => Handle>(`Named${kind.suffix}`);
      expect(new Named().name).toMatch(new RegExp(`^Named${kind.suffix}-\\d+$`));
    });

    test("daemon may be set before the start only", async () => {
      const handle = make({ target: idle });
      expect(handle.daemon).toBe(false);
      handle.daemon = true;
      await handle.start();
      expect(thrown(() => (handle.daemon = false))).toBeInstanceOf(InvalidStateError);
      expect(handle.daemon).toBe(true);
      handle.kill();
      expect(await handle.join()).toBe(-9);
    });

    test("console.log shows class, name, pid and state", async () => {
      const handle = make({ target: nothing, name: "shown" });
      expect(inspect(handle)).toBe(`<${kind.name} shown new>`);
      await handle.start();
      await handle.join();
      expect(inspect(handle)).toBe(`<${kind.name} shown pid ${handle.pid} exit code 0>`);
      handle.close();
      expect(inspect(handle)).toBe(`<${kind.name} shown closed>`);
    });
  });

  describe(`${kind.name}: subclass`, () => {
    type Subclass = new (seed: unknown, extra?: object) => Handle & { seed: unknown };

    test("own fields travel and run() sees its base class, without the constructor", async () => {
      const Crawler = classOf<Subclass>(`Crawler${kind.suffix}`);
      const handle = new Crawler("https://example.org", { depth: 3 });
      await handle.start();
      const seen = (await handle.result) as { pid: number };
      expect(seen).toEqual({
        seed: "https://example.org",
        name: "crawler",
        pid: handle.pid,
        isAlive: true,
        constructed: 0,
        isSub: true,
        fields: ["seed", "depth"],
        helped: "help with https://example.org",
        hidden: false,
      });
      expect(await handle.join()).toBe(0);
    });

    test("a field that cannot travel is refused by its path", async () => {
      const Crawler = classOf<Subclass>(`Crawler${kind.suffix}`);
      const error = await rejection<SerializationError>(
        new Crawler(1, { onPage: () => {} }).start(),
      );
      expect(error.path).toBe("this.onPage");
    });

    test("inside run() it can neither join, start, close nor ask for the result of itself", async () => {
      const Selfish = classOf<new () => Handle>(`Selfish${kind.suffix}`);
      const handle = await new Selfish().start();
      const code = "ERR_MANYCORE_INVALID_STATE";
      expect(await handle.result).toEqual({
        join: code,
        start: code,
        joinSync: code,
        close: code,
        result: code,
      });
      await handle.join();
    });
  });

  describe(`${kind.name}: standard streams and environment`, () => {
    test("piped streams carry what it writes and reads", async () => {
      const handle = await start({
        target: fn("upper"),
        stdio: "pipe",
      });
      handle.stdin?.end("quiet");
      expect(await handle.result).toBe("QUIET");
      expect(await handle.join()).toBe(0);
    });

    test("what is written to piped streams is read here, also before an error", async () => {
      const handle = await start({
        target: fn("say"),
        args: ["to stdout", "to stderr"],
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [out, err] = await Promise.all([text(handle.stdout), text(handle.stderr)]);
      expect([out, err, handle.stdin]).toEqual(["to stdout", "to stderr", null]);
      expect(await handle.join()).toBe(0);
    });

    test("streams are null where nothing is piped, and ignored output goes nowhere", async () => {
      const handle = await start({
        target: fn("say"),
        args: ["x".repeat(200_000)],
        stdio: "ignore",
      });
      if (kind.name === "Process")
        expect([handle.stdin, handle.stdout, handle.stderr]).toEqual([null, null, null]);
      expect(await handle.join()).toBe(0);
    });

    test("the environment is inherited, or the one that was given", async () => {
      const target = fn("environment");
      process.env["MANYCORE_TEST_INHERITED"] = "yes";
      const handles = await Promise.all([
        start({ target, args: ["MANYCORE_TEST_INHERITED"] }),
        start({ target, args: ["OWN"], env: { OWN: "mine" } }),
        start({ target, args: ["MANYCORE_TEST_INHERITED"], env: { OWN: "mine" } }),
      ]);
      delete process.env["MANYCORE_TEST_INHERITED"];
      expect(await Promise.all(handles.map((each) => each.result))).toEqual([
        "yes",
        "mine",
        undefined,
      ]);
      await Promise.all(handles.map((each) => each.join()));
    });
  });
}

async function text(stream: AsyncIterable<unknown> | null): Promise<string> {
  let all = "";
  for await (const chunk of stream ?? []) all += String(chunk);
  return all;
}

class Sample {
  readonly n = 1;
}
