import type { ErrorReport } from "./record-line.ts";
import { userStack } from "./user-stack.ts";

/** An error as text: it may be of any class, or no error at all. */
export function reportError(error: unknown, hasFullStacks: boolean): ErrorReport {
  if (error instanceof Error || isErrorLike(error)) {
    const { name, message, stack } = error;
    const text = typeof stack === "string" ? stack : `${name}: ${message}`;
    return {
      name: String(name),
      message: String(message),
      stack: hasFullStacks ? text : userStack(text),
    };
  }
  const message =
    typeof error === "string" ? error : `threw ${JSON.stringify(error) ?? String(error)}`;
  return { name: "Error", message, stack: `Error: ${message}` };
}

/** The stack of a parse error shows our own code only, so it is left out. */
export function reportMalformed(message: string): ErrorReport {
  return { name: "SyntaxError", message, stack: `SyntaxError: ${message}` };
}

function isErrorLike(value: unknown): value is Error {
  return typeof value === "object" && value !== null && "message" in value && "name" in value;
}
