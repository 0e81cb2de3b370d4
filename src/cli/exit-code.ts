/** Exit codes of the command; they are part of its contract and never change. */
export const EXIT_CODE = {
  /** Every record went well. */
  ok: 0,
  /** The run finished, some records failed. */
  someFailed: 1,
  /** Wrong use: unknown option, no such export, unreadable input, unwritable output. */
  usage: 2,
  /** Stopped by `--halt`. */
  halted: 3,
  /** Refused: the output exists already, or the run to go on with was another one. */
  refused: 4,
  /** A fault of the command itself. */
  internal: 70,
  /** `--max-time` was reached. */
  maxTime: 124,
  /** Ended by Ctrl-C (128 + SIGINT). */
  SIGINT: 130,
  /** Ended by a polite kill (128 + SIGTERM). */
  SIGTERM: 143,
} as const;
