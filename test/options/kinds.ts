import { Event, Lock, ObjectProxy, pipe, Semaphore, WaitableTimer, RLock } from "manycore";
import { square } from "../fixtures/executor/work.js";

/** What an argument or an option is: a right value, to reach those behind it, and wrong ones. */
export interface Kind {
  readonly right: () => unknown;
  readonly wrong: readonly unknown[];
}

class AnyClass {
  readonly field = 1;
}
const symbol = Symbol("symbol");
const fn = (): number => 1;

/** Of no kind that anything here takes, but where any value will do. */
const NEITHER = [symbol, null];
const NO_NUMBERS = [...NEITHER, "5", "", {}, [], [5], 5n, fn, true, new Date(0), AnyClass];
const NO_TEXTS = [...NEITHER, 5, NaN, {}, [], ["x"], 5n, fn, true, AnyClass];
const NO_LISTS = [...NEITHER, 5, {}, 5n, fn, true, new Map([[1, 2]]).size, AnyClass];
const NO_OBJECTS = [...NEITHER, 5, NaN, "x", 5n, fn, true, [], AnyClass];
/** Neither whole nor counted by a number. */
const NO_INTEGERS = [NaN, 1.5, -1, -Infinity, 2 ** 53, 1e300, Number.MIN_VALUE];

function kind(right: unknown, ...wrong: unknown[]): Kind {
  return { right: typeof right === "function" ? (right as () => unknown) : () => right, wrong };
}

const task = kind(() => square, ...NEITHER, 5, "square", {}, [], 5n, true, AnyClass);

