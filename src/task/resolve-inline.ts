import { createRequire } from "node:module";
import { TaskNotFoundError } from "../errors/index.ts";
import type { TaskIdentity } from "./identity.ts";
import { importFrom } from "./import-from.ts";
import { makeInline } from "./inline-source.ts";

type InlineIdentity = Extract<TaskIdentity, { kind: "inline" }>;

/**
 * Makes the function an inline identity describes.
 *
 * @throws TaskNotFoundError when its text does not evaluate to a function.
 */
export function resolveInline(identity: InlineIdentity): Function | Promise<Function> {
  // `import(…)` has to go through importModule, for TypeScript; the lexer finds it without mistaking strings.
  if (/\bimport\b/.test(identity.source)) {
    return import("./inline-imports.ts")
      .then(({ rewriteImports }) => rewriteImports(identity.source))
      .then((text) => make(identity, text));
  }
  return make(identity, identity.source);
}

function make(identity: InlineIdentity, source: string): Function {
  const { name, base } = identity;
  const filename = new URL(`./[inline ${name === "" ? "function" : name}]`, base).href;
  let fn: unknown;
  try {
    fn = makeInline(source, filename, { load: importFrom(base), require: createRequire(base) });
  } catch (error) {
    if (error instanceof ReferenceError) throw withAdvice(error);
    throw new TaskNotFoundError(
      `The text of inline function ${JSON.stringify(name)} does not evaluate: ${String(error)}`,
      {
        cause: error,
      },
    );
  }
  if (typeof fn !== "function") {
    throw new TaskNotFoundError(
      `The text of inline function ${JSON.stringify(name)} evaluates to ${typeof fn}, not to a function.`,
    );
  }
  if (fn.name !== name) Object.defineProperty(fn, "name", { value: name, configurable: true });
  return guard(fn as (...args: unknown[]) => unknown);
}

const ADVICE =
  "Functions passed to inline() see no variables from outside themselves: pass the value as an argument, or use await import(…) inside.";

function withAdvice(error: unknown): unknown {
  if (!(error instanceof ReferenceError) || error.message.includes(ADVICE)) return error;
  const plain = error.message;
  error.message = `${plain}. ${ADVICE}`;
  if (error.stack !== undefined) error.stack = error.stack.replace(plain, () => error.message);
  return error;
}

const GeneratorFunction = Object.getPrototypeOf(function* () {}) as object;
const AsyncGeneratorFunction = Object.getPrototypeOf(async function* () {}) as object;

/** Keeps the kind of the function, since generators stream, and adds the advice to its ReferenceErrors. */
function guard(fn: (...args: unknown[]) => unknown): Function {
  return Object.defineProperties(guarded(fn), {
    name: { value: fn.name, configurable: true },
    length: { value: fn.length, configurable: true },
    toString: { value: () => Function.prototype.toString.call(fn), configurable: true },
  });
}

function guarded(fn: (...args: unknown[]) => unknown): Function {
  if (Object.getPrototypeOf(fn) === GeneratorFunction) {
    return function* (this: unknown, ...args: unknown[]): unknown {
      try {
        return yield* fn.apply(this, args) as Iterable<unknown>;
      } catch (error) {
        throw withAdvice(error);
      }
    };
  }
  if (Object.getPrototypeOf(fn) === AsyncGeneratorFunction) {
    return async function* (this: unknown, ...args: unknown[]): unknown {
      try {
        return yield* fn.apply(this, args) as AsyncIterable<unknown>;
      } catch (error) {
        throw withAdvice(error);
      }
    };
  }
  return function (this: unknown, ...args: unknown[]): unknown {
    try {
      const result = fn.apply(this, args);
      return result instanceof Promise
        ? result.catch((error: unknown) => Promise.reject(withAdvice(error)))
        : result;
    } catch (error) {
      throw withAdvice(error);
    }
  };
}
