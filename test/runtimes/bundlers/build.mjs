// node build.mjs NAME OUT: builds src/main.ts by a bundler, as its users do; prints the program's path.
//   NAME    a key of BUILDS; with ":bundled" behind it manycore goes into the bundle
import { spawnSync } from "node:child_process";
import { readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [name, out] = process.argv.slice(2);
const [kind, bundled] = name.split(":");
const external = bundled === undefined ? ["manycore"] : [];
const entry = "src/main.ts";

const esbuild = (format, minify) => async () => {
  const { build } = await import("esbuild");
  const extension = format === "cjs" ? "cjs" : "mjs";
  const outfile = join(out, `main.${extension}`);
  // What stays outside of a bundle with manycore in it is what no bundler can take.
  const left = bundled === undefined ? external : ["@koromix/*", "jiti", "pino"];
  await build({
    ...{ entryPoints: [entry], bundle: true, platform: "node", format, minify, outfile },
    ...{ external: left, logLevel: "error" },
  });
  return outfile;
};

const rollup = (format) => async () => {
  const { rollup: bundle } = await import("rollup");
  const { default: typescript } = await import("@rollup/plugin-typescript");
  const { nodeResolve } = await import("@rollup/plugin-node-resolve");
  const build = await bundle({
    input: entry,
    external: [...external, /^node:/, /^@koromix/, "jiti", "pino"],
    plugins: [nodeResolve(), typescript({ compilerOptions: { outDir: out } })],
    onLog: () => {},
  });
  const file = join(out, `main.${format === "cjs" ? "cjs" : "mjs"}`);
  await build.write({ file, format, inlineDynamicImports: true });
  return file;
};

const rolldown = (minify) => async () => {
  const { rolldown: bundle } = await import("rolldown");
  const build = await bundle({
    input: entry,
    platform: "node",
    external: [...external, /^@koromix/, "jiti", "pino"],
  });
  const file = join(out, "main.mjs");
  await build.write({ file, format: "esm", minify, codeSplitting: false });
  return file;
};

const tsup = (format) => async () => {
  const { build } = await import("tsup");
  await build({
    ...{ entry: [entry], format: [format], outDir: out, platform: "node", silent: true },
    ...{ config: false, noExternal: bundled === undefined ? [] : ["manycore"] },
  });
  return join(out, `main.${format === "cjs" ? "cjs" : "js"}`);
};

const viteSsr = async () => {
  const { build } = await import("vite");
  await build({
    logLevel: "error",
    build: { ssr: entry, outDir: out, emptyOutDir: false },
    ssr: bundled === undefined ? {} : { noExternal: ["manycore"] },
  });
  return join(out, "main.js");
};

const webpack = (format, mode) => async () => {
  const { default: bundle } = await import("webpack");
  const isModule = format === "esm";
  const filename = `main.${isModule ? "mjs" : "cjs"}`;
  const stats = await new Promise((resolve, reject) => {
    const options = {
      ...{
        mode,
        target: "node20",
        entry: `./${entry}`,
        devtool: mode === "development" ? "source-map" : false,
      },
      output: {
        path: out,
        filename,
        module: isModule,
        chunkFormat: isModule ? "module" : "commonjs",
      },
      experiments: { outputModule: isModule },
      resolve: { extensionAlias: { ".js": [".ts", ".js"] }, extensions: [".ts", ".js"] },
      externals: external.map((it) => ({ [it]: `${isModule ? "module" : "import"} ${it}` })),
      module: {
        rules: [{ test: /\.ts$/, loader: "ts-loader", options: { transpileOnly: true } }],
      },
    };
    bundle(options, (error, result) => (error ? reject(error) : resolve(result)));
  });
  if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));
  return join(out, filename);
};

const ncc = async () => {
  const args = ["node_modules/@vercel/ncc/dist/ncc/cli.js", "build", entry, "-o", out, "-q", "-t"];
  const built = spawnSync(process.execPath, [...args, ...external.flatMap((it) => ["-e", it])], {
    encoding: "utf8",
  });
  if (built.status !== 0) throw new Error(built.stdout + built.stderr);
  return join(
    out,
    readdirSync(out).find((it) => /^index\.[cm]?js$/.test(it)),
  );
};

const BUILDS = {
  "esbuild-esm": esbuild("esm", false),
  "esbuild-cjs": esbuild("cjs", false),
  "esbuild-esm-min": esbuild("esm", true),
  "esbuild-cjs-min": esbuild("cjs", true),
  "tsup-esm": tsup("esm"),
  "tsup-cjs": tsup("cjs"),
  "rollup-esm": rollup("esm"),
  "rollup-cjs": rollup("cjs"),
  rolldown: rolldown(false),
  "rolldown-min": rolldown(true),
  "vite-ssr": viteSsr,
  "webpack-esm": webpack("esm", "development"),
  "webpack-cjs": webpack("cjs", "development"),
  "webpack-esm-min": webpack("esm", "production"),
  "webpack-cjs-min": webpack("cjs", "production"),
  ncc,
};

const build = BUILDS[kind];
if (build === undefined) throw new Error(`No build is called ${kind}: ${Object.keys(BUILDS)}`);
console.log(await build());
