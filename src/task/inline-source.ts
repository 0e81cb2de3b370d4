import { Script } from "node:vm";

/** Names that an inline function's text may mention although they are no globals: helpers that compilers put in. */
export interface InlineHelpers {
  /** Loads a module relative to the caller's file. */
  readonly load: (specifier: string, options?: ImportCallOptions) => Promise<unknown>;
  /** `require` of the caller's file. */
  readonly require: NodeJS.Require;
}

/** The order of the factory's parameters. */
const PARAMETERS = [
  "__manycore_import",
  "require",
  "__name", // esbuild and tsx with keepNames
  "jitiImport", // jiti, with Babel's two below
  "_interopRequireWildcard",
  "_interopRequireDefault",
  "__vite_ssr_dynamic_import__", // vitest
  "__vi_import__",
].join(", ");

export type InlineFactory = (...helpers: unknown[]) => unknown;

/**
 * Compiles the text of a function, or of a method, without running it.
 *
 * @param filename - what stacks show and dynamic imports resolve against.
 * @returns a function that takes the helpers and gives the inline function.
 * @throws SyntaxError when the text is neither.
 */
export function inlineFactory(source: string, filename: string | undefined): InlineFactory {
  const wrappers: readonly [string, string][] = [
    [`(${source}\n)`, ""],
    // A method's text is no expression, but a member of an object literal.
    [`({${source}\n})`, "[Reflect.ownKeys(it)[0]]"],
  ];
  let firstError: unknown;
  for (const strict of ['"use strict"; ', ""]) {
    for (const [expression, pick] of wrappers) {
      try {
        const code = `(function (${PARAMETERS}) { ${strict}const it = ${expression}; return it${pick}; })`;
        return new Script(
          code,
          filename === undefined ? {} : { filename },
        ).runInThisContext() as InlineFactory;
      } catch (error) {
        // Only a SyntaxError is possible: nothing of the function has run.
        firstError ??= error;
      }
    }
  }
  throw firstError;
}

/** Evaluates the text of an inline function with the helpers compilers rely on. */
export function makeInline(source: string, filename: string, helpers: InlineHelpers): unknown {
  const rename = (fn: Function, name: string): Function =>
    Object.defineProperty(fn, "name", { value: name, configurable: true });
  const { load, require } = helpers;
  const same = (module: unknown): unknown => module;
  return inlineFactory(source, filename)(
    load,
    require,
    rename,
    load,
    same,
    withDefault,
    load,
    load,
  );
}

/** Babel's helper for `import x from` a CommonJS module. */
function withDefault(module: unknown): unknown {
  const isEsModule = typeof module === "object" && module !== null && "default" in module;
  return isEsModule ? module : { default: module };
}
