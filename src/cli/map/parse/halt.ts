import { CliError } from "../../cli-error.ts";

/** When a run ends early, in GNU parallel's words. */
export interface HaltRule {
  /** `now` kills what runs, `soon` lets it end. */
  readonly when: "now" | "soon";
  readonly what: "fail" | "success" | "done";
  /** Records, or with `isPercent` a percentage of those that are done. */
  readonly amount: number;
  readonly isPercent: boolean;
}

/**
 * Reads `never`, or `now|soon,fail|success|done=N` with N a number or a percentage.
 *
 * @throws CliError for anything else.
 */
export function parseHalt(text: string): HaltRule | undefined {
  if (text === "never") return undefined;
  const match = /^(now|soon),(fail|success|done)=(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  const amount = Number(match?.[3]);
  const isPercent = match?.[4] === "%";
  const isRight = amount > 0 && (isPercent ? amount <= 100 : Number.isInteger(amount));
  if (match === null || !isRight) {
    throw new CliError(
      `--halt expects never, or now|soon,fail|success|done=N or N%, such as soon,fail=1%, got "${text}"`,
    );
  }
  const when = match[1] === "now" ? "now" : "soon";
  const what = match[2] === "fail" ? "fail" : match[2] === "done" ? "done" : "success";
  return { when, what, amount, isPercent };
}
