import { existsSync, lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { entryUrl } from "../util/entry-url.ts";
import { loadOwn } from "../util/load-own.ts";
import { pathOfModule } from "./module-url.ts";

/**
 * Imports TypeScript with jiti, which transpiles it and all that it imports from outside packages.
 *
 * @param nativeError - why Node itself could not.
 * @throws Error naming the ways out when jiti is not installed.
 */
export async function importWithJiti(
  url: string,
  nativeError: unknown,
): Promise<Record<string, unknown>> {
  let createJiti;
  try {
    ({ createJiti } = await import("jiti"));
  } catch (cause) {
    throw new Error(
      `This Node (${process.version}) does not run ${url} itself, and jiti, which would, is not installed. ` +
        `Use Node 22.18 or newer, start the program with tsx, or install jiti.`,
      { cause },
    );
  }
  const path = pathOfModule(url)!;
  const jiti = createJiti(url, {
    virtualModules: {
      ...(await ownModules()),
      ...(await import("./test-runners.ts")).runnerModules(),
    },
    tsconfigPaths: true,
    jsx: true,
    // A cache of its own: other users of jiti transpile without the plugin, into the same file names.
    fsCache: cacheDirectory(path),
    transformOptions: { babel: { plugins: [importMetaPlugin] } },
  });
  try {
    return await jiti.import<Record<string, unknown>>(path);
  } catch (error) {
    // Both failed to find an import: Node's message is the more precise one.
    throw (error as { code?: unknown } | null)?.code === "MODULE_NOT_FOUND" ? nativeError : error;
  }
}

/**
 * This package itself for modules that jiti evaluates: jiti would make a second instance, with a second set of
 * workers, contexts and classes.
 */
async function ownModules(): Promise<Record<string, unknown>> {
  // By URL, not by name: the front door stands above this room, and may be another copy's under the name.
  const index = entryUrl("index").href;
  return { manycore: await loadOwn(index) };
}

interface Babel {
  readonly template: { readonly expression: { ast(code: string): object } };
}

interface MetaPath {
  readonly node: { readonly meta: { readonly name: string } };
  readonly parent: { readonly type: string; readonly property?: { readonly name?: string } };
  replaceWith(node: object): void;
}

/** One object per module, as `import.meta` is. The names are parameters of jiti's wrapper. */
const IMPORT_META =
  `(module.importMeta ??= { __proto__: null, url: require("node:url").pathToFileURL(__filename).href, ` +
  `filename: __filename, dirname: __dirname, resolve: jitiESMResolve })`;

/**
 * A Babel plugin that gives modules an `import.meta`. jiti itself replaces only `import.meta.url` and the like;
 * a module that passes the whole object on, as `task(import.meta, …)` does, fails to compile as a script, and
 * jiti then evaluates it from a `data:` URL, where `import.meta.url` no longer tells the file.
 */
function importMetaPlugin({ template }: Babel): object {
  return {
    name: "manycore-import-meta",
    visitor: {
      MetaProperty(path: MetaPath): void {
        if (path.node.meta.name !== "import") return; // new.target
        // jiti has its own plugin for import.meta.env.
        if (path.parent.type.endsWith("MemberExpression") && path.parent.property?.name === "env")
          return;
        path.replaceWith(template.expression.ast(IMPORT_META));
      },
    },
  };
}

/** The folder of transpiled files: the project's own cache, else a directory that only this user can write. */
function cacheDirectory(path: string): string | false {
  if (process.env["JITI_FS_CACHE"] === "false") return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const modules = join(folder, "node_modules");
    if (existsSync(modules)) return join(modules, ".cache", "manycore");
    if (folder === dirname(folder)) break;
  }
  const { getuid } = process;
  if (getuid === undefined) return join(tmpdir(), "manycore");
  const shared = join(tmpdir(), `manycore-${getuid()}`);
  try {
    mkdirSync(shared, { recursive: true, mode: 0o700 });
    const found = lstatSync(shared);
    // What others can write there we would run.
    return found.isDirectory() && found.uid === getuid() && (found.mode & 0o022) === 0
      ? shared
      : false;
  } catch {
    return false; // No place to write: transpiling each time is slower and as right.
  }
}
