/** The used part of the lexer. */
type Parse = (typeof import("es-module-lexer"))["parse"];

let parse: Promise<Parse> | undefined;

/** The lexer of ES modules. */
export function moduleLexer(): Promise<Parse> {
  return (parse ??= load());
}

async function load(): Promise<Parse> {
  try {
    const lexer = await import("es-module-lexer");
    await lexer.init;
    return lexer.parse;
  } catch {
    // WebAssembly reserves addresses by the gigabyte, or may not be compiled here at all: the same in JavaScript.
    return (await import("es-module-lexer/js")).parse;
  }
}
