/** SHA-1 of a function's source text, in hex: tells versions of a function apart, protects nothing. */
export async function sourceHash(fn: Function): Promise<string> {
  const { createHash } = await import("node:crypto");
  return createHash("sha1").update(Function.prototype.toString.call(fn)).digest("hex");
}
