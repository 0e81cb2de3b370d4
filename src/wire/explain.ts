import { SerializationError } from "../errors/index.ts";
import type { EncodeOptions } from "./codec-types.ts";
import { CircularCustom } from "./encode-state.ts";
import { findUnsendable } from "./find-unsendable.ts";
import { Unsendable } from "./unsendable.ts";

/** Makes the error for the user of what stopped the encoder: it names the path to the value. */
export function explain(error: unknown, value: unknown, options: EncodeOptions): SerializationError {
  if (error instanceof RangeError && /call stack/.test(error.message)) {
    return new SerializationError(
      `${options.root} is nested too deeply: send it flat, for example as a list with indices.`,
      { path: options.root, cause: error },
    );
  }
  const found = findUnsendable(value, options, error);
  const path = found?.path ?? options.root;
  const reason =
    found?.reason ?? (error instanceof Unsendable || error instanceof CircularCustom ? error.message : undefined);
  if (reason !== undefined) return new SerializationError(`${path} ${reason}.`, { path });
  const what = error instanceof Error ? error.message : String(error);
  return new SerializationError(`${path} could not be read: ${what}.`, { path, cause: error });
}
