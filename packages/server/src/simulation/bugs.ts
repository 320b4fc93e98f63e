/** One place of the engine's source that a bug changes. */
interface Change {
  /** Within `packages/server/src`. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

interface Bug {
  /** The invariants that it breaks. */
  readonly invariants: readonly number[];
  readonly changes: readonly Change[];
}

/**
 * Bugs that are planted on purpose, in a copy of the engine: the simulation must find each. They are those that a sync engine
 * is most easily written with.
 */
export const BUGS: { readonly [name: string]: Bug } = {
  /** A round that was cut short counts as whole, and who is absent from it as gone. */
  "removal-on-incomplete-read": {
    invariants: [1],
    changes: [
      {
        file: "runs/read.ts",
        find: 'if (page.round !== "full" || !page.complete) return null;',
        replace: "return null;",
      },
      {
        file: "runs/read.ts",
        find: "const presence = await source.presence(kind, ids, signal);",
        replace: 'const presence: ReadonlyMap<string, Presence> = new Map(ids.map((id) => [id, "hard" as const]));',
      },
    ],
  },
  /** The target is called first, and what was asked of it is written down behind it. */
  "intent-after-call": {
    invariants: [5],
    changes: [
      {
        file: "runs/apply.ts",
        find: `    await journalIntents(context, tx, sendable);
    await openIntents(
      context,
      tx,
      sendable.map(({ row }) => row),
    );
`,
        replace: "",
      },
      {
        file: "runs/apply.ts",
        find: "const answered = await sent(context, sendable, claims);",
        replace: `const answered = await sent(context, sendable, claims);
  await store.fenced(lease, async (tx) => {
    await journalIntents(context, tx, sendable);
    await openIntents(context, tx, sendable.map(({ row }) => row));
  });`,
      },
    ],
  },
  /** What a target refused is forgotten instead of tried again. */
  "lost-retry": {
    invariants: [1],
    changes: [
      {
        file: "store/pending.ts",
        find: "const values = new Map(rows.map((row) =>",
        replace: 'const values = new Map(rows.filter(({ reason }) => reason !== "failed").map((row) =>',
      },
    ],
  },
  /** The removal guard looks at one run, and not at what earlier runs removed. */
  "guard-per-run-only": {
    invariants: [3],
    changes: [
      {
        file: "runs/guard.ts",
        find: "return Number(row.amount ?? 0) + (await stillToRemove(context, counter));",
        replace: "return Number(row.amount ?? 0) * 0 + (await stillToRemove(context, counter));",
      },
    ],
  },
  /** A creation that nobody heard of is sent again without looking whether it took effect. */
  "create-without-look-up": {
    invariants: [1, 4, 8],
    changes: [
      {
        file: "runs/intents.ts",
        find: 'if (row.action === "create") return await lookUpCreate(context, change, intentAt, seen);',
        replace: 'if (row.action === "create") return null;',
      },
    ],
  },
  /** Undoing knows what a run changed, and not what stood there before. */
  "undo-without-before-image": {
    invariants: [8],
    changes: [
      { file: "runs/undo/deeds.ts", find: "before: parsed(before), after:", replace: "before: parsed(after), after:" },
    ],
  },
};
