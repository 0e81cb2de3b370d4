import type { RecordShape } from "../input/block.ts";

/** A function by the URL of its module and the name of its export. */
export interface FunctionName {
  readonly module: string;
  readonly name: string;
}

/** What stays the same for all blocks of a run. */
export interface RunSpec extends FunctionName {
  /** As the user wrote it, for the job log. */
  readonly label: string;
  readonly shape: RecordShape;
  /** Whether each line is an envelope around the value, or the bare value. */
  readonly isEnvelope: boolean;
  /** Whether envelopes hold the record as well. */
  readonly hasInput: boolean;
  /** Field of the record that it is called by. */
  readonly keyField: string | undefined;
  /** Whether each line starts with the key of its record. */
  readonly isTagged: boolean;
  /** Records for one call; 1 hands over the record itself, more an array. */
  readonly batch: number;
  readonly isBatch: boolean;
  /** Whether the function gets a second argument: what `--init` returned, or the `--arg`s. */
  readonly hasState: boolean;
  /** Whether errors keep the frames of this package and of Node. */
  readonly hasFullStacks: boolean;
  /** Whether rows for the job log are written. */
  readonly isLogged: boolean;
  /** Whether calls of a millisecond and more are told one by one. */
  readonly isTraced: boolean;
  /** Folds the values of a block into one, or into one per group. */
  readonly reduce: ReduceSpec | undefined;
}

/** How values are folded. */
export interface ReduceSpec {
  readonly fold: FunctionName;
  /** Field of the value that tells its group; `undefined`: all values are one group. */
  readonly groupBy: string | undefined;
}

/** What a worker does before its first and after its last record. */
export interface HookSpec {
  readonly init: FunctionName | undefined;
  readonly teardown: FunctionName | undefined;
  readonly args: Readonly<Record<string, string>>;
  /** What is added to the process's niceness. */
  readonly nice: number;
}
