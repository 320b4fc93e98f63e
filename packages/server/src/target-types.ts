import { type CsvTargetOptions, createCsvTarget } from "@entrain/connectors/csv";
import { createFreshchatTarget, type FreshchatTargetOptions } from "@entrain/connectors/freshchat";
import { createScimTarget, type ScimTargetOptions } from "@entrain/connectors/scim";
import { type Attributes, ConnectorError, type Target, type WaitListener } from "@entrain/core";
import type { Clock } from "./clock.ts";
import type { TargetType } from "./config/target-types.ts";
import { GROUP, LOOKUP_CHOICES, type PortalSettings, requesterKind } from "./portal/kinds.ts";
import { createPortalTarget } from "./portal/target.ts";
import type { Store } from "./store/store.ts";

/** What a target is opened with. `secret` reads a field of its credential anew at each call. */
export interface OpenTarget {
  readonly store: Store;
  readonly clock: Clock;
  readonly id: string;
  readonly settings: Attributes;
  readonly secret: (field: string) => string;
  readonly onWait: WaitListener;
}

/** A target type that can also be opened. */
export interface OpenableType extends TargetType {
  readonly open: (options: OpenTarget) => Target;
}

const PORTAL: OpenableType = {
  name: "portal",
  title: "Entrain's own portal directory",
  settings: ["departments", "locations"].map((name) => ({
    name,
    type: "text",
    required: false,
    choices: LOOKUP_CHOICES,
    description: `how ${name} are kept: as plain text (default), as records of which only known ones are written (known), or as records that are created as people need them (create)`,
  })),
  credential: [],
  addresses: () => [],
  kinds: (settings) => [requesterKind(settings as PortalSettings), GROUP],
  open: ({ store, id, settings }) => createPortalTarget(store, id, settings as PortalSettings),
};

const SCIM: OpenableType = {
  name: "scim",
  title: "Any SCIM 2.0 server",
  settings: [
    {
      name: "baseUrl",
      type: "url",
      required: true,
      description: "the address in front of /Users, such as https://example.com/scim/v2",
    },
    { name: "ca", type: "text", required: false, description: "PEM of the certificate authority to trust" },
    { name: "concurrency", type: "integer", required: false, description: "the most requests at a time, default 4" },
    {
      name: "allowHttp",
      type: "boolean",
      required: false,
      description: "allow plain http beyond this machine, where the network itself is trusted",
    },
    {
      name: "allowPrivate",
      type: "boolean",
      required: false,
      description: "allow a name that leads to a private network or to this machine",
    },
    {
      name: "dialect",
      type: "text",
      required: false,
      choices: ["rfc", "entra"],
      description:
        "how writes are worded: as RFC 7644 has it (default), or as Entra's own client does, for servers made for that client alone",
    },
    {
      name: "schema",
      type: "text",
      required: false,
      choices: ["follow", "strict", "ignore"],
      description:
        "what the server's /Schemas counts for: its limits hold (follow, the default), its canonical values are the only ones, too (strict), or it is not asked (ignore)",
    },
    {
      name: "groupSettleMs",
      type: "integer",
      required: false,
      description: "milliseconds in which a group may still appear whose creation nobody heard of, default 10000",
    },
  ],
  credential: [{ name: "token", required: true, description: "the bearer token" }],
  addresses: ({ baseUrl }) => (typeof baseUrl === "string" ? [baseUrl] : []),
  kinds: (settings) => kindsOf(createScimTarget({ ...scimSettings(settings), clock: NO_CLOCK, token: () => "" })),
  open: ({ settings, clock, secret, onWait }) =>
    createScimTarget({ ...scimSettings(settings), clock, token: () => secret("token"), onWait }),
};

const CSV: OpenableType = {
  name: "csv",
  title: "CSV files in a folder",
  settings: [
    { name: "path", type: "path", required: true, description: "the folder of the files, which must exist" },
    {
      name: "delimiter",
      type: "text",
      required: false,
      choices: [",", ";", "\t", "|"],
      description: "what stands between two values, default a comma",
    },
    {
      name: "columns",
      type: "columns",
      required: false,
      description:
        "columns beside the standard ones, by kind: { user: [costCenter] }; and what any column may hold: { user: [{ name: department, maxLength: 40, choices: [Sales, Legal], required: true, unique: false }] }",
    },
  ],
  credential: [],
  addresses: () => [],
  kinds: (settings) => kindsOf(createCsvTarget({ ...csvSettings(settings), clock: NO_CLOCK })),
  open: ({ settings, clock }) => createCsvTarget({ ...csvSettings(settings), clock }),
};

const FRESHCHAT: OpenableType = {
  name: "freshchat",
  title: "Agents and contacts of a Freshchat account",
  settings: [
    {
      name: "baseUrl",
      type: "url",
      required: true,
      description: "the API's address, such as https://ACCOUNT.freshchat.com/v2 or https://ACCOUNT.myfreshworks.com/v2",
    },
    {
      name: "properties",
      type: "columns",
      required: false,
      description: "custom properties of contacts that a mapping may write: { contact: [department] }",
    },
    { name: "concurrency", type: "integer", required: false, description: "the most requests at a time, default 2" },
    {
      name: "settleMs",
      type: "integer",
      required: false,
      description: "milliseconds in which a record may still appear whose creation nobody heard of, default 10000",
    },
  ],
  credential: [{ name: "token", required: true, description: "the API token of an account administrator" }],
  addresses: ({ baseUrl }) => (typeof baseUrl === "string" ? [baseUrl] : []),
  kinds: (settings) =>
    kindsOf(createFreshchatTarget({ ...freshchatSettings(settings), clock: NO_CLOCK, token: () => "" })),
  open: ({ settings, clock, secret, onWait }) =>
    createFreshchatTarget({ ...freshchatSettings(settings), clock, token: () => secret("token"), onWait }),
};

/** Every target type that can be configured, by name. */
export const TARGET_TYPES: ReadonlyMap<string, OpenableType> = new Map(
  [PORTAL, SCIM, CSV, FRESHCHAT].map((type) => [type.name, type]),
);

/** The type by its name. @throws ConnectorError `config_invalid` for one that this version does not have */
export function targetType(name: string): OpenableType {
  const type = TARGET_TYPES.get(name);
  if (type !== undefined) return type;
  const message = `There is no target type "${name}"; there are ${[...TARGET_TYPES.keys()].join(", ")}.`;
  throw new ConnectorError("config_invalid", message, { stops: "sync", retry: "never" });
}

/** A target that is made to be asked for its kinds does nothing that takes time. */
const NO_CLOCK = {
  now: () => 0,
  random: () => 0,
  bytes: (count: number) => new Uint8Array(count),
  sleep: () => Promise.resolve(),
};

function kindsOf(target: Target): Target["kinds"] {
  void target.close();
  return target.kinds;
}

/** The settings passed the reader of documents, which knows their types. */
function scimSettings(settings: Attributes): Omit<ScimTargetOptions, "clock" | "token"> {
  return settings as unknown as Omit<ScimTargetOptions, "clock" | "token">;
}

function csvSettings(settings: Attributes): Omit<CsvTargetOptions, "clock"> {
  return settings as unknown as Omit<CsvTargetOptions, "clock">;
}

function freshchatSettings(settings: Attributes): Omit<FreshchatTargetOptions, "clock" | "token"> {
  return settings as unknown as Omit<FreshchatTargetOptions, "clock" | "token">;
}
