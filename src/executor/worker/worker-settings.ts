/** What an executor tells its workers at their start. */
export interface WorkerSettings {
  readonly id: number;
  readonly name: string;
  /** Tasks run at a time. */
  readonly concurrency: number;
  /** An initializer or a finalizer follows in a message of its own; it is ready only after that. */
  readonly hasHooks: boolean;
  /** Whether memory in use is of interest. */
  readonly reportMemory: boolean;
}
