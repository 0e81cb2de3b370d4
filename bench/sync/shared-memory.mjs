// node bench/sync/shared-memory.mjs: blocks of shared memory, against CPython's and against ordinary memory.
import { fileURLToPath } from "node:url";
import { SharedArray, SharedMemory } from "../../lib/index.js";
import { bestOf, nanosPerRun } from "./measure.mjs";
import { compare, own, python } from "./shared-compare.mjs";

const SELF = fileURLToPath(import.meta.url);
const MB = 1 << 20;
const TIMES = 1000;

/** GB/s of copying `size` bytes from one memory to another, again and again. */
function bandwidth(from, to, size) {
  from.fill(7);
  to.fill(1);
  const runs = Math.ceil((512 * MB) / size);
  return bestOf(7, () => nanosPerRun(runs, () => from.copy(to))).then((nanos) => size / nanos);
}

const ordinary = (size) => Buffer.alloc(size, 1);
const shared = (size) => Buffer.from(SharedMemory.create({ size }).buffer);

const FIGURES = {
  attach: () => {
    const memory = SharedMemory.create({ size: MB });
    return bestOf(5, () => nanosPerRun(TIMES, () => SharedMemory.open(memory.name).close())) // mapped already
      .then((nanos) => nanos / 1000);
  },
  "attach-first": () => {
    const memories = Array.from({ length: TIMES }, () => SharedMemory.create({ size: 4096 }));
    const names = memories.map((memory) => memory.name);
    // Kept by their names; the next open maps anew.
    for (const [i, memory] of memories.entries()) {
      SharedMemory.create({ size: 4096, name: `kept-${i}`, persistent: true });
      memory.close();
    }
    let i = 0;
    const nanos = nanosPerRun(TIMES, () => SharedMemory.open(`kept-${i++}`));
    for (const at of names.keys()) SharedMemory.unlink(`kept-${at}`);
    return nanos / 1000;
  },
  create: () =>
    bestOf(3, () =>
      nanosPerRun(TIMES, () => {
        const memory = SharedMemory.create({ size: MB });
        memory.close();
      }),
    ).then((nanos) => nanos / 1000),
  array: () => nanosPerRun(TIMES, () => new SharedArray("float64", 100)) / 1000,
};
for (const [label, size] of [
  ["1MiB", MB],
  ["64MiB", 64 * MB],
]) {
  FIGURES[`plain-${label}`] = () => bandwidth(ordinary(size), ordinary(size), size);
  FIGURES[`to-${label}`] = () => bandwidth(ordinary(size), shared(size), size);
  FIGURES[`from-${label}`] = () => bandwidth(shared(size), ordinary(size), size);
}

const PREPARE = `
from multiprocessing.shared_memory import SharedMemory
import time
`;
const PYTHON_COPY = (size) => `${PREPARE}
source = bytes(b"x" * ${size})
memory = SharedMemory(create=True, size=${size})
memory.buf[:] = source
runs, best = ${Math.ceil((512 * MB) / size)}, 1e9
for _ in range(7):
    begun = time.perf_counter()
    for _ in range(runs):
        memory.buf[:] = source
    best = min(best, (time.perf_counter() - begun) / runs)
memory.close(); memory.unlink()
print(${size} / best / 1e9)`;

const here = (figure) => own(SELF, figure);
const copies = (label, size) => [
  `copy ${label} blocks`,
  "GB/s",
  false,
  {
    "Buffer to Buffer": here(`plain-${label}`),
    "manycore, into shared memory": here(`to-${label}`),
    "manycore, out of shared memory": here(`from-${label}`),
    "CPython, into shared memory": python(PYTHON_COPY(size)),
  },
];

if (process.argv[2] in FIGURES) {
  console.log(await FIGURES[process.argv[2]]());
  process.exit();
} else {
  compare([
    [
      "open by name and close",
      "µs",
      true,
      {
        "CPython SharedMemory": python(`${PREPARE}
memory = SharedMemory(create=True, size=${MB})
best = 1e9
for _ in range(5):
    begun = time.perf_counter()
    for _ in range(${TIMES}):
        SharedMemory(name=memory.name).close()
    best = min(best, (time.perf_counter() - begun) / ${TIMES} * 1e6)
memory.close(); memory.unlink()
print(best)`),
        "manycore, mapped by this thread already": here("attach"),
        "manycore, not mapped yet (open alone)": here("attach-first"),
      },
    ],
    [
      "create 1 MiB and end it",
      "µs",
      true,
      {
        "CPython SharedMemory": python(`${PREPARE}
begun = time.perf_counter()
for _ in range(${TIMES}):
    memory = SharedMemory(create=True, size=${MB})
    memory.close(); memory.unlink()
print((time.perf_counter() - begun) / ${TIMES} * 1e6)`),
        "manycore SharedMemory": here("create"),
      },
    ],
    [
      "make an array of 100 doubles",
      "µs",
      true,
      {
        "CPython Array": python(`
import multiprocessing as mp, time
begun = time.perf_counter()
kept = [mp.Array("d", 100) for _ in range(${TIMES})]
print((time.perf_counter() - begun) / ${TIMES} * 1e6)`),
        "manycore SharedArray": here("array"),
      },
    ],
    copies("1MiB", MB),
    copies("64MiB", 64 * MB),
  ]);
}
