import { read } from "./find-export.ts";
import { normalizeModuleUrl } from "./module-url.ts";
import { withV8Session } from "./v8-session.ts";
import type { V8Session } from "./v8-session.ts";

/** The place where a function was written, according to V8. */
export interface FunctionPlace {
  /** The script's URL or path as its loader named it; empty when it has none. */
  readonly script: string;
  readonly scriptId: string;
  /** True when V8 compiled the script as an ES module. */
  readonly isModule: boolean;
  /** True when it was made inside another function, or block, whose variables it can see. */
  readonly isNested: boolean;
  /** Names of those functions, as far as they have one. */
  readonly around: readonly string[];
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** V8's account of a function. */
export type FunctionFacts =
  | { readonly kind: "placed"; readonly place: FunctionPlace }
  | { readonly kind: "bound" }
  | { readonly kind: "native" };

/** V8 never reuses a script id, so what was learnt once stays true. */
const scriptNames = new Map<string, string>();
const scriptTexts = new Map<string, string>();

/**
 * Asks V8 where a function was written.
 *
 * @throws Error when this Node has no inspector or does not permit it.
 */
export function inspectFunction(fn: Function): FunctionFacts {
  return withV8Session([fn], (session) => {
    const inside = session.look(session.values()[0]!);
    if (inside.internal.has("[[TargetFunction]]")) return { kind: "bound" };
    const location = inside.internal.get("[[FunctionLocation]]")?.value as
      | { scriptId: string; lineNumber: number; columnNumber: number }
      | undefined;
    if (location === undefined) return { kind: "native" };
    const { scriptId, lineNumber, columnNumber } = location;
    const scopes = session.scopes(inside).map((scope) => scope.description ?? "");
    const isModule = scopes.includes("Module");
    const nested = scopes.filter((it) => /^(?:Closure|Block|With|Catch)/.test(it));
    // Loaders evaluate CommonJS, and what they rewrote, inside an anonymous function and sometimes a block.
    for (const wrapper of ["Closure", "Block"])
      if (!isModule && nested.at(-1) === wrapper) nested.pop();
    return {
      kind: "placed",
      place: {
        script: scriptName(session, scriptId),
        scriptId,
        isModule,
        isNested: nested.length > 0,
        around: nested.flatMap((it) => /^Closure \((.*)\)$/s.exec(it)?.[1] ?? []),
        line: lineNumber + 1,
        column: columnNumber + 1,
      },
    };
  });
}

/** Tries the ways to a script's name from the cheapest to the surest. */
function scriptName(session: V8Session, scriptId: string): string {
  for (const ask of [learnFromStack, learnFromCoverage, learnFromDebugger]) {
    // Scripts with a `sourceURL` comment go by that until the debugger says what the loader called them.
    if (normalizeModuleUrl(scriptNames.get(scriptId) ?? "") !== undefined) break;
    ask(session);
  }
  return scriptNames.get(scriptId) ?? "";
}

/** The function's own module is often the caller: its name is on the stack. Takes 0.5 ms. */
function learnFromStack(session: V8Session): void {
  session.call("Runtime.enable");
  const thrown = session.call<{
    exceptionDetails?: { stackTrace?: { callFrames: ScriptNamed[] } };
  }>("Runtime.evaluate", {
    expression: "throw new Error()",
    silent: true,
  });
  session.call("Runtime.disable");
  learn(thrown.exceptionDetails?.stackTrace?.callFrames ?? []);
}

interface ScriptNamed {
  readonly scriptId: string;
  readonly url: string;
}

function learn(list: readonly ScriptNamed[]): void {
  for (const { scriptId, url } of list)
    if (!scriptNames.has(scriptId)) scriptNames.set(scriptId, url);
}

/**
 * Names the scripts of which some function has run. Takes 4 ms, where `Debugger.enable` takes 25 ms the first
 * time because V8 then hashes the text of every script. It resets no counters, so coverage tools do not notice.
 */
function learnFromCoverage(session: V8Session): void {
  session.call("Profiler.enable");
  learn(session.call<{ result: ScriptNamed[] }>("Profiler.getBestEffortCoverage").result);
  session.call("Profiler.disable");
}

function learnFromDebugger(session: V8Session): void {
  session.on("Debugger.scriptParsed", ({ params }) => {
    const { scriptId, url, embedderName } = params as {
      scriptId: string;
      url: string;
      embedderName?: string;
    };
    scriptNames.set(scriptId, embedderName || url);
  });
  session.call("Debugger.enable");
  session.call("Debugger.disable");
}

/** Tells whether V8 has a script of that name: a module that was loaded, under its own name. */
export function isLoadedScript(module: string): boolean {
  const isKnown = (): boolean =>
    [...scriptNames.values()].some((name) => normalizeModuleUrl(name) === module);
  if (isKnown()) return true;
  withV8Session([], learnFromDebugger);
  return isKnown();
}

/** Reads the text V8 compiled, after all loaders. */
export function scriptText(scriptId: string): string {
  const known = scriptTexts.get(scriptId);
  if (known !== undefined) return known;
  return withV8Session([], (session) => {
    session.call("Debugger.enable");
    const { scriptSource } = session.call<{ scriptSource: string }>("Debugger.getScriptSource", {
      scriptId,
    });
    session.call("Debugger.disable");
    scriptTexts.set(scriptId, scriptSource);
    return scriptSource;
  });
}

/**
 * Reads the live variables around a function, inner ones shadowing outer ones. It works while the module is
 * still evaluating, when `import()` of it would wait for ever.
 */
export function variablesAround(fn: Function): Readonly<Record<string, unknown>> {
  return withV8Session([fn], (session) => {
    const locals = Object.create(null) as Record<string, unknown>;
    const scopes = session.values().flatMap((handle) => session.scopes(session.look(handle)));
    for (const scope of scopes) {
      if (scope.description === "Global") continue;
      const variables = session.variables(scope);
      for (const name of Object.keys(variables))
        if (!(name in locals)) locals[name] = read(variables, name);
    }
    return locals;
  });
}