export const KINDS = {
  /** Nothing is wrong. */
  any: kind(1),
  /** Nothing is right but to leave it out; another error says what to do. */
  nothing: kind(undefined),
  milliseconds: kind(5, ...NO_NUMBERS, NaN),
  finiteMilliseconds: kind(5, ...NO_NUMBERS, NaN, Infinity, -Infinity),
  number: kind(5, ...NO_NUMBERS, NaN),
  positive: kind(1, ...NO_NUMBERS, ...NO_INTEGERS, 0, -0, Infinity),
  positiveOrInfinity: kind(1, ...NO_NUMBERS, ...NO_INTEGERS, 0, -0),
  natural: kind(0, ...NO_NUMBERS, ...NO_INTEGERS, Infinity),
  naturalOrInfinity: kind(0, ...NO_NUMBERS, ...NO_INTEGERS),
  word31: kind(1, ...NO_NUMBERS, ...NO_INTEGERS, 0, 2 ** 31, Infinity),
  /** A limit where 0 and less mean none, as in Python. */
  limit: kind(1, ...NO_NUMBERS, NaN, 1.5, 2 ** 31, 2 ** 53),
  boolean: kind(true, ...NEITHER, 0, 1, "true", {}, [], 5n, fn),
  text: kind("text", ...NO_TEXTS),
  sharedName: kind("text", ...NO_TEXTS, "", "a\0b", "x".repeat(193), "é".repeat(97), "\ud800"),
  fn: kind(() => fn, ...NEITHER, 5, "x", {}, [], 5n, true),
  task,
  signal: kind(
    () => AbortSignal.abort(new Error("given up")),
    ...NO_OBJECTS,
    {},
    new AbortController(),
  ),
  array: kind(() => [], ...NO_LISTS, "ab", new Set([1])),
  iterable: kind(() => [], ...NO_LISTS, "ab"),
  /** Of a map: texts are taken, as in Python. */
  source: kind(() => [1], ...NO_LISTS),
  bag: kind(() => ({}), ...NO_OBJECTS),
  /** Anything that can have parts. */
  movable: kind(() => ({}), ...NEITHER, 5, "x", 5n, true),
  object: kind(() => ({}), ...NO_OBJECTS),
  meta: kind(() => import.meta, ...NO_OBJECTS),
  env: kind(() => ({}), ...NO_OBJECTS, { A: {} }, { A: symbol }, { A: null }, { A: "a\0" }),
  execArgv: kind(() => [], ...NO_LISTS, "--x", [5], ["a\0"]),
  resourceLimits: kind(
    () => ({}),
    ...NO_OBJECTS,
    { stackSizeMb: "4" },
    { maxOldGenerationSizeMb: NaN },
    { maxOldGenerationSizeMb: 0 },
    { codeRangeSizeMb: Infinity },
  ),
  folder: kind("/", ...NO_TEXTS, "", "/no/such/folder", "/dev/null", "/\0"),
  inspect: kind(true, ...NEITHER, "9229", {}, [], 5n, fn, -1, 65_536, 1.5, NaN),
  stdio: kind(
    "ignore",
    ...NEITHER,
    "Pipe",
    "",
    -1,
    1.5,
    NaN,
    2 ** 31,
    {},
    [],
    ["pipe"],
    ["pipe", "pipe", "pip"],
    ["pipe", "pipe", "pipe", "pipe"],
    5n,
    fn,
    true,
  ),
  delay: kind(1, ...NEITHER, "5", {}, [], 5n, true, NaN),
  returnWhen: kind("ALL_COMPLETED", ...NO_TEXTS, "ALL", ""),
  workerKind: kind("thread", ...NO_TEXTS, "cluster", "threads"),
  reset: kind("auto", ...NO_TEXTS, "automatic"),
  onAbandoned: kind("throw", ...NO_TEXTS, "Throw"),
  level: kind("info", ...NO_TEXTS, "warning", "INFO", ""),
  family: kind("unix", ...NO_TEXTS, "AF_UNIX", "tcp4"),
  address: kind(
    { port: 1 },
    ...NEITHER,
    5,
    "",
    "a\0b",
    "/".padEnd(200, "x"),
    {},
    [],
    fn,
    { port: "6000" },
    { port: -1 },
    { port: 65_536 },
    { port: 1.5 },
    { port: NaN },
    { port: 80, host: 5 },
    { port: 80, host: "" },
    { host: "localhost" },
  ),
  key: kind("key", ...NEITHER, 5, {}, [], 5n, fn, true, new ArrayBuffer(4)),
  destination: kind(2, ...NEITHER, "stderr", {}, [], 5n, fn, true, -1, 1.5, NaN, 2 ** 31),
  lockChoice: kind(false, ...NEITHER, "yes", 0, 1, {}, [], fn),
  elementType: kind("int32", ...NO_TEXTS, "int", "Int32Array", "toString"),
  numeric: kind(1, ...NEITHER, "5", {}, [], fn, true),
  element: kind(1, ...NEITHER, "5", {}, [], 5n, fn, true),
  lengthOrValues: kind(1, ...NEITHER, "ab", {}, 5n, fn, true, -1, 1.5, NaN, Infinity, ["x"], [5n]),
  content: kind(1, ...NEITHER, "ab", {}, 5n, fn, true, -1, 1.5, NaN, Infinity),
  listValues: kind(() => [1], ...NO_LISTS, "ab", [{}], [symbol], [2n ** 64n]),
  listValue: kind(1, symbol, {}, [], fn, undefined, 2n ** 64n, new Date(0)),
  index: kind(0, ...NO_NUMBERS, NaN, 1.5, 100, -100, Infinity, 2 ** 53),
  anyIndex: kind(0, ...NO_NUMBERS, NaN, 1.5),
  bytes: kind(() => new Uint8Array(1), ...NEITHER, 5, "ab", {}, [1], 5n, fn, true),
  buffer: kind(() => new Uint8Array(8), ...NEITHER, 5, "ab", {}, [1], 5n, fn, true),
  offset: kind(0, ...NO_NUMBERS, ...NO_INTEGERS, 9),
  permits: kind(1, ...NO_NUMBERS, ...NO_INTEGERS, 0, 2 ** 31, Infinity),
  initialPermits: kind(1, ...NO_NUMBERS, ...NO_INTEGERS, 2 ** 31, Infinity),
  boundedPermits: kind(1, ...NO_NUMBERS, ...NO_INTEGERS, 65_537, Infinity),
  parties: kind(2, ...NO_NUMBERS, ...NO_INTEGERS, 0, 2 ** 31, Infinity),
  futures: kind(() => [], ...NO_LISTS, "ab", [5], [Promise.resolve()]),
  owner: kind(undefined, ...NEITHER, 5, "x", {}, [], fn, { cancel: true }),
  waitables: kind(() => [new Event()], ...NO_LISTS, "ab", [], [5], [{}], [null]),
  readyObjects: kind(() => [], ...NO_LISTS, [5], [{}]),
  anyClass: kind(() => AnyClass, ...NEITHER, 5, "x", {}, [], fn),
  module: kind(() => new URL("file:///x.js"), ...NO_TEXTS, "./x.js", "x"),
  jobArgs: kind(() => [], ...NO_LISTS, "ab"),
  connection: kind(() => pipe()[0], ...NEITHER, 5, "x", {}, [], fn),
  original: kind(1, ...NEITHER, -1, 1.5, NaN, 2 ** 31, "1", {}, [], 5n, fn, true),
  lock: kind(() => new Lock(), ...NEITHER, 5, "x", {}, [], fn),
  registrable: kind(() => AnyClass, ...NEITHER, 5, {}, [], true),
  registered: kind("Thing", ...NEITHER, 5, {}, [], true),
  methodName: kind("get", ...NO_TEXTS),
  exposed: kind(() => [], ...NO_LISTS, "get", [5]),
  proxyClass: kind(() => class extends ObjectProxy {}, ...NO_OBJECTS, {}, ObjectProxy),
  grants: kind(() => ({}), ...NO_OBJECTS, { get: 5 }),
  registration: kind("Thing", ...NO_TEXTS, ""),
  folderName: kind("/tmp", ...NO_TEXTS, "", "a\0b"),
  eventHandle: kind(() => new Event(), ...NEITHER, 5, "x", {}, [], fn),
  mutexHandle: kind(() => new RLock(), ...NEITHER, 5, "x", {}, [], fn),
  semaphoreHandle: kind(() => new Semaphore(), ...NEITHER, 5, "x", {}, [], fn),
  timerHandle: kind(() => new WaitableTimer(), ...NEITHER, 5, "x", {}, [], fn),
  handle: kind(() => new Event(), ...NEITHER, 5, "x", {}, [], fn),
  handles: kind(
    () => [new Event()],
    ...NO_LISTS,
    [],
    [5],
    Array.from({ length: 65 }, () => 0),
  ),
  optionalName: kind("text", ...NO_TEXTS.filter((value) => value !== null), "", "a\0b"),
  dueTime: kind(-10, ...NO_NUMBERS.filter((value) => typeof value !== "bigint"), NaN),
  entries: kind(() => [], ...NEITHER, 5, "ab", 5n, fn, true),
} satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;
