import type { SourceKind } from "@entrain/core";
import type { Transaction } from "kysely";
import { appendJournal } from "../store/journal.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

interface GivenUp {
  readonly connection: string;
  readonly kind: SourceKind;
  readonly run: string | null;
  readonly why: { readonly code: string; readonly detail: string };
}

/** Journals that everything was to be read again and that this failed. The sync goes on with what changed. */
export async function giveUpRound(tx: Transaction<DB>, store: Store, { kind, run, why }: GivenUp): Promise<void> {
  const what = kind === "user" ? "people" : `${kind}s`;
  const detail = `All ${what} were to be read again, which failed; what changed is read without it, and it is tried again later. ${why.detail}`;
  const actor = { kind: "system", id: "reconciliation" };
  const entry = { type: "reconciliation_failed", actor, run, kind, code: why.code, detail };
  await appendJournal(tx, store, "system", [entry]);
}
