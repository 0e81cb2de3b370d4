import { isatty } from "node:tty";
import { CliError } from "../cli-error.ts";
import { EXIT_CODE } from "../exit-code.ts";
import { print } from "../print.ts";
import { refuseSameFiles } from "./files/distinct-files.ts";
import { describePlan } from "./dry-run.ts";
import { findInputs } from "./input/inputs.ts";
import { openSource } from "./input/open-source.ts";
import { takeFingerprint } from "./journal/fingerprint.ts";
import { planRun } from "./files/plan-run.ts";
import type { RunPlan } from "./files/run-plan.ts";
import type { Inputs } from "./input/inputs.ts";
import type { MapOptions } from "./options.ts";
import { claimStdout } from "./output/claim-stdout.ts";
import { chooseReporter } from "./report/choose-reporter.ts";
import { countedChunk } from "./run/block-size.ts";
import { Run } from "./run/run.ts";
import { Workers } from "./run/workers.ts";
import { checkFinding, parseTarget } from "./target.ts";
import type { Target } from "./target.ts";
import type { HookSpec, RunSpec } from "./work/run-spec.ts";

/** For less than this much input a worker is started when there is work for it. */
const BYTES_PER_WORKER = 4096;

/** The functions of a run. */
interface Targets {
  readonly main: Target;
  readonly init: Target | undefined;
  readonly teardown: Target | undefined;
  readonly reduce: Target | undefined;
}

/**
 * Runs `manycore map`.
 *
 * @returns the exit code.
 * @throws CliError for wrong use, an input that cannot be read, an output that cannot be written.
 */
export async function runMap(options: MapOptions): Promise<number> {
  const targets = parseTargets(options);
  const { main, init, teardown, reduce } = targets;
  const inputs = await findInputs(options);
  const functions = [main, init, teardown, reduce];
  const modules = functions.flatMap((target) => (target === undefined ? [] : [target.module]));
  refuseSameFiles(options, inputs.paths, modules);
  if (options.dryRun) {
    await print(await describePlan(options, inputs));
    return EXIT_CODE.ok;
  }
  const plan = await planRun(options, inputs, () => takeFingerprint(inputs, options, functions));
  try {
    return await runPlan(options, inputs, targets, plan);
  } finally {
    await plan.release();
  }
}

async function runPlan(
  options: MapOptions,
  inputs: Inputs,
  targets: Targets,
  plan: RunPlan,
): Promise<number> {
  const { backend, killAfter, workerMemory } = options;
  const jobs = backend === "inline" ? 1 : options.jobs;
  const hooks = hookSpec(options, targets);
  const workers = new Workers({
    backend,
    jobs,
    hooks,
    killAfter,
    maxBlocks: maxBlocks(options),
    maxMemory: workerMemory,
    isFolding: targets.reduce !== undefined,
  });
  const source = openSource(inputs, options, plan.remainder);
  const isShown = options.output === undefined && isatty(1);
  // Processes of their own have another standard output; before others start, ours is moved.
  const stdout = backend === "process" ? 1 : claimStdout();
  try {
    await inspectTarget(workers, targets.main, targets.init, workersAtOnce(options, inputs, jobs));
    for (const target of [targets.init, targets.teardown, targets.reduce]) {
      if (target !== undefined) await inspectTarget(workers, target, targets.init, 1);
    }
    const outputs = await plan.open(stdout);
    const spec = runSpec(options, inputs, targets);
    const reporter = chooseReporter(options);
    const parts = { spec, source, workers, outputs, plan, reporter, jobs, isShown };
    return await new Run(options, parts).run();
  } catch (error) {
    workers.abandon();
    throw error;
  } finally {
    source.close();
  }
}

function parseTargets({ target, init, teardown, reduce }: MapOptions): Targets {
  const cwd = process.cwd();
  const optional = (text: string | undefined, option: string): Target | undefined =>
    text === undefined ? undefined : parseTarget(text, cwd, option);
  return {
    main: parseTarget(target, cwd),
    init: optional(init, "--init"),
    teardown: optional(teardown, "--teardown"),
    reduce: optional(reduce, "--reduce"),
  };
}

/** After how many blocks a worker has had its number of records. */
function maxBlocks(options: MapOptions): number | undefined {
  const { maxTasksPerWorker, chunk, batch = 1 } = options;
  if (maxTasksPerWorker === undefined) return undefined;
  const records = Math.max(batch, chunk ?? countedChunk(options) ?? 1);
  return Math.max(1, Math.floor(maxTasksPerWorker / records));
}

/** Number of workers that start together, before the first record is read; the others follow as they are needed. */
function workersAtOnce(
  { maxTasksPerWorker, memfree }: MapOptions,
  { paths, sizes }: Inputs,
  jobs: number,
): number {
  if (maxTasksPerWorker !== undefined || memfree !== undefined) return 1;
  const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const useful = sizes.length === 0 ? paths.length : Math.ceil(bytes / BYTES_PER_WORKER);
  return Math.max(1, Math.min(jobs, useful));
}

/** Fails before the first record is read, and before the output is created, when the function is not there. */
async function inspectTarget(
  workers: Workers,
  target: Target,
  init: Target | undefined,
  count: number,
): Promise<void> {
  let finding;
  try {
    finding = await workers.inspect({ module: target.module, name: target.name }, count);
  } catch (error) {
    // A worker that cannot be prepared fails whatever it is asked first.
    throw startError(init?.label ?? target.label, error);
  }
  checkFinding(finding, target);
}

/** Turns what a worker could not be started with into what the user should know. */
function startError(label: string, error: unknown): CliError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new CliError(`Cannot load ${label} in a worker: ${detail}`, undefined, { cause: error });
}

function hookSpec(options: MapOptions, { init, teardown }: Targets): HookSpec | undefined {
  const { args, nice } = options;
  const isNeeded = init !== undefined || nice !== 0 || Object.keys(args).length > 0;
  if (!isNeeded) return undefined;
  const named = (target: Target | undefined): HookSpec["init"] =>
    target === undefined ? undefined : { module: target.module, name: target.name };
  return { init: named(init), teardown: named(teardown), args, nice };
}

function runSpec(options: MapOptions, inputs: Inputs, targets: Targets): RunSpec {
  const { envelope, includeInput, key, tag, batch, verbose, joblog, trace, groupBy } = options;
  const { main, reduce } = targets;
  return {
    module: main.module,
    name: main.name,
    label: options.target,
    shape: inputs.shape,
    isEnvelope: envelope,
    hasInput: includeInput,
    keyField: key,
    isTagged: tag,
    batch: batch ?? 1,
    isBatch: batch !== undefined,
    hasState: options.init !== undefined || Object.keys(options.args).length > 0,
    hasFullStacks: verbose,
    isLogged: joblog !== undefined,
    isTraced: trace !== undefined,
    reduce:
      reduce === undefined
        ? undefined
        : { fold: { module: reduce.module, name: reduce.name }, groupBy },
  };
}
