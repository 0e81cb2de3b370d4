import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type * as TypeScript from "typescript-api";
import { runtime } from "../helpers/runtimes.ts";

const compiler = runtime("typescript");

/** A program of a user; `/*1*\/` and its like mark where the cursor is. */
const CONSUMER = `
import { asCompleted, type Future, Pool, ThreadPoolExecutor } from "manycore";

declare function add(a: number, b: number): number;
declare function today(): Date;
const executor = new ThreadPoolExecutor({ initializer: add, initializerArgs: [1, 2] });
const pool = new Pool();
export const sum: Future<number> = executor./*1*/submit(add, 1, 2);
export const when: Promise<Date> = pool./*2*/apply(today);
export async function run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<R> {
  return executor.submit(fn, ...args);
}
for await (const value of asCompleted([sum, executor.submit(today)])) {
  const known: number | Date = value;
  console.log(known);
}
// @ts-expect-error its arguments are missing
new Pool({ initializer: add });
`;

const FILE = fileURLToPath(new URL("consumer.mts", import.meta.url));
const TYPES = fileURLToPath(new URL("../../dist/index.d.ts", import.meta.url));

function languageService(ts: typeof TypeScript): TypeScript.LanguageService {
  const options: TypeScript.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    paths: { manycore: [TYPES] },
    types: ["node"],
    strict: true,
    noEmit: true,
  };
  return ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [FILE],
    getScriptVersion: () => "1",
    getScriptSnapshot: (name) => {
      const text = name === FILE ? CONSUMER : ts.sys.readFile(name);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => fileURLToPath(new URL(".", import.meta.url)),
    getDefaultLibFileName: (given) => ts.getDefaultLibFilePath(given),
    fileExists: (name) => name === FILE || ts.sys.fileExists(name),
    readFile: (name) => (name === FILE ? CONSUMER : ts.sys.readFile(name)),
    directoryExists: (name) => ts.sys.directoryExists(name),
    getDirectories: (name) => ts.sys.getDirectories(name),
    readDirectory: (...args) => ts.sys.readDirectory(...args),
  });
}

describe.skipIf(compiler === undefined)("an editor with TypeScript 5.9", () => {
  let service: TypeScript.LanguageService;
  beforeAll(() => {
    service = languageService(createRequire(import.meta.url)(compiler!) as typeof TypeScript);
  });
  const at = (mark: number): number => CONSUMER.indexOf(`/*${mark}*/`) + `/*${mark}*/`.length;
  const offered = (mark: number): string[] =>
    service.getCompletionsAtPosition(FILE, at(mark), {})!.entries.map(({ name }) => name);
  const hover = (mark: number): string =>
    service
      .getQuickInfoAtPosition(FILE, at(mark))!
      .displayParts!.map(({ text }) => text)
      .join("");

  test("finds no fault in what should compile, and one in what should not", () => {
    const found = [
      ...service.getSyntacticDiagnostics(FILE),
      ...service.getSemanticDiagnostics(FILE),
    ];
    expect(found.map(({ messageText }) => messageText)).toEqual([]);
  });

  test("offers the members of an executor, and no internal ones", () => {
    expect(offered(1).sort()).toEqual([
      "killWorkers",
      "map",
      "runOnAll",
      "shutdown",
      "stats",
      "submit",
      "terminate",
      "terminateWorkers",
      "waitForRoom",
      "with",
    ]);
    expect(offered(2)).toContain("applyAsync");
  });

  test("names the public type in hovers, and what comes", () => {
    expect(hover(1)).toMatch(/^\(method\) Executor\.submit<.*Future<number>/s);
    expect(hover(2)).toMatch(/^\(method\) Pool<\[\]>\.apply<Date>.*Promise<Date>/s);
  });
});
