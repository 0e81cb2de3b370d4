// The loop that everybody writes first: node one-core.mjs FUNCTION < input > output
import { createInterface } from "node:readline";
import * as work from "./work.mjs";

const run = work[process.argv[2]];
let lines = "";
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  lines += `${JSON.stringify(run(JSON.parse(line)))}\n`;
  if (lines.length > 65_536) {
    const hasRoom = process.stdout.write(lines);
    lines = "";
    if (!hasRoom) await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
}
process.stdout.write(lines);
