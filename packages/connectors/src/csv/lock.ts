import { readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ConnectorError } from "@entrain/core";

/** Who writes to which folder within this process: each waits for the one before. */
const turns: Map<string, Promise<unknown>> = new Map();

/**
 * Does a piece of work as the only writer of a folder. Within this process writers take turns; against other processes
 * a file `.entrain.lock` with the writer's process id stands in the folder. The lock of a process that died is taken.
 * @throws ConnectorError `conflict` while another process writes, `file_failed` where no lock can be placed
 */
export async function asOnlyWriter<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const key = resolve(folder);
  const mine = (turns.get(key) ?? Promise.resolve()).then(() => locked(key, work));
  const ended = mine.catch(() => {});
  turns.set(key, ended);
  try {
    return await mine;
  } finally {
    if (turns.get(key) === ended) turns.delete(key);
  }
}

async function locked<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = join(folder, ".entrain.lock");
  if (!(await place(lock)) && !((await isLeft(lock)) && (await place(lock)))) {
    const message = `Another process is writing to ${folder}. If none is, remove ${lock}.`;
    throw new ConnectorError("conflict", message, { stops: "run", retry: "later" });
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function place(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    const message = `The folder cannot be written to (${codeOf(error)}).`;
    throw new ConnectorError("file_failed", message, { stops: "sync", retry: "later", cause: error });
  }
}

/** Removes the lock when its process is no more. One with our own id, which we do not hold, is an earlier life's. */
async function isLeft(lock: string): Promise<boolean> {
  const pid = Number(await readFile(lock, "utf8").catch(() => ""));
  if (pid !== process.pid && isAlive(pid)) return false;
  await rm(lock, { force: true });
  return true;
}

function isAlive(pid: number): boolean {
  // An empty lock is one that is being placed right now.
  if (!Number.isInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
