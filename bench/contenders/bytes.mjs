/** JSON knows no bytes: a Buffer arrives as `{ type: "Buffer", data: [...] }`. Gives it its shape back. */
export function reviveBytes(value) {
  return value?.type === "Buffer" ? Buffer.from(value.data) : value;
}
