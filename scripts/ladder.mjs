// The rooms of src/ from the ground up, and which rooms below each may use. Everything that speaks of this order
// is made from this array by `node scripts/ladder.mjs --write`: the lint rules and the table in ARCHITECTURE.md. Without
// the flag it only compares, as `npm run check` does.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const generated = join(root, ".oxlintrc.ladder.json");
const architecture = join(root, "ARCHITECTURE.md");
/** The README of a room with folders in an order. */
const readmeOf = (within) => join(root, "src", within, "README.md");

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

/**
 * The folders inside a room that has such an order of its own, from the ground up, each with those it may import.
 *
 * @type {readonly { within: string, shared: readonly string[], folders: readonly { folder: string, about: string, uses: readonly string[] }[] }[]}
 */
export const INNER_LADDERS = [
  {
    within: "cli/map",
    shared: ["options"],
    folders: [
      { folder: "parse", about: "words of the command line to numbers and rules", uses: [] },
      { folder: "input", about: "files cut into blocks of whole records", uses: [] },
      { folder: "work", about: "everything that runs in a worker", uses: ["input"] },
      { folder: "output", about: "order and bytes of what is written", uses: ["input"] },
      {
        folder: "journal",
        about: "notes of what is written, and their reader",
        uses: ["input", "work", "output"],
      },
      {
        folder: "files",
        about: "the files of a run: where each begins, and in which order they are written",
        uses: ["input", "work", "output", "journal"],
      },
      { folder: "counters", about: "what has been done so far", uses: ["input", "work"] },
      {
        folder: "report",
        about: "the run as it is shown",
        uses: ["input", "work", "output", "counters"],
      },
      {
        folder: "run",
        about: "blocks on their way through the workers",
        uses: ["parse", "input", "work", "output", "files", "counters", "report"],
      },
    ],
  },
];

const ROOMS = LADDER.map(({ room }) => room);
const ROOMS_WRITTEN = new Set(foldersOf("."));

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
  return { overrides: [...overrides, ...innerOverrides(overrides)] };
}

/** The rules of folders inside a room: those of the room, their own order, and nothing of what stands beside them. */
function innerOverrides(overrides) {
  return INNER_LADDERS.flatMap(({ within, shared, folders }) => {
    const [room] = within.split("/");
    const outer = overrides.find(({ files }) => files[0] === `src/${room}/**`);
    const [, { patterns }] = outer.rules["no-restricted-imports"];
    const beside = filesOf(within).filter((name) => !shared.includes(name));
    return folders.map(({ folder, uses }) => {
      const others = folders.map((one) => one.folder);
      const forbidden = others.filter((other) => other !== folder && !uses.includes(other));
      const inner = {
        regex: String.raw`^\.\./((${forbidden.join("|")})/|(${beside.join("|")})\.ts$)`,
        message: `${within}/${folder}/ may import ${[...shared, ...uses].join(", ")}: see scripts/ladder.mjs.`,
      };
      return {
        files: [`src/${within}/${folder}/**`],
        rules: { "no-restricted-imports": ["error", { patterns: [inner, ...patterns] }] },
      };
    });
  });
}

/** Folders in a folder of src/. */
function foldersOf(folder) {
  return readdirSync(join(root, "src", folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** Modules that stand in a folder of src/ itself. */
function filesOf(folder) {
  return readdirSync(join(root, "src", folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map(({ name }) => name.replace(/\.ts$/, ""))
    .sort();
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
  for (const { within, folders } of INNER_LADDERS) {
    const known = folders.map(({ folder }) => folder);
    const stray = foldersOf(within).filter((name) => !known.includes(name));
    if (stray.length > 0)
      fail(`src/${within} has folders that are not on its ladder: ${stray.join(", ")}.`);
  }
  const rules = `${JSON.stringify(lintConfig(), null, 2)}\n`;
  const made = new Map([[generated, rules]]);
  made.set(architecture, withTable(architecture, ladderTable()));
  for (const inner of INNER_LADDERS) {
    const readme = readmeOf(inner.within);
    made.set(readme, withTable(readme, innerTable(inner)));
  }
  for (const [file, text] of made) {
    if (process.argv.includes("--write")) writeFileSync(file, text);
    else if (unpadded(readFileSync(file, "utf8")) !== unpadded(text)) {
      fail("What is made from the ladder is older than it: `node scripts/ladder.mjs --write`.");
    }
  }
}

/** A paper with the table between its marks renewed. */
function withTable(file, table) {
  const paper = readFileSync(file, "utf8");
  const marked = `<!-- ladder -->\n\n${table}\n\n<!-- /ladder -->`;
  return paper.replace(/<!-- ladder -->[^]*<!-- \/ladder -->/, marked);
}

/** The table of the folders inside a room. */
function innerTable({ folders }) {
  const rows = folders.map(
    ({ folder, about, uses }) => `| [\`${folder}/\`](${folder}) | ${about} | ${uses.join(", ")} |`,
  );
  return ["| folder | what it holds | may import |", "| --- | --- | --- |", ...rows].join("\n");
}

/** The formatter pads tables and breaks lines. */
function unpadded(text) {
  return text.replaceAll(/[\s-]+/g, "");
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
