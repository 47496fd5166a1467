// Packs the package and installs it into an empty folder, once for all tests and without the network.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { required } from "../e2e/program.ts";

const run = promisify(execFile);
const NPM = process.platform === "win32" ? "npm.cmd" : "npm";
const FOLDER = "TASKWRIGHT_CONSUMER";

/** The folder that the package is installed in. */
export function consumerFolder(): string {
  return required(FOLDER);
}

/** The installed package. */
export function installedFolder(): string {
  return join(consumerFolder(), "node_modules/taskwright");
}

/** The file that `npm pack` made. */
export async function packedFile(): Promise<string> {
  const manifest = JSON.parse(await readFile(join(installedFolder(), "package.json"), "utf8"));
  return join(consumerFolder(), `taskwright-${manifest.version}.tgz`);
}

export default async function install(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "taskwright-package-"));
  await writeFile(join(folder, "package.json"), '{"name":"consumer","private":true,"type":"module"}');
  const options = { cwd: folder, shell: process.platform === "win32" };
  await run(NPM, ["pack", "--offline", "--silent", join(required("TASKWRIGHT_ROOT"), "pkg")], options);
  process.env[FOLDER] = folder;
  await run(NPM, ["install", "--offline", "--no-audit", "--no-fund", "./taskwright-*.tgz"], { ...options, shell: true });
  return () => rm(folder, { recursive: true });
}
