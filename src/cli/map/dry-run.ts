import type { Inputs } from "./input/inputs.ts";
import { openSource } from "./input/open-source.ts";
import type { MapOptions } from "./options.ts";
import { bytesText, countedText } from "../text.ts";
import { recordsOf } from "./work/records-of.ts";

const SHOWN = 3;
const MAX_LENGTH = 200;

/** Says what a run would do, with its first records. Reads no further, calls nothing, writes nothing. */
export async function describePlan(options: MapOptions, inputs: Inputs): Promise<string> {
  const { target, backend, jobs, output, batch } = options;
  const { shape, paths, sizes } = inputs;
  const size = sizes.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  const isSized = sizes.length > 0 && !sizes.includes(undefined);
  const workers = backend === "inline" ? "no workers (inline)" : `${jobs} ${backend} workers`;
  const files = paths.length === 1 && paths[0] === "-" ? "standard input" : told(paths);
  const lines = [
    `function: ${target}${batch === undefined ? "" : `, called with ${batch} records at a time`}`,
    `input:    ${files}${isSized ? `, ${bytesText(size)}` : ""}, read as ${shape.format}`,
    `workers:  ${workers}`,
    `output:   ${output ?? "standard output"}`,
    "first records:",
  ];
  for (const record of await firstRecords(options, inputs)) lines.push(`  ${record}`);
  return `${lines.join("\n")}\n`;
}

function told(paths: readonly string[]): string {
  return paths.length === 1 ? (paths[0] ?? "") : countedText(paths.length, "file");
}

async function firstRecords(options: MapOptions, inputs: Inputs): Promise<string[]> {
  const single = { ...options, batch: undefined };
  const source = openSource(inputs, single, undefined);
  const found: string[] = [];
  try {
    while (found.length < SHOWN) {
      const block = await source.next(SHOWN - found.length);
      if (block === undefined) break;
      for (const { value, malformed } of recordsOf(inputs.shape, block.body)) {
        const text = malformed ?? JSON.stringify(value);
        found.push(text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text);
      }
    }
  } finally {
    source.close();
  }
  return found.length === 0 ? ["none"] : found;
}
