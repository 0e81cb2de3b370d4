export { Arena, type CellId, type Place, type Words } from "./arena.ts";
export { checkFolder, namespaceFolder, openNamespace, runtimeFolder } from "./namespace.ts";
export * from "./layout.ts";
