import { connect } from "node:net";

const [path, kind, total] = process.argv.slice(2);
const socket = connect(path);
const SIZES = { small: 64, "1 KiB": 1024, "1 MiB": 1024 * 1024 };
const wanted = Number(total) * (SIZES[process.argv[5]] ?? 0);
let seen = 0;
socket.on("data", (chunk) => {
  if (kind !== "stream") socket.write(chunk);
  else if ((seen += chunk.length) === wanted) socket.write("x");
});
