/** A getter on an error may fail; the rest of the error is worth more than the reason. */
export function read(error: Error, key: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key];
  } catch {
    return `[${key} cannot be read]`;
  }
}

export function text(error: Error, key: string): string {
  const value = read(error, key);
  return typeof value === "string" ? value : describe(value, key);
}

/** Names a value that cannot travel: `[function callback]`. */
export function describe(value: unknown, key: string): string {
  try {
    if (typeof value === "function") return `[function ${value.name || key}]`;
    if (typeof value !== "object" || value === null) return `[${typeof value} ${String(value)}]`;
    return `[object ${String(value.constructor?.name || "Object")}]`;
  } catch {
    return "[object]";
  }
}
