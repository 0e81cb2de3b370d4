import { types } from "node:util";
import { reasonToStay } from "../util/stays-here.ts";
import { classOf } from "./class-registry.ts";
import type { Destination } from "./codec-types.ts";

/** A value was met that cannot travel; the path to it is searched afterwards. */
export class Unsendable extends Error {
  readonly value: unknown;
  /** Continues a sentence that begins with the path: `is a function: …`. */
  readonly reason: string;

  constructor(value: unknown, reason: string) {
    super(reason);
    this.value = value;
    this.reason = reason;
  }
}

/** Circumstances that decide whether a value may travel. */
export interface Rules {
  readonly destination: Destination;
  readonly streams: boolean;
  readonly moved: ReadonlySet<unknown> | undefined;
}

/** Ways in which an object of Node or the platform reaches another thread. */
export type HostKind = "clone" | "transfer";

const hostKinds: WeakMap<object, HostKind | "none"> = new WeakMap();

/**
 * Tells whether `postMessage` knows how to copy or move this object.
 *
 * Node marks such classes with symbols of its own on their prototypes; the few that are native through
 * and through are known by name.
 */
export function hostKind(value: object): HostKind | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || typeof prototype !== "object") return undefined;
  let kind = hostKinds.get(prototype);
  if (kind === undefined) {
    kind = findHostKind(value, prototype);
    hostKinds.set(prototype, kind);
  }
  return kind === "none" ? undefined : kind;
}

/** The types of ES2023 without the DOM do not name WebAssembly. */
function isWasmModule(value: object): boolean {
  const { WebAssembly: wasm } = globalThis as {
    WebAssembly?: { readonly Module: new () => object };
  };
  return wasm !== undefined && value instanceof wasm.Module;
}

function findHostKind(value: object, prototype: object): HostKind | "none" {
  if (isWasmModule(value)) return "clone";
  if (typeof MessagePort === "function" && value instanceof MessagePort) return "transfer";
  if (tagOf(value) === "KeyObject") return "clone";
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    for (const symbol of Object.getOwnPropertySymbols(at)) {
      if (symbol.description === "messaging_clone_symbol") return "clone";
      if (symbol.description === "messaging_transfer_symbol") return "transfer";
    }
  }
  return "none";
}

/** True for web streams that can be read, without loading Node's implementation of them. */
export function isReadableStream(value: object): value is ReadableStream<unknown> {
  return tagOf(value) === "ReadableStream" && "getReader" in value;
}

/** True for whatever can be read with `for await`. */
export function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === "function";
}

/**
 * Says why a value cannot travel.
 *
 * @returns the rest of a sentence that begins with its path, or `undefined` when it can, as far as the
 *   value itself goes; what it holds is another question.
 */
export function refusal(value: unknown, rules: Rules): string | undefined {
  if (typeof value === "function") return functionRefusal(value);
  if (typeof value === "symbol") return SYMBOL_REFUSAL;
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value) || types.isNativeError(value)) return undefined;
  if (rules.moved?.has(value) === true && rules.destination === "thread") return undefined;
  if (classOf(value) !== undefined) return undefined;
  return (
    brandRefusal(value, rules) ??
    reasonToStay(value) ??
    streamRefusal(value, rules) ??
    hostRefusal(value, rules)
  );
}

/** The reason that holds for every symbol. */
export const SYMBOL_REFUSAL: string = "is a symbol: send its description instead";

/** The reason that holds for every function and class. */
export function functionRefusal(value: Function): string {
  const what = /^class\b/.test(Function.prototype.toString.call(value)) ? "a class" : "a function";
  return (
    `is ${what}: code cannot travel inside data. Export it from a module and import it in the task, ` +
    "or pass the function itself as the task"
  );
}

function brandRefusal(value: object, { destination }: Rules): string | undefined {
  if (types.isPromise(value)) return "is a Promise: await it before you send it";
  if (types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef) {
    return `is a ${tagOf(value)}: it holds only weakly what it holds, send a Map, a Set or the object itself`;
  }
  if (types.isSharedArrayBuffer(value) && destination === "process") return SHARED;
  if (ArrayBuffer.isView(value) && types.isSharedArrayBuffer(value.buffer)) {
    return destination === "process" ? SHARED : undefined;
  }
  if (types.isBoxedPrimitive(value) && typeof value.valueOf() === "symbol") {
    return SYMBOL_REFUSAL;
  }
  if (types.isGeneratorObject(value) && !isAsyncIterable(value)) {
    return "is a generator: spread it into an array, or make it an async generator, which streams";
  }
  if (types.isMapIterator(value) || types.isSetIterator(value)) {
    return "is an iterator: spread it into an array";
  }
  return undefined;
}

const SHARED =
  "is memory shared between threads, which no other process can see: use threads, or send a copy";

function streamRefusal(value: object, { streams }: Rules): string | undefined {
  if (streams || types.isArrayBufferView(value)) return undefined;
  if (isReadableStream(value)) return `is a stream${NO_STREAM}`;
  return isAsyncIterable(value) ? `is an async iterable${NO_STREAM}` : undefined;
}

const NO_STREAM =
  ", and streams cannot travel from here: only arguments and results of tasks may hold them. Read it first and send what it gives";

function hostRefusal(value: object, { destination }: Rules): string | undefined {
  const tag = tagOf(value);
  if (tag === "AbortSignal" || tag === "AbortController") {
    return `is an ${tag}: pass it as the option \`signal\`; the task finds its own in taskContext().signal`;
  }
  if (isOpaque(value, tag))
    return `is a ${tag}, which belongs to this thread: create it where it is used`;
  const kind = hostKind(value);
  if (kind === undefined || isReadableStream(value)) return undefined;
  const name = value.constructor.name;
  if (destination === "process") {
    return `is a ${name}, which only threads can receive: send its contents, or use a thread`;
  }
  return kind === "transfer"
    ? `is a ${name}, which can only be moved: list it in \`transfer\``
    : undefined;
}

/** Objects whose content is not in their properties and that `structuredClone` refuses too. */
function isOpaque(value: object, tag: string): boolean {
  if (types.isExternal(value) || tag === "FinalizationRegistry") return true;
  if (tag.startsWith("Intl.")) return true;
  return tag.startsWith("WebAssembly.") && !isWasmModule(value);
}

function tagOf(value: object): string {
  const tag: unknown = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return typeof tag === "string" ? tag : "";
}
