import { countedText, countText } from "../../text.ts";
import { failureText } from "./reporter.ts";
import type { FailedRecord } from "../counters/failed-record.ts";

/** So many kinds of errors are told; beyond, messages are most likely all different. */
const MAX_KINDS = 50;

/** Failures of one kind. */
interface Kind {
  readonly first: FailedRecord;
  count: number;
}

/**
 * Failed records by what they failed with, so that of ten thousand alike one is told, and how many there were.
 *
 * Of one kind are errors of one class from one line of code whose messages differ in numbers and quoted text.
 */
export class FailureGroups {
  readonly #kinds = new Map<string, Kind>();
  #others = 0;

  /** Counts a failure. @returns what is to be told of it at once: all of the first of its kind, of others nothing. */
  add(failure: FailedRecord): string | undefined {
    const name = kindOf(failure);
    const kind = this.#kinds.get(name);
    if (kind !== undefined) {
      kind.count += 1;
      return undefined;
    }
    if (this.#kinds.size >= MAX_KINDS) {
      this.#others += 1;
      return undefined;
    }
    this.#kinds.set(name, { first: failure, count: 1 });
    return failureText(failure);
  }

  /** Sums of the failures that were not told one by one; empty when there are none. */
  text(): string {
    const lines: string[] = [];
    for (const { first, count } of this.#kinds.values()) {
      if (count === 1) continue;
      const { name, message } = first.error;
      lines.push(`${countText(count - 1)} more like ${first.key}: ${name}: ${firstLine(message)}`);
    }
    if (this.#others > 0)
      lines.push(`${countedText(this.#others, "other error")} of further kinds`);
    if (lines.length === 0) return "";
    return [...lines, "(--errors FILE keeps every one with its record, --verbose tells each)"].join(
      "\n",
    );
  }
}

function kindOf({ error }: FailedRecord): string {
  const frame = error.stack.split("\n").find((line) => /^\s+at /.test(line)) ?? "";
  const message = firstLine(error.message)
    .replaceAll(/"[^"]*"|'[^']*'|`[^`]*`/g, '"…"')
    .replaceAll(/\d+/g, "0");
  return `${error.name}\n${message}\n${frame.trim()}`;
}

function firstLine(message: string): string {
  const [line = ""] = message.split("\n", 1);
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
