/** Settings that an executor gives a worker at its start. */
export interface WorkerSettings {
  readonly id: number;
  readonly name: string;
  /** Tasks run at a time. */
  readonly concurrency: number;
  /** An initializer or a finalizer follows in a message of its own; it is ready only after that. */
  readonly hasHooks: boolean;
  /** Memory in use is to be reported. */
  readonly reportMemory: boolean;
}
