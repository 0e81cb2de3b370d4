import { TaskNotFoundError } from "../errors/index.ts";
import { isTaskIdentity } from "./identity.ts";
import type { LocatedIdentity, TaskIdentity } from "./identity.ts";
import { importModule } from "./import-module.ts";
import { resolveInline } from "./resolve-inline.ts";
import { taskSlot } from "./slot.ts";
import { sourceHash } from "./source-hash.ts";

type ExportIdentity = Extract<TaskIdentity, { kind: "export" }>;
type RegisteredIdentity = Extract<TaskIdentity, { kind: "registered" }>;

/**
 * Finds the function an identity names, importing its module. The functions of exported objects and classes
 * come bound to their owner, so that `this` works in them.
 *
 * **Waiting**: until the module is imported; inline functions without `import` are made at once.
 *
 * @throws TaskNotFoundError when the module has no such function; the message lists what it exports.
 * @throws what the module throws while it is imported, its message prefixed with the module's name.
 */
export function resolveTask(identity: TaskIdentity): Function | Promise<Function> {
  if (!isTaskIdentity(identity))
    throw new TaskNotFoundError(
      "This is no task identity; both sides must run the same version of manycore.",
    );
  switch (identity.kind) {
    case "inline":
      return resolveInline(identity);
    case "registered":
      return resolveRegistered(identity);
    case "located":
      return resolveBundled(identity);
    case "export":
      return resolveExport(identity);
  }
}

/** Loaded late: few workers run bundles, and each waits for its modules. */
async function resolveBundled(identity: LocatedIdentity): Promise<Function> {
  const { resolveLocated } = await import("./resolve-located.ts");
  return await resolveLocated(identity);
}

async function resolveRegistered({ module, name, index }: RegisteredIdentity): Promise<Function> {
  await importModule(module);
  if (taskSlot().registered.get(module)?.[index] === undefined) {
    const { untilSettled } = await import("./settled.ts");
    await untilSettled(module);
  }
  const list = taskSlot().registered.get(module) ?? [];
  const atIndex = list[index];
  if (atIndex !== undefined && atIndex.name === name) return atIndex;
  // Registrations that depend on where they run shift the order; an unmistakable name still tells.
  const byName = name === "" ? [] : list.filter((fn) => fn.name === name);
  if (byName.length === 1) return byName[0]!;
  const names = list.map((fn) => fn.name || "(anonymous)").join(", ");
  throw new TaskNotFoundError(
    `Registration ${index} (${JSON.stringify(name)}) of ${module} was not made in the worker, which registered ${names || "nothing"}. ` +
      `Call task(import.meta, …) at the top level of the module, outside isMain() and other conditions.`,
  );
}

async function resolveExport(identity: ExportIdentity): Promise<Function> {
  const { module, name, source } = identity;
  const exports = await importModule(module);
  const found = lookUp(exports, name);
  if (source === undefined) return found ?? missing(identity, exports);
  if (found !== undefined && (await sourceHash(found)) === source) return found;
  for (const other of Object.keys(exports)) {
    const candidate = lookUp(exports, other);
    if (candidate !== undefined && (await sourceHash(candidate)) === source) return candidate;
  }
  return missing(identity, exports);
}

/** CommonJS modules appear as themselves, as `default`, or under `default` twice, depending on who loaded them. */
function lookUp(exports: object, name: string): Function | undefined {
  const inner = own(exports, "default");
  for (const root of [exports, inner, own(exports, "module.exports")]) {
    const found = walk(root, name.split("."));
    if (found !== undefined) return found;
  }
  if (name !== "default") return undefined;
  return typeof exports === "function" ? exports : undefined;
}

function walk(root: unknown, path: readonly string[]): Function | undefined {
  let owner: unknown;
  let value = root;
  for (const segment of path) {
    owner = value;
    value = own(value, segment);
  }
  if (typeof value !== "function") return undefined;
  return path.length > 1
    ? (Object.defineProperty(value.bind(owner), "name", { value: value.name }) as Function)
    : value;
}

function own(holder: unknown, name: string): unknown {
  if ((typeof holder !== "object" && typeof holder !== "function") || holder === null)
    return undefined;
  return Object.hasOwn(holder, name) ? (holder as Record<string, unknown>)[name] : undefined;
}

function missing({ module, name, source }: ExportIdentity, exports: object): never {
  const names = Object.keys(exports).filter((it) => it !== "__esModule" && it !== "module.exports");
  const list =
    names.slice(0, 30).join(", ") + (names.length > 30 ? `, and ${names.length - 30} more` : "");
  throw new TaskNotFoundError(
    `Module ${module} exports no function ${JSON.stringify(name)}${source === undefined ? "" : " with the text of the one that was passed"}` +
      ` in the worker. It exports ${list || "nothing"}.`,
  );
}
