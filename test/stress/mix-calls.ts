import { setTimeout as delay } from "node:timers/promises";
import type { Executor, Future } from "manycore";
import * as work from "../fixtures/stress/mix.mjs";

export type Random = () => number;
type Submit = (executor: Executor) => Future<unknown>;

/** A call of some sort, and what may come of it. */
export interface Shape {
  readonly what: string;
  readonly submit: Submit;
  readonly expected: (value: unknown) => boolean;
  readonly own?: (error: unknown) => boolean;
  /** Would not end by itself. */
  readonly isEndless?: boolean;
  readonly transfer?: readonly unknown[];
  /** Its input can be read once. */
  readonly isOnce?: boolean;
}

const isMix = (error: unknown): boolean => error instanceof RangeError;
const never = (): boolean => false;

/** Makes a call of some sort. */
export function shapeOf(random: Random, log: string, id: number): Shape {
  const isId = (value: unknown): boolean => value === id;
  const below = (n: number): number => Math.floor(random() * n);
  const simple = (fn: (log: string, id: number) => unknown): Submit => {
    return (executor) => executor.submit(fn, log, id);
  };
  const n = below(60);
  const bytes = new Uint8Array(1 + below(200_000));
  const shapes: (() => Shape)[] = [
    () => ({ what: "quick", submit: simple(work.quick), expected: isId }),
    () => ({ what: "compute", submit: (e) => e.submit(work.compute, log, id, n), expected: isId }),
    () => ({ what: "sleep", submit: (e) => e.submit(work.sleep, log, id, n), expected: isId }),
    () => ({ what: "spin", submit: simple(work.spin), expected: never, isEndless: true }),
    () => ({ what: "stuck", submit: simple(work.stuck), expected: never, isEndless: true }),
    () => ({ what: "polite", submit: simple(work.polite), expected: isId, isEndless: true }),
    () => ({ what: "fail", submit: simple(work.fail), expected: never, own: isMix }),
    () => ({ what: "failFirst", submit: simple(work.failFirst), expected: isId, own: isMix }),
    () => ({ what: "exit", submit: simple(work.exit), expected: never }),
    () => ({ what: "uncaught", submit: simple(work.uncaught), expected: never, isEndless: true }),
    () => ({ what: "overflow", submit: simple(work.overflow), expected: never, own: isMix }),
    () => ({ what: "exhaust", submit: simple(work.exhaust), expected: never, isEndless: true }),
    () => ({
      what: "sum",
      submit: (e) => e.submit(work.sum, log, id, items(n)),
      expected: (value) => Array.isArray(value) && value[0] === id && value[1] === sumTo(n),
      isOnce: true,
    }),
    () => ({
      what: "count",
      submit: (e) => e.submit(work.count, log, id, n),
      expected: (value) => value !== undefined,
    }),
    () => ({
      what: "move",
      submit: (e) => e.submit(work.move, log, id, bytes),
      expected: (value) => (value as Uint8Array)[0] === 9,
      isOnce: true,
      transfer: [bytes.buffer],
    }),
    () => ({ what: "report", submit: (e) => e.submit(work.report, log, id, 1000), expected: isId }),
  ];
  // Most are quick: the windows of workers fill up.
  const index = random() < 0.5 ? 0 : below(shapes.length);
  // Filling a heap takes long; once in a while will do.
  const shape = (shapes[index] as () => Shape)();
  return shape.what === "exhaust" && random() < 0.8 ? (shapes[0] as () => Shape)() : shape;
}

async function* items(n: number): AsyncGenerator<number, void, undefined> {
  for (let i = 1; i <= n; i++) {
    if (i % 10 === 0) await delay(1);
    yield i;
  }
}

const sumTo = (n: number): number => (n * (n + 1)) / 2;
