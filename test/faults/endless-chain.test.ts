import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AddressInfo, createServer } from "node:net";
import { type ProgramOptions, type ProgramResult, runProgram } from "../helpers/run-program.ts";
import { runtime } from "../helpers/runtimes.ts";

/*
 * A worker imports the module that exports its function. What that import sets in motion beside it, a main program
 * without isMain(), a timer, the tests of a test file, must not start workers again.
 */

const root = fileURLToPath(new URL("../../", import.meta.url));
const scratch = realpathSync(mkdtempSync(join(tmpdir(), "manycore-chain-")));
mkdirSync(join(scratch, "node_modules"));
symlinkSync(join(root, "node_modules/vitest"), join(scratch, "node_modules/vitest"));
symlinkSync(root, join(scratch, "node_modules/manycore"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Run extends ProgramResult {
  /** How often the module was evaluated. */
  readonly imports: number;
  /** What it caught. */
  readonly failures: string;
}

/** Runs a program that notes each import of itself in a file next to it. */
async function run(
  file: string,
  text: string,
  command: (path: string) => string[],
  options: ProgramOptions = {},
): Promise<Run> {
  const path = join(scratch, file);
  const log = `${path}.log`;
  const failures = `${path}.failures`;
  writeFileSync(log, "");
  writeFileSync(failures, "");
  writeFileSync(
    path,
    `import { appendFileSync } from "node:fs";\nappendFileSync(${JSON.stringify(log)}, "x");\n` +
      `const failures = ${JSON.stringify(failures)};\n${text}`,
  );
  const [program = "", ...args] = command(path);
  const result = await runProgram(program, args, {
    cwd: scratch,
    ...options,
    env: {
      NODE_OPTIONS: undefined,
      NODE_V8_COVERAGE: undefined,
      VITEST: undefined,
      ...options.env,
    },
  });
  return {
    ...result,
    imports: readFileSync(log, "utf8").length,
    failures: readFileSync(failures, "utf8"),
  };
}

const server = createServer((socket) => socket.on("error", () => {}));
beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => new Promise<void>((resolve) => void server.close(() => resolve())));

const STARTS = {
  Pool: `const pool = new Pool({ workers: 2 }); await pool.map(work, [1, 2]); await pool.terminate();`,
  "Pool of threads": `const pool = new Pool({ workers: 2, kind: "thread" }); await pool.map(work, [1, 2]); await pool.terminate();`,
  Process: `const p = await new Process({ target: work, args: [1] }).start(); await p.result; await p.join();`,
  Thread: `const t = await new Thread({ target: work, args: [1] }).start(); await t.result; await t.join();`,
  Manager: `const pool = new Pool({ workers: 1 }); await pool.map(work, [1]); const m = await Manager.start(); await m.shutdown(); await pool.terminate();`,
};

/** Ways to begin without asking whether this is the main program. */
const BEGINNINGS = {
  "at once": `await main();`,
  "beside the import": `main();`,
  "beside the import, after a look at a file": `readFile(failures).then(main);`,
  "beside the import, after a connection": `connect(port).once("connect", function () { this.destroy(); void main(); });`,
  "in a timer": `setTimeout(main, 100);`,
  "in a timer that holds nothing open": `setTimeout(main, 100).unref(); setTimeout(() => {}, 3000);`,
};

describe.each(Object.entries(STARTS))("a module that starts a %s without isMain()", (_, start) => {
  test.each(Object.entries(BEGINNINGS))("%s is refused in the worker", async (name, beginning) => {
    const { port } = server.address() as AddressInfo;
    const result = await run(
      "main.mjs",
      `import { Manager, Pool, Process, Thread } from "manycore";
       import { setTimeout as delay } from "node:timers/promises";
       import { readFile } from "node:fs/promises";
       import { connect } from "node:net";
       const port = ${port};
       export async function work(n) { await delay(500); return n; }
       async function main() {
         await delay(1);
         try { ${start} } catch (error) { appendFileSync(failures, error.message); }
       }
       ${beginning}`,
      (path) => [path],
    );
    // The program's own, and one for each worker of the first generation.
    expect(result.imports).toBeLessThanOrEqual(3);
    expect(result.imports).toBeGreaterThanOrEqual(2);
    expect(result.failures, name).toContain("if (isMain(import.meta)) { … }");
  });
});

test("a function that a task calls may start workers, whatever its module does at the top level", async () => {
  const { stdout, stderr, code } = await run(
    "nested.mjs",
    `import { isMain, Pool, Thread } from "manycore";
     setInterval(() => {}, 1000).unref();
     export const double = (n) => n * 2;
     export async function viaTimer(n) {
       await new Promise((resolve) => setTimeout(resolve, 20));
       const t = await new Thread({ target: double, args: [n] }).start();
       return await t.result;
     }
     if (isMain(import.meta)) {
       const pool = new Pool({ workers: 1 });
       console.log(await pool.map(viaTimer, [1, 2]));
       await pool.terminate();
     }`,
    (path) => [path],
  );
  expect({ stdout, stderr, code }).toEqual({ stdout: "[ 2, 4 ]\n", stderr: "", code: 0 });
});

test.each(["process", "thread"])(
  "a preloaded module that starts a pool of kind %s does so once",
  async (kind) => {
    writeFileSync(join(scratch, "work.mjs"), `export async function work(n) { return n; }`);
    const preload = join(scratch, `preload-${kind}.mjs`);
    writeFileSync(join(scratch, "empty.mjs"), "");
    const { imports, failures } = await run(
      `preload-${kind}.mjs`,
      `import { Pool } from "manycore";
       import { work } from "./work.mjs";
       try {
         const pool = new Pool({ workers: 1, kind: "${kind}" });
         await pool.map(work, [1]);
         await pool.terminate();
       } catch (error) { appendFileSync(failures, error.message); }`,
      () => [join(scratch, "empty.mjs")],
      { execArgv: ["--import", pathToFileURL(preload).href] },
    );
    // Once in the program; once in each worker that is tried, which is refused.
    expect(imports).toBeGreaterThanOrEqual(2);
    expect(imports).toBeLessThanOrEqual(5);
    expect(failures).toContain("isMain");
  },
);

const BODY = `
import assert from "node:assert";
import { Process, ProcessPoolExecutor, ThreadPoolExecutor } from "manycore";
export function square(n) { return n * n; }
export async function wait(n) { await new Promise((resolve) => setTimeout(resolve, 200)); return n; }
describe("group", () => {
  for (const Executor of [ProcessPoolExecutor, ThreadPoolExecutor]) {
    it("maps a function of this file in a " + Executor.name, async () => {
      const executor = new Executor({ maxWorkers: 1 });
      const squares = [];
      for await (const n of executor.map(square, [1, 2, 3])) squares.push(n);
      assert.deepEqual(squares, [1, 4, 9]);
      assert.equal(await executor.submit(wait, 3), 3);
      await executor.shutdown();
    });
  }
  it("runs one in a Process", async () => {
    const child = await new Process({ target: wait, args: [5] }).start();
    assert.equal(await child.result, 5);
    await child.join();
  });
});
`;

/** Runners, with what their test files begin with; the globals are those of mocha and jest, too. */
const RUNNERS: Readonly<Record<string, { head: string; command: (path: string) => string[] }>> = {
  "node --test": {
    head: `import test, { before, describe, it } from "node:test"; before(() => {}); test("another", () => {});`,
    command: (path) => ["--test", path],
  },
  "node alone": {
    head: `import { describe, it } from "node:test";`,
    command: (path) => [path],
  },
  "vitest in forks": { head: vitestHead(), command: vitest("forks") },
  "vitest in threads": { head: vitestHead(), command: vitest("threads") },
  "vitest with globals": { head: `beforeAll(() => {});`, command: vitest("forks", "--globals") },
};

function vitestHead(): string {
  return `import { beforeAll, describe, expect, it, vi } from "vitest";
    const hoisted = vi.hoisted(() => ({ one: 1 }));
    vi.mock("./mocked.mjs", () => ({}));
    beforeAll(() => {});
    expect.extend({ toBeOdd: (n) => ({ pass: n % 2 === 1, message: () => "" }) });
    if (hoisted.one !== 1) throw new Error("vi.hoisted gave nothing");`;
}

function vitest(pool: string, ...more: string[]): (path: string) => string[] {
  const program = join(root, "node_modules/vitest/vitest.mjs");
  return (path) => [
    program,
    "run",
    path,
    "--root",
    scratch,
    "--pool",
    pool,
    "--testTimeout",
    "60000",
    ...more,
  ];
}

const NODES = {
  "this Node": process.execPath,
  node22: runtime("node22"),
  node24: runtime("node24"),
  node26: runtime("node26"),
};

describe.each(Object.entries(NODES))("on %s", (name, node) => {
  const runners = Object.entries(RUNNERS).filter(
    // The runner is the same program on each of them.
    ([runner]) => name === "this Node" || name === "node24" || runner === "node --test",
  );
  test.skipIf(node === undefined).each(runners)(
    "%s runs a test file that maps its own functions, each test once",
    async (_, { head, command }) => {
      const result = await run(`own-${name.replaceAll(" ", "")}.test.mjs`, head + BODY, command, {
        node: node!,
        timeoutMs: 55_000,
      });
      expect(result.stdout + result.stderr).not.toContain("isMain");
      expect(result.code, result.stdout + result.stderr).toBe(0);
      // The runner's own, and one each for two workers of executors and a Process.
      expect(result.imports).toBe(4);
    },
  );
});

/** Test files for runners that are not installed here, in all forms a worker may have to load. */
const FILES: Readonly<Record<string, string>> = {
  "imports.mjs": `import { describe, expect, it, jest } from "@jest/globals";
    jest.mock("./mocked.mjs"); describe("a", () => { throw new Error("registered"); }); it.each([1])("b", () => {});
    export const work = (n) => n + 1;`,
  "requires.cjs": `const { expect, test, jest } = require("@jest/globals");
    jest.setTimeout(5); test("a", () => {}); expect.extend({});
    exports.work = (n) => n + 1;`,
  "globals.cjs": `beforeEach(() => {}); describe.skip("a", function () { it("b", () => {}); });
    exports.work = (n) => n + 1;`,
  "mocha.mjs": `import { describe, it } from "mocha"; describe("a", () => { it("b"); });
    export const work = (n) => n + 1;`,
  // Node 20 has no TypeScript of its own: jiti loads it.
  "typed.ts": `import { test, vi } from "vitest"; import nodeTest from "node:test";
    const { one } = vi.hoisted(() => ({ one: 1 as number })); test("a", () => {}); nodeTest("b", () => {});
    export const work = (n: number): number => n + one;`,
};

test.each(Object.keys(FILES))("a worker takes a function of the test file %s", async (name) => {
  writeFileSync(join(scratch, name), FILES[name]!);
  const { stdout, stderr, code } = await run(
    `uses-${name}.mjs`,
    `import { ProcessPoolExecutor, tasks, ThreadPoolExecutor } from "manycore";
     const { work } = tasks(new URL("./${name}", import.meta.url));
     for (const Executor of [ThreadPoolExecutor, ProcessPoolExecutor]) {
       const executor = new Executor({ maxWorkers: 1 });
       console.log(await executor.submit(work, 1));
       await executor.shutdown();
     }`,
    (path) => [path],
  );
  expect({ stdout, stderr, code }).toEqual({ stdout: "2\n2\n", stderr: "", code: 0 });
});

test("what a runner's function would do in a task is an error, never a silent success", async () => {
  const { stdout, code } = await run(
    "asserts.test.mjs",
    `import { expect, test } from "vitest";
     import { ThreadPoolExecutor } from "manycore";
     export function asserts() { expect(1).toBe(2); }
     test("asserts in a worker", async () => {
       const executor = new ThreadPoolExecutor({ maxWorkers: 1 });
       await expect(executor.submit(asserts)).rejects.toThrow(
         "expect() was called in a task, and there is no test runner in a worker. " +
           "Return the value from the task and check it in the test.");
       await executor.shutdown();
     });`,
    vitest("forks"),
  );
  expect(code, stdout).toBe(0);
});

test("a runner that a helper of the task imports gives an error that says what to do", async () => {
  writeFileSync(
    join(scratch, "helper.mjs"),
    `import { beforeAll } from "vitest"; beforeAll(() => {});`,
  );
  const { stderr } = await run(
    "helped.mjs",
    `import { isMain, Pool, tasks } from "manycore";
     if (isMain(import.meta)) {
       const { work } = tasks(new URL("./uses-helper.mjs", import.meta.url));
       await new Pool({ workers: 1 }).map(work, [1]);
     }`,
    (path) => {
      writeFileSync(
        join(scratch, "uses-helper.mjs"),
        `import "./helper.mjs"; export const work = () => 1;`,
      );
      return [path];
    },
  );
  expect(stderr).toContain(
    "There is no test runner in a worker. Move the function out of the test file",
  );
});
