import type { RecordShape } from "../input/block.ts";

/** A function by the URL of its module and the name of its export. */
export interface FunctionName {
  readonly module: string;
  readonly name: string;
}

/** The part of a task that stays the same for all blocks of a run. */
export interface RunSpec extends FunctionName {
  /** As the user wrote it, for the job log. */
  readonly label: string;
  readonly shape: RecordShape;
  /** True when each line is an envelope around the value, not the bare value. */
  readonly isEnvelope: boolean;
  /** True when envelopes hold the record as well. */
  readonly hasInput: boolean;
  /** Field of the record that it is called by. */
  readonly keyField: string | undefined;
  /** True when each line starts with the key of its record. */
  readonly isTagged: boolean;
  /** Records for one call; 1 hands over the record itself, more an array. */
  readonly batch: number;
  readonly isBatch: boolean;
  /** True when the function gets a second argument: what `--init` returned, or the `--arg`s. */
  readonly hasState: boolean;
  /** True when errors keep the frames of this package and of Node. */
  readonly hasFullStacks: boolean;
  /** True when rows for the job log are written. */
  readonly isLogged: boolean;
  /** True when calls of a millisecond and more are told one by one. */
  readonly isTraced: boolean;
  /** Folds the values of a block into one, or into one per group. */
  readonly reduce: ReduceSpec | undefined;
}

/** The function of `--reduce`, and its groups. */
export interface ReduceSpec {
  readonly fold: FunctionName;
  /** Field of the value that tells its group; `undefined`: all values are one group. */
  readonly groupBy: string | undefined;
}

/** Functions of a worker for before its first and after its last record. */
export interface HookSpec {
  readonly init: FunctionName | undefined;
  readonly teardown: FunctionName | undefined;
  readonly args: Readonly<Record<string, string>>;
  /** Steps added to the process's niceness. */
  readonly nice: number;
}
