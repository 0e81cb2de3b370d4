import { createRequire } from "node:module";
import type { Runtime, Session } from "node:inspector";

/** The way a JavaScript value gets into an inspector session and back: through a property of the global object. */
const BOX = Symbol.for("manycore.task.inspect");
const BOX_EXPRESSION = `globalThis[Symbol.for("manycore.task.inspect")]`;

interface Box {
  readonly values: readonly unknown[];
  readonly found: object[];
}

/** V8's view of a value, and what it does not show to programs: `[[Scopes]]` and the like. */
export interface Inside {
  readonly fields: ReadonlyMap<string, Runtime.RemoteObject>;
  readonly internal: ReadonlyMap<string, Runtime.RemoteObject>;
}

/** A short-lived inspector session in this thread; it answers synchronously. */
export class V8Session {
  readonly #session: Session;
  readonly #box: Box;

  constructor(session: Session, box: Box) {
    this.#session = session;
    this.#box = box;
  }

  /** Calls a method of the inspector protocol. */
  call<T>(method: string, params: object = {}): T {
    let answered = false;
    let failure: { readonly message?: string } | null = null;
    let value: unknown;
    this.#session.post(method, params, (error: Error | null, result?: object) => {
      answered = true;
      failure = error;
      value = result;
    });
    if (!answered) throw new Error(`The inspector did not answer ${method}`);
    const failed = failure as { readonly message?: string } | null | undefined;
    if (failed !== null && failed !== undefined)
      throw new Error(`The inspector refused ${method}: ${failed.message}`);
    return value as T;
  }

  on(event: string, listener: (message: { readonly params: object }) => void): void {
    this.#session.on(event, listener);
  }

  /** Handles of the values the session was opened with. */
  values(): Runtime.RemoteObject[] {
    const expression = `${BOX_EXPRESSION}.values`;
    const list = this.call<Runtime.EvaluateReturnType>("Runtime.evaluate", {
      expression,
      silent: true,
    });
    return indexed(this.look(list.result));
  }

  look(object: Runtime.RemoteObject): Inside {
    const { objectId } = object;
    const answer = this.call<Runtime.GetPropertiesReturnType>("Runtime.getProperties", {
      objectId,
      ownProperties: true,
    });
    const fields = new Map<string, Runtime.RemoteObject>();
    for (const it of answer.result) if (it.value !== undefined) fields.set(it.name, it.value);
    const internal = new Map<string, Runtime.RemoteObject>();
    for (const it of answer.internalProperties ?? [])
      if (it.value !== undefined) internal.set(it.name, it.value);
    return { fields, internal };
  }

  /** The scopes a function sees, innermost first. */
  scopes(inside: Inside): Runtime.RemoteObject[] {
    const list = inside.internal.get("[[Scopes]]");
    return list === undefined ? [] : indexed(this.look(list));
  }

  /** The variables of a scope, as an object of their live values. */
  variables(scope: Runtime.RemoteObject): object {
    const { objectId } = scope;
    const functionDeclaration = `function () { ${BOX_EXPRESSION}.found.push(this.object); }`;
    this.call("Runtime.callFunctionOn", { objectId, functionDeclaration, silent: true });
    return this.#box.found.pop() ?? {};
  }

  /**
   * All living objects that have `prototype` in their chain. V8 collects garbage first, so this takes 100 ms in a
   * small program and blocks it meanwhile.
   */
  living(prototype: Runtime.RemoteObject): readonly object[] {
    const { objectId: prototypeObjectId } = prototype;
    const { objects } = this.call<Runtime.QueryObjectsReturnType>("Runtime.queryObjects", {
      prototypeObjectId,
    });
    const functionDeclaration = `function () { ${BOX_EXPRESSION}.found.push(this); }`;
    const { objectId } = objects;
    this.call("Runtime.callFunctionOn", { objectId, functionDeclaration, silent: true });
    this.call("Runtime.releaseObject", { objectId });
    return (this.#box.found.pop() ?? []) as object[];
  }
}

function indexed(inside: Inside): Runtime.RemoteObject[] {
  return [...inside.fields].flatMap(([name, value]) => (/^\d+$/.test(name) ? [value] : []));
}

/**
 * The global object of the main context, where the inspector evaluates: in a context of `node:vm`, such as those in
 * which jest and vitest's vm pools run tests, `globalThis` is another one. Classes of Node belong to the main one.
 */
function mainGlobal(classOfNode: Function): object {
  const MainFunction = classOfNode.constructor as FunctionConstructor;
  // Text is compiled only where it must be: programs may forbid it.
  if (MainFunction === Function) return globalThis;
  return MainFunction("return globalThis")() as object;
}

/**
 * Runs `body` with a session of its own; leaves nothing behind.
 *
 * @throws Error when this Node has no inspector or does not permit it.
 */
export function withV8Session<T>(values: readonly unknown[], body: (session: V8Session) => T): T {
  // Loaded late, since many programs never ask; and synchronously, since the caller's stack is evidence.
  const inspector = createRequire(import.meta.url)(
    "node:inspector",
  ) as typeof import("node:inspector");
  const session = new inspector.Session();
  session.connect();
  const box: Box = { values, found: [] };
  const main = mainGlobal(inspector.Session);
  Object.defineProperty(main, BOX, { value: box, configurable: true });
  try {
    return body(new V8Session(session, box));
  } finally {
    Reflect.deleteProperty(main, BOX);
    session.disconnect();
  }
}
