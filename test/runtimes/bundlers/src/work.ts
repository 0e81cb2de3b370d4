import {
  type Lock,
  Process,
  type Queue,
  registerClass,
  type SharedValue,
  task,
  taskContext,
} from "manycore";

/** What the workers run: each in a way of its own of writing a function. */
export function square(x: number): number {
  return x * x;
}

export const half = (x: number): number => x / 2;

export default function plusOne(x: number): number {
  return x + 1;
}

export const math = {
  factor: 3,
  times(x: number): number {
    return x * this.factor;
  },
};

export async function later(x: number): Promise<number> {
  await Promise.resolve();
  return x * 10;
}

export function* upTo(n: number): Generator<number> {
  for (let i = 1; i <= n; i++) yield i;
}

export function kind(): string {
  return taskContext().worker.kind;
}

export class OddError extends Error {
  override readonly name = "OddError";
}
registerClass(OddError);

export function refuseOdd(x: number): number {
  if (x % 2 === 1) throw new OddError(`${x} is odd`);
  return x;
}

export async function add(counter: SharedValue<"int32">, lock: Lock): Promise<void> {
  await lock.run(() => {
    counter.value += 1;
  });
}

export async function pass(queue: Queue<number>, x: number): Promise<void> {
  await queue.put(x);
}

/** Made anew by each call, with variables of its own: no worker can find it. */
export function makeAdder(n: number): (x: number) => number {
  return function adder(x: number): number {
    return x + n;
  };
}

const hidden = (x: number): number => x - 1;
/** Registered where it was written, beside a module that registers one of its own. */
export const minusOne = task(import.meta, hidden);

export class Adder extends Process {
  constructor(
    readonly counter: SharedValue<"int32">,
    readonly by: number,
  ) {
    super({ name: "adder" });
  }

  override run(): void {
    this.counter.value += this.by;
  }
}

/** A manager makes one and calls it. */
export class Stock {
  #pieces = 10;

  take(count: number): number {
    this.#pieces -= count;
    return this.#pieces;
  }
}
