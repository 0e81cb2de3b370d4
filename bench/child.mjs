// One measurement: one figure of one contender. Started by run.mjs, in a fresh process.
import { RESULT_MARK } from "./lib/launch.mjs";

const { figureName, contender, size, workers } = JSON.parse(process.argv[2]);
const { default: figure } = await import(`./figures/${figureName}.mjs`);

let opened;
async function open() {
  const { create } = await import(`./contenders/${contender.file}`);
  const { kind, options } = contender;
  opened = create({ workers, kind, purpose: figureName, options });
  return opened;
}

try {
  const values = await figure.measure({ open, contender, size });
  // Before closing: a pool that cannot close still has a result.
  process.stdout.write(`${RESULT_MARK}${JSON.stringify(values)}\n`);
  await opened?.close();
} catch (error) {
  process.stderr.write(`${error?.stack ?? error}\n`);
  process.exit(1);
}
