import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { basename } from "node:path";
import { type Check, ConnectorError } from "@entrain/core";
import { type CsvLayout, RowCodec } from "./kinds.ts";
import { membersOf } from "./memberships.ts";
import { openTable } from "./table.ts";

/** Named checks that only read: the folder can be written to, and every file in it is one of ours, to its last line. */
export async function verifyCsv(folder: string, layout: CsvLayout, signal: AbortSignal): Promise<readonly Check[]> {
  signal.throwIfAborted();
  const checks = [await folderCheck(folder)];
  if (!checks[0]?.ok) return checks;
  for (const kind of layout.kinds.values()) {
    checks.push(
      await fileCheck(kind.table.file, async () => {
        const table = await openTable(kind.table);
        const codec = new RowCodec(kind, table.columns);
        let count = 0;
        for await (const rows of table.rows(signal)) {
          for (const row of rows) codec.record(row);
          count += rows.length;
        }
        return `${count} records.`;
      }),
    );
  }
  const memberships = layout.memberships;
  checks.push(
    await fileCheck(memberships.file, async () => {
      await membersOf(memberships, await openTable(memberships), new Set(), signal);
      return "Memberships can be read.";
    }),
  );
  signal.throwIfAborted();
  return checks;
}

async function folderCheck(folder: string): Promise<Check> {
  const name = "Folder";
  try {
    if (!(await stat(folder)).isDirectory())
      return failed(name, `${folder} is not a folder.`, "Name the folder, not a file.");
    await access(folder, constants.W_OK | constants.X_OK);
    return { name, ok: true, detail: `${folder} can be written to.`, fix: null };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const fix = code === "ENOENT" ? `Create it: mkdir -p ${folder}` : "Let the user that Entrain runs as write to it.";
    return failed(name, `${folder} cannot be written to (${code}).`, fix);
  }
}

async function fileCheck(file: string, read: () => Promise<string>): Promise<Check> {
  const name = basename(file);
  try {
    return { name, ok: true, detail: await read(), fix: null };
  } catch (error) {
    if (error instanceof ConnectorError) return failed(name, error.message, error.fix);
    throw error;
  }
}

function failed(name: string, detail: string, fix: string): Check {
  return { name, ok: false, detail, fix };
}
