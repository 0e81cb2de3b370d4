/** The arrows of a state machine: each state, and those that may follow it. */
export type Transitions<S extends string> = Readonly<Record<S, readonly S[]>>;

/**
 * The next state, after a look at the arrows: a change that is not drawn is a fault of this package, and is found
 * where it is made instead of where it does harm.
 *
 * @param what - whose state it is, for the message.
 * @throws Error when no arrow leads from `from` to `to`.
 */
export function transition<S extends string>(
  arrows: Transitions<S>,
  from: S,
  to: S,
  what: string,
): S {
  if (!arrows[from].includes(to)) {
    throw new Error(`${what} cannot go from "${from}" to "${to}"; please report this as a bug.`);
  }
  return to;
}
