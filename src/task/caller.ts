import { isOwnFile } from "../errors/own-frames.ts";

/** So many at most are this package's own: its front calls what is behind, if this is the first call. */
const FRAMES = 10;

/** The name V8 has for the script that called `below`, as its loader gave it; undefined when it has none. */
export function callerScript(below: Function): string | undefined {
  // oxlint-disable-next-line typescript/unbound-method
  const { prepareStackTrace, stackTraceLimit } = Error;
  let sites: NodeJS.CallSite[] = [];
  const holder: { stack?: unknown } = {};
  try {
    // The structured form: a textual stack would have to be taken apart again, and may be source-mapped.
    Error.prepareStackTrace = (_error, callSites): string => {
      sites = callSites;
      return "";
    };
    Error.stackTraceLimit = FRAMES;
    Error.captureStackTrace(holder, below);
    void holder.stack;
  } finally {
    if (prepareStackTrace === undefined) Reflect.deleteProperty(Error, "prepareStackTrace");
    else Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
  const names = sites.map((site) => site.getFileName() ?? "");
  return names.find((name) => !isOwnFile(name)) || undefined;
}
