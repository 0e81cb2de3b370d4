import MagicString from "magic-string";

/** What Node gives each CommonJS module. */
const GIVEN = ["exports", "module", "require", "__dirname", "__filename"];
/** The chunk of rolldown's own functions: a file that each start would read for one line. */
const RUNTIME = "rolldown-runtime";
const HELPERS = {
  // Makes the object of a module that is imported as a whole.
  __exportAll: `(all) => {
	const made = {};
	for (const name in all) Object.defineProperty(made, name, { get: all[name], enumerable: true });
	return made;
}`,
};
/** Where `import.meta.url` stood. */
const OWN_URL = "importMetaUrl$";

/**
 * A plugin that makes the ES modules of a build CommonJS, which Node starts sooner: constants at the head for what
 * is imported, plain fields at the end for what is exported.
 *
 * rolldown's own CommonJS calls what another chunk exports through a getter, each time. Without the getters it only
 * holds for chunks that do not import each other in a circle, and for bindings that nobody assigns to: both are checked.
 */
export function toCommonJs() {
  return {
    name: "to-commonjs",
    renderChunk(code, chunk) {
      const { body } = this.parse(code);
      refuseCollisions(body, chunk.name);
      const text = new MagicString(code);
      const head = [];
      const tail = [];
      const variables = new Set();
      for (const node of body) {
        if (node.type === "ImportDeclaration") {
          text.update(node.start, node.end, required(node));
        } else if (node.type === "ExportNamedDeclaration") {
          for (const { local, exported } of node.specifiers) {
            tail.push(`exports.${exported.name} = ${local.name};`);
          }
          for (const name of variablesOf(body, node)) variables.add(name);
          text.remove(node.start, node.end);
        } else if (node.type.startsWith("Export")) {
          throw new Error(`${chunk.name} has an ${node.type}, for which there is no CommonJS here`);
        }
      }
      let namesItself = false;
      const replaced = new Set();
      visit(body, (node) => {
        if (replaced.has(node)) return;
        if (node.type === "ImportExpression" && isOwnFile(node.source)) {
          const source = code.slice(node.source.start, node.source.end);
          text.update(node.start, node.end, `Promise.resolve().then(() => require(${source}))`);
        } else if (node.type === "VariableDeclarator" && isOwnRequire(node.init)) {
          // `const require = require` would name itself.
          if (node.id.name === "require")
            throw new Error(`${chunk.name} declares a require of its own`);
        } else if (isOwnRequire(node)) {
          replaced.add(node.arguments[0]);
          text.update(node.start, node.end, "require");
        } else if (isMetaUrl(node)) {
          namesItself = true;
          text.update(node.start, node.end, OWN_URL);
        } else if (variables.has(assigned(node)?.name)) {
          throw new Error(`${chunk.name} exports and assigns to ${assigned(node).name}.`);
        }
      });
      if (namesItself) {
        head.push(`const ${OWN_URL} = require("node:url").pathToFileURL(__filename).href;`);
      }
      const shebang = /^#!.*\n/.exec(code)?.[0] ?? "";
      text.appendLeft(shebang.length, ['"use strict";', ...head, ""].join("\n"));
      if (tail.length > 0) text.append(`\n${tail.join("\n")}\n`);
      return { code: text.toString(), map: text.generateMap({ hires: "boundary" }) };
    },
    generateBundle(_options, bundle) {
      for (const [fileName, { name }] of Object.entries(bundle)) {
        if (name === RUNTIME) delete bundle[fileName];
      }
      refuseCircles(Object.values(bundle).filter((file) => file.type === "chunk"));
    },
  };
}

function required({ source, specifiers }) {
  if (source.value.includes(RUNTIME)) return specifiers.map(helperFor).join("\n");
  const call = `require(${JSON.stringify(source.value)})`;
  const named = [];
  const whole = [];
  for (const { type, local, imported } of specifiers) {
    if (type !== "ImportSpecifier") whole.push(local.name);
    else if (imported.name === local.name) named.push(local.name);
    else named.push(`${imported.name}: ${local.name}`);
  }
  const statements = whole.map((name) => `const ${name} = ${call};`);
  if (named.length > 0) statements.push(`const { ${named.join(", ")} } = ${call};`);
  return statements.length > 0 ? statements.join(" ") : `${call};`;
}

function helperFor({ imported, local }) {
  const helper = HELPERS[imported.name];
  if (helper === undefined) throw new Error(`There is no ${imported.name} of rolldown's here`);
  return `const ${local.name} = ${helper};`;
}

function isOwnFile({ type, value }) {
  return type === "Literal" && typeof value === "string" && value.startsWith(".");
}

function isMetaUrl({ type, object, property }) {
  return type === "MemberExpression" && object.type === "MetaProperty" && property.name === "url";
}

/** `createRequire(import.meta.url)` */
function isOwnRequire(node) {
  if (node?.type !== "CallExpression") return false;
  return node.callee.name === "createRequire" && isMetaUrl(node.arguments[0]);
}

function refuseCollisions(body, chunk) {
  for (const node of body) {
    const taken = declaredBy(node).find((name) => GIVEN.includes(name) || name === OWN_URL);
    if (taken !== undefined) {
      throw new Error(`${chunk} declares ${taken} at its top level, which a CommonJS module has.`);
    }
  }
}

function declaredBy(node) {
  if (node.type === "VariableDeclaration") return node.declarations.map(({ id }) => id.name);
  return /^(?:Class|Function)Declaration$/.test(node.type) ? [node.id.name] : [];
}

/** Exported variables. An importer has the value that they have at the end of the chunk. */
function variablesOf(body, { specifiers }) {
  const names = body
    .filter(({ type, kind }) => type === "VariableDeclaration" && kind !== "const")
    .flatMap(declaredBy);
  return specifiers.map(({ local }) => local.name).filter((name) => names.includes(name));
}

/** Also another variable of the same name, in some function: that one can have another name. */
function assigned(node) {
  if (node.type === "AssignmentExpression") return node.left;
  return node.type === "UpdateExpression" ? node.argument : undefined;
}

/** In a circle one of the chunks would be read before the other has exported anything. */
function refuseCircles(chunks) {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const done = new Set();
  const walk = (chunk, above) => {
    if (above.includes(chunk)) {
      const names = [...above.slice(above.indexOf(chunk)), chunk].map((it) => it.fileName);
      throw new Error(`Chunks import each other: ${names.join(" → ")}`);
    }
    if (done.has(chunk)) return;
    for (const name of chunk.imports) {
      const next = byName.get(name);
      if (next !== undefined) walk(next, [...above, chunk]);
    }
    done.add(chunk);
  };
  for (const chunk of chunks) walk(chunk, []);
}

function visit(node, see) {
  if (Array.isArray(node)) {
    for (const one of node) visit(one, see);
  } else if (typeof node === "object" && node !== null) {
    if (typeof node.type === "string") see(node);
    for (const value of Object.values(node)) visit(value, see);
  }
}
