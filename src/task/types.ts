/** A function that can run in a worker: its parameters and what it returns, awaited. */
export type TaskFunction<A extends unknown[], R> = (...args: A) => R | Promise<R>;

declare const signature: unique symbol;

/**
 * Names an exported function without loading its module here; made by {@link tasks}.
 * It is plain data, so it may also be sent to a worker as an argument.
 */
export interface TaskRef<A extends unknown[], R> {
  /** URL of the module: `file:`, `node:` or `data:`. */
  readonly module: string;
  /** Name of the export; `"math.square"` for a function inside an exported object. */
  readonly name: string;
  /** Exists for the type checker only: carries the parameters and the result. */
  readonly [signature]?: (...args: A) => R;
}

/** The argument of every method that takes a task: the function itself or a reference to it. */
export type Task<A extends unknown[], R> = TaskFunction<A, R> | TaskRef<A, R>;

/** Any reference, whatever its parameters and result. */
export type AnyTaskRef = Pick<TaskRef<never, unknown>, "module" | "name">;
