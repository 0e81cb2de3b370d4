import { badArgument, wrongType } from "./argument-error.ts";
import type { Check } from "./checks.ts";

/** A check for each option of `O`: one that is added to the type cannot be forgotten here. */
export type OptionChecks<O> = { readonly [K in keyof Required<O>]: Check };

/** The options of one function or constructor, as {@link checkOptions} reads them. */
export interface AnyOptionTable {
  /** Whose they are: `Pool`, `lock.acquire()`. */
  readonly of: string;
  readonly checks: Readonly<Record<string, Check>>;
  /** Names that the same thing has elsewhere, here or in Python, and what it is called here. */
  readonly sisters?: Readonly<Record<string, string>>;
  /** Stands before the names in messages: `resourceLimits.` */
  readonly prefix?: string;
  /** The options' name as a parameter. Default: `options`. */
  readonly parameter?: string;
  /** The option that a bare number or word in place of the options must mean. */
  readonly bare?: string;
}

/** The options `O` of one function or constructor. */
export interface OptionTable<O> extends AnyOptionTable {
  readonly checks: OptionChecks<O>;
  readonly sisters?: Readonly<Record<string, keyof O & string>>;
  readonly bare?: keyof O & string;
}

/** Names that are no options, with the option that is meant, if any. */
const meanings = new WeakMap<object, Map<string, string | undefined>>();
/** Names come from the program's text: more than this are made up at run time. */
const MAX_REMEMBERED = 200;

/**
 * Refuses options that cannot be meant: no object, a value of the wrong kind or range, a name that must be
 * a slip. Other unknown names are let through: an object that has more than the type asks for is of the type.
 *
 * @throws TypeError or RangeError that quotes the option and the value.
 */
export function checkOptions(options: unknown, table: AnyOptionTable): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    const { bare } = table;
    const isBare = bare !== undefined && options !== null && typeof options !== "object";
    const hint = isBare ? `write { ${bare}: … }` : undefined;
    const { parameter = "options" } = table;
    throw wrongType(parameter, `an object (the options of ${table.of})`, options, hint);
  }
  const given = options as Readonly<Record<string, unknown>>;
  const { checks } = table;
  const { prefix = "" } = table;
  for (const name in checks) {
    const value = given[name];
    if (value !== undefined) checks[name]!(value, prefix + name);
  }
  for (const name in given) {
    if (!Object.hasOwn(checks, name)) checkUnknown(name, given, table);
  }
}

/** @throws TypeError when a name that is no option must mean one that is missing. */
function checkUnknown(
  name: string,
  given: Readonly<Record<string, unknown>>,
  table: AnyOptionTable,
): void {
  if (given[name] === undefined) return;
  let known = meanings.get(table);
  if (known === undefined) meanings.set(table, (known = new Map()));
  if (!known.has(name)) {
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(name, meaningOf(name, table));
  }
  const meant = known.get(name);
  if (meant === undefined || given[meant] !== undefined) return;
  throw badArgument(`Unknown option \`${name}\` of ${table.of}: did you mean \`${meant}\`?`);
}

/** The option that a name must mean: the same in another spelling, a sister, or one with a slip of the keys. */
function meaningOf(name: string, table: AnyOptionTable): string | undefined {
  const options = Object.keys(table.checks);
  const plain = plainForm(name);
  const same = options.find((option) => plainForm(option) === plain);
  if (same !== undefined) return same;
  for (const [sister, option] of Object.entries(table.sisters ?? {})) {
    if (plainForm(sister) === plain) return option;
  }
  return options.find((option) => isSlip(plain, plainForm(option)));
}

/** Without what differs between camelCase, snake_case and Python's words written together. */
function plainForm(name: string): string {
  return name.replaceAll(/[_-]/g, "").toLowerCase();
}

/** One letter too many, missing, wrong, or two exchanged; short words differ by that and mean another thing. */
function isSlip(given: string, option: string): boolean {
  if (Math.min(given.length, option.length) < 5 || Math.abs(given.length - option.length) > 1)
    return false;
  let start = 0;
  while (start < given.length && given[start] === option[start]) start++;
  const [left, right] = [given.slice(start), option.slice(start)];
  const isExchanged =
    left[0] === right[1] && left[1] === right[0] && left.slice(2) === right.slice(2);
  return (
    left.slice(1) === right.slice(1) ||
    left.slice(1) === right ||
    left === right.slice(1) ||
    isExchanged
  );
}
