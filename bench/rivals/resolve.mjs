/** The URL of a rival. It stands here so that the name is found in this folder's node_modules. */
export function urlOf(name) {
  return import.meta.resolve(name);
}
