// The main job on real input: minifies the JavaScript files below node_modules on all cores with
// `manycore map`, then shows some of the lines. Ends well when at least 90 % of the files did:
// terser rejects a few (JSX in .js files), and a rejected file is a record like any other.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const output = join(tmpdir(), `manycore-demo-${process.pid}.jsonl`);
const args = [
  "map",
  "examples/minify.ts#minify",
  "node_modules/**/*.js",
  // Copies of the TypeScript compiler: four files that take as long as the three thousand others.
  "!node_modules/**/typescript/lib/**",
  ...["--format", "files", "--envelope", "-o", output, "--overwrite"],
];
const shown = args.map((arg) => (/[*!#]/.test(arg) ? `'${arg}'` : arg)).join(" ");
console.log(`$ manycore ${shown}`);

const command = fileURLToPath(new URL("../lib/cli/main.cjs", import.meta.url));
const child = spawn(process.execPath, [command, ...args], { cwd: root, stdio: "inherit" });
// The child hears Ctrl-C itself and finishes what runs; its exit code then says so.
process.on("SIGINT", () => undefined);
const [code, signal] = await once(child, "exit");
if (code !== 0 && code !== 1) {
  console.error(`The command ended with ${signal ?? `exit code ${code}`}.`);
  process.exit(code ?? 1);
}

let ok = 0;
const rejected = [];
const samples = [];
let before = 0;
let after = 0;
for await (const line of createInterface({ input: createReadStream(output) })) {
  const record = JSON.parse(line);
  if (!record.ok) {
    rejected.push(record);
    continue;
  }
  ok += 1;
  before += record.value.before;
  after += record.value.after;
  if (samples.length < 2 && record.value.before > 10_000) samples.push(line);
}
if (rejected.length > 0) samples.push(JSON.stringify(rejected[0]));
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const share = before === 0 ? 100 : (100 * after) / before;
console.log(`\nMinified ${megabytes(before)} to ${megabytes(after)} (${share.toFixed(1)} %).`);
console.log(`One line per file, in input order, is in ${output}; three of them:`);
for (const line of samples) console.log(line.length > 300 ? `${line.slice(0, 300)}…` : line);

if (ok < 0.9 * (ok + rejected.length) || ok === 0) {
  console.error(`Only ${ok} of ${ok + rejected.length} files went well; expected at least 90 %.`);
  process.exit(1);
}
