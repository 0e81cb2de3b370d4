/**
 * Compares two values as graphs: the same kinds, contents and order, and the same objects met again in
 * the same places. `toEqual` sees neither -0 behind a Map nor two copies where one object was shared.
 *
 * @returns the path of the first difference, or `undefined`.
 */
export function difference(left: unknown, right: unknown): string | undefined {
  const pairs = new Map<object, object>();
  const partners = new Set<object>();
  return compare(left, right, "value");

  function compare(a: unknown, b: unknown, path: string): string | undefined {
    if (typeof a !== "object" || a === null) return Object.is(a, b) ? undefined : path;
    if (typeof b !== "object" || b === null) return path;
    if (pairs.has(a) || partners.has(b))
      return pairs.get(a) === b ? undefined : `${path} (identity)`;
    pairs.set(a, b);
    partners.add(b);
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${path} (prototype)`;
    return content(a, b, path) ?? fields(a, b, path);
  }

  function content(a: object, b: object, path: string): string | undefined {
    if (a instanceof Map && b instanceof Map) return list([...a].flat(), [...b].flat(), path);
    if (a instanceof Set && b instanceof Set) return list([...a], [...b], path);
    if (a instanceof Date && b instanceof Date) return compare(a.getTime(), b.getTime(), path);
    if (a instanceof RegExp && b instanceof RegExp) return compare(String(a), String(b), path);
    if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
      return compare(bytesOf(a), bytesOf(b), path) ?? compare(a.buffer, b.buffer, `${path}.buffer`);
    }
    if (isBox(a) && isBox(b)) return compare(a.valueOf(), b.valueOf(), path);
    if (Array.isArray(a) && Array.isArray(b)) return compare(a.length, b.length, `${path}.length`);
    return undefined;
  }

  function fields(a: object, b: object, path: string): string | undefined {
    if (ArrayBuffer.isView(a)) return undefined;
    const keys = Object.keys(a);
    return (
      list(keys, Object.keys(b), `${path} (keys)`) ??
      list(
        keys.map((key) => Object.getOwnPropertyDescriptor(a, key)?.value),
        keys.map((key) => Object.getOwnPropertyDescriptor(b, key)?.value),
        path,
      )
    );
  }

  function list(a: unknown[], b: unknown[], path: string): string | undefined {
    if (a.length !== b.length) return `${path} (size)`;
    for (let i = 0; i < a.length; i++) {
      const found = compare(a[i], b[i], `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function bytesOf(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString("hex");
}

function isBox(value: object): boolean {
  return [Number, String, Boolean, BigInt].some((Box) => value instanceof Box);
}
