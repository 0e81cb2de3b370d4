import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type * as TypeScript from "typescript-api";

/** One thing that a caller gives: a positional argument, or an option among them. */
export interface Given {
  /** Who takes it: `wait`, `new Lock`, `Lock.open`, `Lock#acquire`. */
  readonly callee: string;
  /** Which argument it is, or in which the option is. */
  readonly position: number;
  readonly parameter: string;
  readonly isRest: boolean;
  /** For an option: its name, and whose it is: `WaitOptions.timeout`. */
  readonly option?: string | undefined;
  readonly owner?: string | undefined;
}

// See `paths` in tsconfig.test.json.
const require = createRequire(createRequire(import.meta.url).resolve("@microsoft/api-extractor"));
const ts = require("typescript") as typeof TypeScript;

/** Names of parameters that are bags of options. */
const BAGS = new Set(["options", "callbacks"]);

/** Everything that the public functions, constructors and methods of the declarations take. */
export function declaredArguments(): Given[] {
  const files = ["../../dist/index.d.ts", "../../dist/win32event/index.d.ts"].map((file) =>
    fileURLToPath(new URL(file, import.meta.url)),
  );
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    strict: true,
    types: ["node"],
  });
  const reader = new Reader(program.getTypeChecker());
  for (const file of files) {
    const source = program.getSourceFile(file)!;
    const module = reader.checker.getSymbolAtLocation(source)!;
    for (const symbol of reader.checker.getExportsOfModule(module)) reader.readExport(symbol);
  }
  return reader.given;
}

class Reader {
  readonly checker: TypeScript.TypeChecker;
  readonly given: Given[] = [];

  constructor(checker: TypeScript.TypeChecker) {
    this.checker = checker;
  }

  readExport(exported: TypeScript.Symbol): void {
    const symbol =
      (exported.flags & ts.SymbolFlags.Alias) === 0
        ? exported
        : this.checker.getAliasedSymbol(exported);
    const declaration = symbol.valueDeclaration;
    if (declaration === undefined) return;
    const type = this.checker.getTypeOfSymbol(symbol);
    const { name } = exported;
    this.#read(name, type.getCallSignatures());
    if ((symbol.flags & ts.SymbolFlags.Class) === 0) return;
    const isAbstract = (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Abstract) !== 0;
    if (!isAbstract) this.#read(`new ${name}`, type.getConstructSignatures());
    for (const member of this.checker.getPropertiesOfType(type)) {
      if (member.name !== "prototype") this.#readMember(`${name}.${member.name}`, member);
    }
    const instance = this.checker.getDeclaredTypeOfSymbol(symbol);
    for (const member of this.checker.getPropertiesOfType(instance)) {
      if (!member.name.startsWith("__@")) this.#readMember(`${name}#${member.name}`, member);
    }
  }

  #readMember(callee: string, member: TypeScript.Symbol): void {
    const declaration = member.valueDeclaration;
    if (declaration === undefined || declaration.getSourceFile().fileName.includes("node_modules"))
      return;
    const flags = ts.getCombinedModifierFlags(declaration);
    if ((flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0) return;
    if (ts.isSetAccessor(declaration) || member.declarations?.some(ts.isSetAccessor)) {
      this.given.push({ callee: `${callee}=`, position: 0, parameter: "value", isRest: false });
    }
    this.#read(callee, this.checker.getTypeOfSymbol(member).getCallSignatures());
  }

  #read(callee: string, signatures: readonly TypeScript.Signature[]): void {
    const seen = new Set<string>();
    for (const signature of signatures) {
      const { declaration } = signature;
      if (declaration === undefined) continue;
      if (ts.getJSDocTags(declaration).some((tag) => tag.tagName.text === "internal")) continue;
      for (const [position, parameter] of signature.parameters.entries()) {
        for (const given of this.#readParameter(callee, position, parameter)) {
          const key = `${given.position} ${given.owner}.${given.option}`;
          if (!seen.has(key)) this.given.push(given);
          seen.add(key);
        }
      }
    }
  }

  *#readParameter(callee: string, position: number, parameter: TypeScript.Symbol): Iterable<Given> {
    const declaration = parameter.valueDeclaration as TypeScript.ParameterDeclaration;
    const isRest = declaration.dotDotDotToken !== undefined;
    // A parameter that is taken apart has no name of its own.
    const name = parameter.name.startsWith("__") ? "options" : parameter.name;
    const base = { callee, position, parameter: name, isRest };
    yield base;
    if (!BAGS.has(name)) return;
    const type = this.checker.getNonNullableType(this.checker.getTypeOfSymbol(parameter));
    const parts = type.isUnion() ? type.types : [type];
    for (const part of parts) {
      for (const property of this.checker.getPropertiesOfType(part)) {
        const owner = property.declarations?.[0]?.parent;
        const isNamed = owner !== undefined && ts.isInterfaceDeclaration(owner);
        yield { ...base, option: property.name, owner: isNamed ? owner.name.text : callee };
      }
    }
  }
}
