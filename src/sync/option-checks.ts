import { checkSharedName } from "../parking/index.ts";
import { boolean, type Check, oneOf } from "../util/checks.ts";
import type { OptionChecks } from "../util/option-table.ts";
import type { LockOptions } from "./mutex.ts";
import type { SharedOptions } from "./sync-object.ts";

/** The checks of what everything shared takes. */
export const SHARED_CHECKS: OptionChecks<SharedOptions> = { name: checkSharedName };

/** Those of Lock and RLock. */
export const LOCK_CHECKS: OptionChecks<LockOptions> = {
  ...SHARED_CHECKS,
  onAbandoned: oneOf("report", "throw"),
  detectDeadlock: boolean,
};

/** Those of what resets by hand or by itself. */
export const RESET_CHECK: Check = oneOf("manual", "auto");
