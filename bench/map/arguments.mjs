// For xargs: node arguments.mjs FUNCTION record… > output
import { writeFileSync } from "node:fs";
import * as work from "./work.mjs";

const [name, ...records] = process.argv.slice(2);
const run = work[name];
const lines = records.map((record) => `${JSON.stringify(run(JSON.parse(record)))}\n`);
writeFileSync(1, lines.join(""));
