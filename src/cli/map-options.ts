import type { RecordFormat } from "./record-block.ts";

/** Where the function runs. */
export type Backend = "process" | "thread" | "inline";

/** How the run is shown on standard error. */
export type ProgressMode = "auto" | "bar" | "plain" | "json" | "none";

/** What `manycore map` was asked to do, checked. */
export interface MapOptions {
  /** `MODULE#EXPORT` as given. */
  readonly target: string;
  readonly inputs: readonly string[];
  readonly jobs: number;
  /** `undefined`: go by the names of the inputs. */
  readonly format: RecordFormat | undefined;
  /** A path, or `undefined` for standard output. */
  readonly output: string | undefined;
  readonly overwrite: boolean;
  readonly envelope: boolean;
  readonly backend: Backend;
  /** Milliseconds for one run of one record, or `undefined` for no limit. */
  readonly timeout: number | undefined;
  /** Further attempts after a failed one. */
  readonly retries: number;
  readonly progress: ProgressMode;
  readonly ordered: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}
