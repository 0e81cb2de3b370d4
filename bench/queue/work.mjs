// What the other side of a queue does.
export const MESSAGES = {
  small: { id: 1, name: "abc", args: [1, 2] },
  "1 KiB": new Uint8Array(1024).fill(1),
  "1 MiB": new Uint8Array(1024 * 1024).fill(1),
};

export async function send(queue, back, gate, shape, count, isSync) {
  const message = MESSAGES[shape];
  gate.putSync("ready");
  await back.get();
  if (isSync) for (let i = 0; i < count; i++) queue.putSync(message);
  else for (let i = 0; i < count; i++) await queue.put(message);
}

export async function echo(queue, back, gate, _shape, count, isSync) {
  gate.putSync("ready");
  if (isSync) for (let i = 0; i < count; i++) back.putSync(queue.getSync());
  else for (let i = 0; i < count; i++) await back.put(await queue.get());
}
