import { parseAst } from "rolldown/parseAst";

/** The chunk that the front reads at once. It is small, and what `catch` compares with must be the real thing. */
const EAGER = "errors";

/**
 * A plugin that puts fronts in the place of the entries that programs import: an ES module and a CommonJS module that
 * read the same chunks, each when something of it is first used.
 *
 * An ES module cannot export what it has not read. So it exports facades (src/util/facade.ts), and the real ones
 * as soon as they are there: an `export let` is a live binding.
 */
export function fronts() {
  return {
    name: "fronts",
    generateBundle(_options, bundle) {
      const index = exportsOf(bundle, "index.cjs");
      const tool = exportsOf(bundle, "util/facade.cjs").find(({ name }) => name === "lazyPart");
      if (tool.chunk.name !== EAGER) throw new Error(`lazyPart is in the chunk ${tool.chunk.name}`);
      for (const { name, key, kind } of index) {
        if (name !== key) throw new Error(`${name} is called ${key} in its chunk`);
        if (kind === undefined)
          throw new Error(`${name} is no class or function: no facade for it`);
      }
      const parts = new Map(index.map(({ chunk }) => [chunk, []]));
      for (const exported of index) parts.get(exported.chunk).push(exported);
      const errors = { chunk: tool.chunk, names: namesOf(parts.get(tool.chunk)) };
      parts.delete(tool.chunk);
      const names = namesOf(index).toSorted();
      delete bundle["index.cjs"];
      delete bundle["util/facade.cjs"];
      const emit = (fileName, source) => this.emitFile({ type: "asset", fileName, source });
      emit("index.js", esmFront(errors, parts));
      emit("index.cjs", commonJsFront(errors, parts, names));
      emit("index.bundler.js", forBundlers(names));
      const win32event = namesOf(exportsOf(bundle, "win32event/index.cjs"));
      emit("win32event/index.js", plainFront(win32event));
      emit("win32event/index.bundler.js", forBundlers(win32event));
    },
  };
}

const namesOf = (exported) => exported.map(({ name }) => name);

/** What an entry exports: from which chunk, under what name there, and what it is. */
function exportsOf(bundle, fileName) {
  const entry = bundle[fileName];
  const { body } = parseAst(entry.code);
  const imported = new Map();
  for (const { id, init } of declarations(body)) {
    if (id.type !== "ObjectPattern") continue;
    const source = new URL(init.arguments[0].value, `file:///${fileName}`).pathname.slice(1);
    for (const { key, value } of id.properties) {
      imported.set(value.name, { chunk: bundle[source], key: key.name });
    }
  }
  return exportStatements(body).map(({ name, local }) => {
    const { chunk, key } = imported.get(local) ?? { chunk: entry, key: name };
    return { name, key, chunk, kind: kindOf(chunk, key) };
  });
}

function* declarations(body) {
  for (const node of body) if (node.type === "VariableDeclaration") yield* node.declarations;
}

function exportStatements(body) {
  return body.flatMap(({ type, expression }) =>
    type === "ExpressionStatement" && expression.left?.object?.name === "exports"
      ? [{ name: expression.left.property.name, local: expression.right.name }]
      : [],
  );
}

/** `class`, `function`, `async function`; undefined for any other value. */
function kindOf(chunk, key) {
  const body = (chunk.parsed ??= parseAst(chunk.code).body);
  const { local } = exportStatements(body).find(({ name }) => name === key) ?? {};
  for (const node of body) {
    const found =
      node.type === "VariableDeclaration"
        ? node.declarations.find(({ id }) => id.name === local)?.init
        : node.id?.name === local && node;
    if (!found) continue;
    if (found.type.startsWith("Class")) return "class";
    if (!found.type.includes("Function")) return undefined;
    // Neither has a prototype.
    return found.async || found.type === "ArrowFunctionExpression" ? "async function" : "function";
  }
  return undefined;
}

const list = (names) => names.map((name) => `  ${name},\n`).join("");

function lazyPart({ name, fileName }) {
  return `const ${name} = lazyPart("${name}", () => require("./${fileName}"));\n`;
}

function esmFront(errors, parts) {
  const text = [
    `import { createRequire } from "node:module";\n`,
    `const require = createRequire(import.meta.url);`,
    `const {\n  lazyPart,\n${list(errors.names)}} = require("./${errors.chunk.fileName}");`,
    `export {\n${list(errors.names)}};\n`,
  ];
  for (const [chunk, exported] of parts) {
    text.push(
      lazyPart(chunk),
      ...exported.map(({ name, kind }) => {
        const args = kind === "async function" ? `"${name}", true` : `"${name}"`;
        return `export let ${name} = ${chunk.name}.facade(${args});`;
      }),
      `${chunk.name}.whenLoaded((real) => {`,
      ...namesOf(exported).map((name) => `  ${name} = real.${name};`),
      "});\n",
    );
  }
  return text.join("\n");
}

function commonJsFront(errors, parts, names) {
  const text = [
    `"use strict";`,
    `Object.defineProperty(exports, "__esModule", { value: true });`,
    `const errors = require("./${errors.chunk.fileName}");`,
    `const { lazyPart } = errors;`,
    ...errors.names.map((name) => `exports.${name} = errors.${name};`),
  ];
  for (const [chunk, exported] of parts) {
    text.push(
      lazyPart(chunk).trimEnd(),
      `${chunk.name}.define(exports, [\n${namesOf(exported)
        .map((name) => `  "${name}",\n`)
        .join("")}]);`,
    );
  }
  // Tells Node and bundlers, which look for this form, what the module exports.
  text.push(`0 && (module.exports = {\n${list(names)}});\n`);
  return text.join("\n");
}

/** A bundler has each chunk in its output, so there is nothing to be saved. */
function forBundlers(names) {
  return `import core from "./index.cjs";\n\nexport const {\n${list(names)}} = core;\n`;
}

/** For a room that whoever imports it uses at once. */
function plainFront(names) {
  return [
    `import { createRequire } from "node:module";\n`,
    `const core = createRequire(import.meta.url)("./index.cjs");`,
    `export const {\n${list(names)}} = core;\n`,
  ].join("\n");
}
