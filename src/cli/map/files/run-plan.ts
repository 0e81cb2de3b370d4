import type { Remainder } from "../input/open-source.ts";
import type { RunOutputs } from "./run-outputs.ts";

/** The share of an earlier run in this one. */
export interface Before {
  readonly ran: number;
  /** Records and bytes of the input of this run that are done. */
  readonly records: number;
  readonly bytes: number;
  readonly failed: ReadonlySet<number>;
}

/** The part of a run that its journal decides. */
export interface RunPlan {
  /** Input that is left; `undefined` for all of it. */
  readonly remainder: Remainder | undefined;
  readonly before: Before | undefined;
  /** News for the user before it begins. */
  readonly note: string | undefined;
  /**
   * Opens the files, and cuts off what the journal does not know of.
   *
   * @param stdout - the descriptor of standard output.
   */
  open(stdout: number): Promise<RunOutputs>;
  /** Lets other runs at the journal. */
  release(): Promise<void>;
}
