import type { Scheduler } from "./scheduler.ts";

/**
 * Held by all executors over the same workers, and by the maps that still feed them: while one is left the
 * program can close them, when none is it never will.
 */
export class Ownership {
  readonly scheduler: Scheduler;

  /** @param maker - the class whose construction is shown by the warning. */
  constructor(scheduler: Scheduler, maker: Function) {
    this.scheduler = scheduler;
    const site: { readonly stack?: string } = {};
    Error.captureStackTrace(site, maker);
    // As text, and now: a stack that nobody has read holds the objects whose methods are in it.
    const stack = site.stack ?? "";
    unclosed.register(this, { scheduler, made: stack.slice(stack.indexOf("\n")) });
  }
}

interface Unclosed {
  readonly scheduler: Scheduler;
  /** The stack of its making. */
  readonly made: string;
}

const unclosed = new FinalizationRegistry<Unclosed>(({ scheduler, made }) => {
  const { name, workers } = scheduler.stats();
  if (scheduler.lifecycle.isClosing || workers.length === 0 || scheduler.kind === "inline") return;
  process.emitWarning(
    `"${name}" was dropped while ${workers.length} of its workers ran; they end when they are done with what was accepted. ` +
      "Call shutdown(), or close() and join(), or make it with `await using`.",
    {
      type: "ResourceWarning",
      code: "MANYCORE_UNCLOSED",
      detail: `It was made:${made}`,
    },
  );
  void scheduler.shutdown(false, false);
});
