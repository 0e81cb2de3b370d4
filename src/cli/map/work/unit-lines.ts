import type { BlockBody } from "../input/block.ts";
import { keyOf } from "./keys.ts";
import { successEnvelope, valueToJson } from "./record-line.ts";
import type { RunFacts } from "./record-line.ts";
import type { ReadRecord } from "./records-of.ts";
import type { RunSpec } from "./run-spec.ts";

/**
 * Writes the lines of a unit that went well.
 *
 * @param head - its record, or the first one of its batch.
 * @param facts - for an envelope; without them the bare value is written.
 * @throws TypeError when JSON cannot hold the value.
 */
export function unitLines(
  spec: RunSpec,
  body: BlockBody,
  head: ReadRecord,
  batch: readonly ReadRecord[] | undefined,
  value: unknown,
  facts: RunFacts | undefined,
): string {
  const { isTagged, hasInput } = spec;
  const tag = isTagged ? `${keyOf(spec, body, head)}\t` : "";
  if (facts !== undefined) {
    const json = valueToJson(value);
    const input = hasInput ? valueToJson(batch?.map((one) => one.value) ?? head.value) : undefined;
    const envelope = {
      index: head.index,
      key: keyOf(spec, body, head),
      count: batch?.length ?? 1,
      input,
    };
    return tag + successEnvelope(envelope, json, facts);
  }
  if (batch === undefined || !Array.isArray(value)) return `${tag}${valueToJson(value)}\n`;
  return value.map((one) => `${tag}${valueToJson(one)}\n`).join("");
}
