// One start of one contender, in a fresh process. Its CPU time is that of all its threads and children.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { RESULT_MARK } from "../lib/launch.mjs";
import { readStat, startTreeCpu } from "../lib/tree-cpu.mjs";

const [figure, contender] = process.argv.slice(2);
const WORKERS = 8;
/** Until all have started whom their pool has not waited for. */
const IDLE_MS = 1000;

const MEASURES = {
  async require() {
    const require = createRequire(
      contender === "manycore" ? import.meta.url : new URL("../rivals/load.mjs", import.meta.url),
    );
    return await timed(() => require(contender));
  },
  "first result, threads": () => firstResult(),
  "first result, processes": () => firstResult(),
  async "8 process workers"() {
    const cpu = startTreeCpu();
    const pool = await open(WORKERS);
    await Promise.all(Array.from({ length: WORKERS }, (_, n) => pool.run("noop", n)));
    const workers = children().filter((pid) => commandOf(pid).includes(process.execPath));
    if (workers.length !== WORKERS) throw new Error(`${workers.length} workers were started`);
    await sleep(IDLE_MS);
    // All that was started for them, also what is no worker.
    const mib = children().reduce((sum, pid) => sum + pssOf(pid), 0) / WORKERS / 1024;
    await pool.close();
    return { cpuMs: cpu() / 1000, mib };
  },
};

async function timed(work) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000 };
}

/** From the beginning of the process. */
async function firstResult() {
  const cpu = startTreeCpu();
  const pool = await open(1);
  if ((await pool.run("noop", 7)) !== 7) throw new Error("a wrong result");
  const ms = performance.now();
  const cpuMs = cpu() / 1000;
  await pool.close();
  return { ms, cpuMs };
}

async function open(workers) {
  const { CONTENDERS } = await import("../contenders/index.mjs");
  const { file, kind, options } = CONTENDERS.find(({ name }) => name === contender);
  const { create } = await import(`../contenders/${file}`);
  return create({ workers, kind, purpose: "start", options });
}

function children() {
  const ids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return ids.filter((id) => readStat(id)?.parent === process.pid);
}

const commandOf = (pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8");

function pssOf(pid) {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]);
}

const values = await MEASURES[figure]();
process.stdout.write(`${RESULT_MARK}${JSON.stringify(values)}\n`);
