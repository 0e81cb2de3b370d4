/** A function that its script has, but does not export: one of a bundle. */
export interface LocatedIdentity {
  readonly kind: "located";
  /** `file:` URL of the script as V8 names it. */
  readonly module: string;
  readonly name: string;
  /** Where V8 says it was written; from 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** SHA-1 of the function's source text. */
  readonly source: string;
}

/** The place where a worker finds a function: plain data that travels on the wire. */
export type TaskIdentity =
  | {
      readonly kind: "export";
      /** `file:`, `node:` or `data:` URL. */
      readonly module: string;
      /** `"square"`, `"default"`, or `"math.square"` for a function of an exported object or class. */
      readonly name: string;
      /** SHA-1 of the function's source text when identity could not be checked on this side; the worker checks it. */
      readonly source?: string;
    }
  | {
      readonly kind: "registered";
      readonly module: string;
      /** The function's own name, to notice that the order of registrations changed. */
      readonly name: string;
      /** Which `task()` call of the module, from 0. */
      readonly index: number;
    }
  | LocatedIdentity
  | {
      readonly kind: "inline";
      readonly name: string;
      /** The function's source text. */
      readonly source: string;
      /** `file:` URL against which dynamic imports resolve. */
      readonly base: string;
    };

const MODULE_PROTOCOL = /^(?:file|node|data):/;
const SHA1 = /^[0-9a-f]{40}$/;

/** Names that would lead out of a module's own exports. */
const FORBIDDEN_SEGMENTS: ReadonlySet<string> = new Set([
  "",
  "__proto__",
  "constructor",
  "prototype",
]);

function isModuleUrl(value: unknown): value is string {
  return typeof value === "string" && MODULE_PROTOCOL.test(value);
}

function isExportName(value: unknown): value is string {
  if (typeof value !== "string") return false;
  return value.split(".").every((segment) => !FORBIDDEN_SEGMENTS.has(segment));
}

function isPosition(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/**
 * Tells whether `value`, which may come from anywhere, is a well-formed {@link TaskIdentity}.
 * It says nothing about whether the function exists.
 */
export function isTaskIdentity(value: unknown): value is TaskIdentity {
  if (typeof value !== "object" || value === null) return false;
  const it = value as Record<string, unknown>;
  switch (it["kind"]) {
    case "export":
      return (
        isModuleUrl(it["module"]) &&
        isExportName(it["name"]) &&
        (it["source"] === undefined ||
          (typeof it["source"] === "string" && SHA1.test(it["source"])))
      );
    case "registered":
      return (
        isModuleUrl(it["module"]) &&
        typeof it["name"] === "string" &&
        Number.isSafeInteger(it["index"]) &&
        (it["index"] as number) >= 0
      );
    case "located":
      return (
        isModuleUrl(it["module"]) &&
        typeof it["name"] === "string" &&
        isPosition(it["line"]) &&
        isPosition(it["column"]) &&
        typeof it["source"] === "string" &&
        SHA1.test(it["source"])
      );
    case "inline":
      return (
        typeof it["name"] === "string" &&
        typeof it["source"] === "string" &&
        typeof it["base"] === "string" &&
        it["base"].startsWith("file:")
      );
    default:
      return false;
  }
}
