const [kind, total] = process.argv.slice(2);
let seen = 0;
process.on("message", (value) => {
  if (kind !== "stream") process.send(value);
  else if (++seen === Number(total)) process.send(seen);
});
process.send("ready");
