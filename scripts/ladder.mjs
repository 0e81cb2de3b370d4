// The rooms of src/ from the ground up, and which rooms below each may use. Everything that speaks of this order
// is made from this array by `node scripts/ladder.mjs --write`: the lint rules and the table in ARCHITECTURE.md. Without
// the flag it only compares, as `npm run check` does.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const generated = join(root, ".oxlintrc.ladder.json");
const architecture = join(root, "ARCHITECTURE.md");

/** Every room stands on these two. */
const GROUND = ["errors", "util"];
const TASKS = [...GROUND, "task", "wire", "process", "thread"];
const MEMORY = [...GROUND, "os", "memory", "parking"];

/**
 * One row a room: its name, what is in it, and what it may import. A room that is not written yet stands here with
 * its place, so that the first file of it is held to it.
 *
 * @type {readonly { room: string, about: string, uses: readonly string[] }[]}
 */
export const LADDER = [
  { room: "errors", about: "every error class and its code", uses: [] },
  { room: "util", about: "small parts without opinions", uses: ["errors"] },
  // The tower of tasks: from a function to a pool.
  { room: "task", about: "how a function is found again elsewhere", uses: GROUND },
  { room: "wire", about: "what crosses a boundary, and the channels it crosses by", uses: GROUND },
  {
    room: "process",
    about: "Process and the program of a child",
    uses: [...GROUND, "task", "wire"],
  },
  {
    room: "thread",
    about: "Thread and the program of a thread",
    uses: [...GROUND, "task", "wire", "process"],
  },
  { room: "executor", about: "executors, Futures, the scheduler", uses: TASKS },
  { room: "pool", about: "Python's Pool over an executor", uses: [...TASKS, "executor"] },
  // The tower of shared memory: from a system call to a lock and what a lock protects.
  { room: "os", about: "system calls, the only room that knows FFI", uses: GROUND },
  { room: "memory", about: "mapped files, the arena and its cells", uses: [...GROUND, "os"] },
  {
    room: "parking",
    about: "who waits for what; sleep and wake",
    uses: [...GROUND, "os", "memory", "process", "thread"],
  },
  { room: "sync", about: "Lock and all that can be waited for", uses: [...MEMORY, "wire"] },
  {
    room: "shared",
    about: "SharedMemory, SharedValue, SharedArray, ShareableList",
    uses: [...MEMORY, "wire", "sync"],
  },
  {
    room: "queue",
    about: "queues of any processes and threads",
    uses: [...MEMORY, "wire", "process", "sync"],
  },
  { room: "win32event", about: "win32event's names over sync", uses: [...MEMORY, "sync"] },
  // Beside both: what two ends say to each other.
  {
    room: "connection",
    about: "pipe, Listener, connect, Connection",
    uses: [...MEMORY, "wire", "process", "sync"],
  },
  // On top of both towers.
  {
    room: "manager",
    about: "objects in a server process, and their proxies",
    uses: [...TASKS, ...MEMORY, "executor", "pool", "sync", "shared", "queue", "connection"],
  },
  {
    room: "logging",
    about: "records of every process in one place",
    uses: [...TASKS, ...MEMORY, "sync", "queue", "connection"],
  },
  { room: "local", about: "the primitives inside one event loop", uses: GROUND },
  {
    room: "server",
    about: "one handler, every model of serving",
    uses: [...TASKS, ...MEMORY, "executor", "connection", "logging"],
  },
  {
    room: "mapreduce",
    about: "map, combine, partition, spill, merge, reduce",
    uses: [...TASKS, ...MEMORY, "executor", "pool"],
  },
  {
    room: "cluster",
    about: "the same executor over an existing engine",
    uses: [...TASKS, "executor", "pool", "local"],
  },
  {
    room: "observe",
    about: "a running program seen from outside",
    uses: [
      ...TASKS,
      ...MEMORY,
      "executor",
      "pool",
      "sync",
      "shared",
      "queue",
      "connection",
      "manager",
      "logging",
      "server",
    ],
  },
  {
    room: "cli",
    about: "one file a command: parse, call a room, print",
    uses: [
      ...TASKS,
      ...MEMORY,
      "executor",
      "pool",
      "sync",
      "shared",
      "queue",
      "connection",
      "manager",
      "logging",
      "local",
      "server",
      "mapreduce",
      "cluster",
      "observe",
    ],
  },
];

const ROOMS = LADDER.map(({ room }) => room);
const ROOMS_WRITTEN = new Set(
  readdirSync(join(root, "src"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name),
);

/** The lint rules of each room: it imports what its row names, never the front door, and FFI only in `os`. */
export function lintConfig() {
  const overrides = LADDER.map(({ room, uses }) => {
    const forbidden = ROOMS.filter((other) => other !== room && !uses.includes(other));
    const patterns = [
      {
        regex: String.raw`^(\.\./)+index(\.[jt]s)?$|^manycore(/|$)`,
        message: "A room does not import the front door, only rooms below it.",
      },
    ];
    if (forbidden.length > 0) {
      patterns.unshift({
        regex: String.raw`^(\.\./)+(${forbidden.join("|")})/`,
        message: `${room}/ may import ${[...new Set(uses)].join(", ") || "no other room"}: see scripts/ladder.mjs.`,
      });
    }
    if (room !== "os") patterns.push({ regex: "^@koromix/", message: "Only os/ knows FFI." });
    return {
      files: [`src/${room}/**`],
      rules: { "no-restricted-imports": ["error", { patterns }] },
    };
  });
  return { overrides };
}

/** The table of rooms in ARCHITECTURE.md; a room is said to stand on those that no other of them leads to. */
function ladderTable() {
  const below = new Map(LADDER.map(({ room, uses }) => [room, uses]));
  const rows = LADDER.map(({ room, about, uses }) => {
    const direct = ROOMS.filter(
      (other) => uses.includes(other) && !uses.some((name) => below.get(name)?.includes(other)),
    );
    const name = ROOMS_WRITTEN.has(room) ? `[\`${room}/\`](src/${room})` : `\`${room}/\``;
    return `| ${name} | ${about}${ROOMS_WRITTEN.has(room) ? "" : " (to come)"} | ${direct.join(", ")} |`;
  });
  return ["| room | what it holds | stands on |", "| --- | --- | --- |", ...rows].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const unknown = [...ROOMS_WRITTEN].filter((room) => !ROOMS.includes(room));
  if (unknown.length > 0) {
    fail(`src/ has rooms that are not on the ladder: ${unknown.join(", ")}.`);
  }
  const rules = `${JSON.stringify(lintConfig(), null, 2)}\n`;
  const paper = readFileSync(architecture, "utf8");
  const table = `<!-- ladder -->\n\n${ladderTable()}\n\n<!-- /ladder -->`;
  const renewed = paper.replace(/<!-- ladder -->[^]*<!-- \/ladder -->/, table);
  if (process.argv.includes("--write")) {
    writeFileSync(generated, rules);
    writeFileSync(architecture, renewed);
  } else if (
    unpadded(readFileSync(generated, "utf8")) !== unpadded(rules) ||
    unpadded(paper) !== unpadded(renewed)
  ) {
    fail("What is made from the ladder is older than it: `node scripts/ladder.mjs --write`.");
  }
}

/** The formatter pads tables and breaks lines. */
function unpadded(text) {
  return text.replaceAll(/[\s-]+/g, "");
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
