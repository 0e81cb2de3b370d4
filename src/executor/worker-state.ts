import type { Transitions } from "../util/state-machine.ts";

/** States of a worker; README.md draws them. */
export type WorkerState =
  /** Boots, or runs its initializer; tasks may be handed to it already. */
  | "starting"
  | "ready"
  /** Gets no more tasks, and is asked to end when it is done with those it has. */
  | "draining"
  /** Has been asked to end, or is being killed: its end is no crash. */
  | "ending"
  | "dead";

export const WORKER_TRANSITIONS: Transitions<WorkerState> = {
  starting: ["ready", "draining", "ending", "dead"],
  ready: ["draining", "ending", "dead"],
  draining: ["ending", "dead"],
  ending: ["dead"],
  dead: [],
};
