import { readFileSync } from "node:fs";

/** A fenced block of a page. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** The file it belongs in, when its first line says so: `// square.mts`. */
  readonly file: string | undefined;
  /** From 1. */
  readonly line: number;
  /** What a comment right before it says: `<!-- types only: … -->`. */
  readonly mark: string | undefined;
}

/** All fenced blocks of a page, in order. */
export function blocksOf(page: string | URL): Block[] {
  const text = readFileSync(page, "utf8");
  const pattern = /(?:^<!-- (.+?) -->\n+)?^```(\w*)\n(.*?)^```$/gms;
  return [...text.matchAll(pattern)].map((match) => {
    const [, mark, language = "", body = ""] = match;
    return {
      language,
      text: body,
      file: /^\/\/ ([\w-]+\.\w+)\n/.exec(body)?.[1],
      line: text.slice(0, match.index).split("\n").length,
      mark,
    };
  });
}
