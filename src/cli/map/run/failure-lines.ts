import { Date } from "../../../util/platform.ts";
import type { BlockBody } from "../input/block.ts";
import type { Unit } from "../input/split.ts";
import { joblogRow } from "../work/joblog-row.ts";
import { keyOf } from "../work/keys.ts";
import { failureEnvelope, valueToJson } from "../work/record-line.ts";
import type { ErrorReport, RunFacts } from "../work/record-line.ts";
import { recordsOf } from "../work/records-of.ts";
import type { RunSpec } from "../work/run-spec.ts";
import type { Death } from "./block-outcome.ts";

/** The index of the first record. */
export function indexOf({ picks, first }: BlockBody): number {
  return picks?.[0]?.index ?? first;
}

/** The key of the first record, for a unit whose worker could not tell it. */
export function keyOfUnit(spec: RunSpec, body: BlockBody): string {
  const [record] = recordsOf(spec.shape, body);
  return record === undefined ? body.source : keyOf(spec, body, record);
}

/** The envelope of a unit that failed for good. */
export function failureLine(
  { shape, isBatch }: RunSpec,
  body: BlockBody,
  { key, error, facts, hasInput }: FailureFacts,
): string {
  let input: string | undefined;
  if (hasInput) {
    const values = Array.from(recordsOf(shape, body), ({ value, malformed }) =>
      malformed === undefined ? value : textOf(body),
    );
    input = valueToJson(isBatch ? values : values[0]);
  }
  return failureEnvelope({ index: indexOf(body), key, count: body.count, input }, error, facts);
}

/** The contents of a failed unit's envelope. */
export interface FailureFacts {
  readonly key: string;
  readonly error: ErrorReport;
  readonly facts: RunFacts;
  /** True when the records themselves are told. */
  readonly hasInput: boolean;
}

/** The row of the job log for a unit that ended its worker; empty without a job log. */
export function deathRow(spec: RunSpec, { body, bytes }: Unit, key: string, death: Death): string {
  if (!spec.isLogged) return "";
  const { ms, exitCode, signal } = death;
  return joblogRow({
    seq: body.first + 1,
    started: (Date.now() - ms) / 1000,
    seconds: ms / 1000,
    sent: Math.round(bytes),
    received: 0,
    exitCode,
    signal,
    command: `${spec.label} ${key}`,
  });
}

/** A record that cannot be read, as it stands in the file. */
function textOf({ text }: BlockBody): string {
  if (text === undefined) return "";
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  return bytes.toString("utf8").replace(/\r?\n$/, "");
}
