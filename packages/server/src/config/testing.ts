import { ConnectorError } from "@entrain/core";
import { GROUP, REQUESTER } from "../portal/kinds.ts";
import { type Keyring, openKeyring } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import { applyConfiguration } from "./apply.ts";
import { loadConfiguration } from "./current.ts";
import type { EntryDifference } from "./difference.ts";
import type { SyncEntry } from "./document.ts";
import { readDocument } from "./read.ts";
import { renderDocument } from "./render.ts";
import type { TargetType } from "./target-types.ts";
import type { TargetTypes } from "./targets.ts";

const BASE: Omit<TargetType, "name" | "title" | "settings" | "credential"> = {
  addresses: () => [],
  kinds: () => [REQUESTER, GROUP],
};

/** Two types: one that needs nothing, and one with a setting of each form and a secret. */
export const TYPES: TargetTypes = new Map<string, TargetType>([
  ["portal", { ...BASE, name: "portal", title: "Portal", settings: [], credential: [] }],
  [
    "desk",
    {
      ...BASE,
      name: "desk",
      title: "A desk",
      settings: [
        { name: "baseUrl", type: "url", required: true, description: "its address" },
        { name: "fast", type: "boolean", required: false, description: "whether it is fast" },
        { name: "limit", type: "integer", required: false, description: "how much it takes" },
        { name: "mark", type: "text", required: false, choices: [",", ";"], description: "a mark" },
        { name: "columns", type: "columns", required: false, description: "more columns" },
      ],
      credential: [{ name: "token", required: true, description: "its token" }],
      addresses: ({ baseUrl }) => [String(baseUrl)],
    },
  ],
]);

/** A store whose configuration is changed by documents. */
export interface Installed {
  readonly store: Store;
  readonly keyring: Keyring;
  apply(
    text: string,
    options?: { readonly prune?: boolean; readonly demo?: boolean },
  ): Promise<readonly EntryDifference[]>;
  exported(): Promise<string>;
}

/** The key of every test's store; it keeps no secret. */
export const KEY: string = "00".repeat(32);

export async function install(store: Store): Promise<Installed> {
  const keyring = await openKeyring(store, { key: KEY, folder: "", environment: {} });
  const actor = { kind: "command", id: "test" };
  return {
    store,
    keyring,
    apply: async (text, { prune = false, demo = false } = {}) => {
      const current = await loadConfiguration(store);
      const document = readDocument(text, { name: "test.yaml", types: TYPES, current });
      return applyConfiguration({ store, keyring, types: TYPES, current, document, prune, demo, actor });
    },
    exported: async () => renderDocument(await loadConfiguration(store)),
  };
}

/** A whole, plain configuration. */
export const DOCUMENT = `
connections:
  contoso:
    labels: [europe]
    cloud: { kind: custom, login: "http://127.0.0.1:7421", graph: "http://127.0.0.1:7421" }
    tenant: 6f0c2f3e-1111-4222-8333-444455556666
    client: 0a5d9c11-1111-4222-8333-444455556666
    credential: { kind: secret, secret: { env: CONTOSO_SECRET } }
targets:
  desk: { type: desk, settings: { baseUrl: "http://127.0.0.1:8080/scim/v2" }, credential: { token: { env: DESK_TOKEN } } }
syncs:
  contoso-desk:
    connection: contoso
    target: desk
    records: requester
    scope:
      groups: { include: ["Everyone EMEA"], transitive: true }
      filters: [[{ attribute: department, operator: EQUALS, value: Sales }, { attribute: accountEnabled, operator: IS TRUE }]]
    deprovision: { outOfScope: disable, disabled: disable, deleted: delete }
    guard: { removals: { percent: 10, count: 500, window: 24h } }
    schedule: { every: 5m }
`;

/** The sync of {@link DOCUMENT} with these lines in place of what it says of the same keys. @throws ConnectorError for its flaws */
export function syncWith(lines: string): SyncEntry {
  const keys = [...lines.matchAll(/^ *(\w+):/gm)].map(([, key = ""]) => key);
  const free = keys.reduce((text, key) => text.replace(new RegExp(`^    ${key}: .*\\n`, "m"), ""), DOCUMENT);
  const current = { connections: new Map(), targets: new Map(), syncs: new Map(), channels: new Map() };
  const document = readDocument(`${free}    ${lines}\n`, { name: "test.yaml", types: TYPES, current });
  const sync = document.syncs?.get("contoso-desk");
  if (sync === undefined) throw new Error("the document has no sync");
  return sync;
}

/** What is wrong with such a sync, by `config_invalid`. */
export function flawWith(lines: string): string {
  try {
    syncWith(lines);
  } catch (error) {
    if (error instanceof ConnectorError && error.code === "config_invalid") return error.message;
    throw error;
  }
  return "no flaw";
}
