// The locks of this ecosystem: async-mutex within a process, proper-lockfile between processes.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bestOf, nanosPerRunAsync, report, untilReady } from "./measure.mjs";

const require = createRequire(new URL("../rivals/", import.meta.url));
const [figure, role, given] = process.argv.slice(2);
const FOR_MS = 1500;

const folder = given ?? mkdtempSync(join(tmpdir(), "manycore-bench-"));
const file = join(folder, "file");

async function lockfilePairs() {
  const lockfile = require("proper-lockfile");
  const options = { realpath: false, retries: { forever: true, minTimeout: 1, maxTimeout: 5 } };
  let pairs = 0;
  for (const end = performance.now() + FOR_MS; performance.now() < end;) {
    const release = await lockfile.lock(file, options);
    await release();
    pairs++;
  }
  return (pairs / FOR_MS) * 1000;
}

const FIGURES = {
  "async-mutex": async () => {
    const { Mutex } = require("async-mutex");
    const mutex = new Mutex();
    return bestOf(5, () => nanosPerRunAsync(100_000, async () => (await mutex.acquire())()));
  },
  "lockfile-alone": async () => 1e9 / (await lockfilePairs()),
  "lockfile-contended": async () => {
    if (role === "second") {
      await untilReady();
      report(await lockfilePairs());
      return undefined;
    }
    const peer = spawn(
      process.execPath,
      [fileURLToPath(import.meta.url), figure, "second", folder],
      {
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    await new Promise((resolve) => peer.stdout.once("data", resolve));
    const theirs = new Promise((resolve) =>
      peer.stdout.once("data", (text) => resolve(JSON.parse(text))),
    );
    peer.stdin.write("go\n");
    return (await lockfilePairs()) + (await theirs).value;
  },
};

const value = await FIGURES[figure]();
if (value !== undefined) {
  report(value);
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
