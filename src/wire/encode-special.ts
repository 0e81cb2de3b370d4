import { types } from "node:util";
import { classOf, type RegisteredClass } from "./class-registry.ts";
import { writeBranded, writeIntrinsic } from "./encode-branded.ts";
import type { EncodeState } from "./encode-state.ts";
import { writeError } from "./error-fields.ts";
import { refuseIncomplete, refuseUnknown } from "./hidden-state.ts";
import { Tag } from "./tags.ts";
import { hostKind, isAsyncIterable, isReadableStream, refusal, Unsendable } from "./unsendable.ts";

/**
 * Writes an object that is neither a plain object nor a plain array.
 *
 * The order matters: a registered class decides for itself, then what the language brands, then what
 * the user wants moved, then the platform's classes; an instance of any other class is its fields.
 */
export function encodeSpecial(state: EncodeState, value: object): void {
  const registered = classOf(value);
  if (registered !== undefined && !isPlainErrorClass(registered, value)) {
    encodeInstance(state, value, registered);
    return;
  }
  if (registered === undefined && writeIntrinsic(state, value)) return;
  if (types.isNativeError(value) || value instanceof Error) {
    writeError(state, value);
    return;
  }
  if (Array.isArray(value)) {
    state.parts.writeSparse(state, value);
    return;
  }
  const reason = refusal(value, {
    destination: state.options.destination,
    streams: state.options.streams !== undefined && state.lenient === 0,
    moved: state.moved,
  });
  if (reason !== undefined) throw new Unsendable(value, reason);
  if (writeBranded(state, value) || encodePlatform(state, value)) return;
  const name = refuseUnknown(value);
  if (name !== undefined && state.noteClass(Object.getPrototypeOf(value) as object)) {
    state.writer.tag(Tag.unregistered);
    state.writer.string(name);
  }
  state.parts.writeFields(state, value);
}

/** Errors have a codec that keeps more than fields: message, stack, cause. */
function isPlainErrorClass(registered: RegisteredClass, value: object): boolean {
  return (
    registered.encode === undefined && registered.decode === undefined && value instanceof Error
  );
}

function encodeInstance(state: EncodeState, value: object, registered: RegisteredClass): void {
  const { writer } = state;
  if (registered.encode === undefined && registered.decode === undefined) {
    refuseIncomplete(value, registered);
  }
  const isCustom = registered.encode !== undefined || registered.decode !== undefined;
  writer.tag(isCustom ? Tag.custom : Tag.instance);
  writer.string(registered.name);
  if (!isCustom) {
    state.parts.writeFields(state, value);
    return;
  }
  // The instance exists on the other side only once its data is complete.
  state.opened.push(value);
  if (registered.encode === undefined) state.parts.write(state, { ...value });
  else state.parts.write(state, registered.encode(value));
  state.opened.pop();
}

function encodePlatform(state: EncodeState, value: object): boolean {
  const { writer, options } = state;
  if (state.moved?.has(value) === true) {
    writer.tag(Tag.attached);
    writer.number(state.attach(value, true));
  } else if (value instanceof URL) {
    const href = contentOf(value, () => value.href);
    writer.tag(Tag.url);
    writer.string(href);
  } else if (value instanceof URLSearchParams) {
    const text = contentOf(value, () => value.toString());
    writer.tag(Tag.searchParams);
    writer.string(text);
  } else if (options.streams !== undefined && isReadableStream(value)) {
    writer.tag(Tag.readable);
    writer.number(options.streams.exportStream(value, "readable"));
  } else if (options.streams !== undefined && isAsyncIterable(value)) {
    writer.tag(Tag.iterable);
    writer.number(options.streams.exportStream(value, "iterable"));
  } else if (hostKind(value) === "clone") {
    refuseChanged(value);
    writer.tag(Tag.attached);
    writer.number(state.attach(value, false));
  } else return false;
  return true;
}

/** Reads an object of the platform; one that only has its prototype throws. */
function contentOf(value: object, read: () => string): string {
  try {
    return read();
  } catch (error) {
    throw new Unsendable(value, `cannot be read: ${(error as Error).message}`);
  }
}

/** Refuses what a thread would get as something else: a File arrives as a Blob in Node before 24. */
function refuseChanged(value: object): void {
  const { name } = value.constructor;
  let copy: object;
  try {
    copy = structuredClone(value);
  } catch (error) {
    throw new Unsendable(value, `is a ${name} that cannot be copied: ${(error as Error).message}`);
  }
  if (Object.getPrototypeOf(copy) === Object.getPrototypeOf(value)) return;
  throw new Unsendable(
    value,
    `is a ${name}, which would arrive as a ${copy.constructor.name}: send its contents`,
  );
}
