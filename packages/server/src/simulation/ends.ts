import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createCsvTarget } from "@entrain/connectors/csv";
import { createScimTarget } from "@entrain/connectors/scim";
import { membersOf, type ScimServer, type StoredResource, startScimServer } from "@entrain/connectors/scim/testing";
import type { Mapping, Target } from "@entrain/core";
import type { Clock } from "../clock.ts";
import { createPortalTarget } from "../portal/target.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedTime } from "./clock.ts";
import { type Content, contentOf, type End, type Held, text, type Words } from "./content.ts";
import { openFreshchat } from "./freshchat.ts";
import { bendScim } from "./weather.ts";

const SCIM_TOKEN = "scim-only-for-the-simulation";
const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PLAIN = { key: "externalId", name: "displayName", manager: "manager" } as const;
const WHOLE = { matching: ["key", "login"], disables: true, teams: true } as const;
const WORDS: { readonly [type in Exclude<End["type"], "freshchat">]: Words } = {
  portal: { ...WHOLE, person: "requester", names: { ...PLAIN, login: "userName", title: "jobTitle" } },
  scim: {
    ...WHOLE,
    person: "user",
    names: { ...PLAIN, login: "userName", title: "title", manager: `${ENTERPRISE}:manager` },
  },
  csv: { ...WHOLE, person: "user", names: { ...PLAIN, login: "userPrincipalName", title: "jobTitle" } },
};

/** The mapping of people: the few attributes that the schedules change. */
export function mappingOf({ names }: Words): Mapping {
  const manager: Mapping = names.manager === null ? {} : { [names.manager]: { direct: "manager", whenEmpty: "clear" } };
  return {
    ...manager,
    [names.key]: { direct: "id" },
    [names.login]: { direct: "userPrincipalName" },
    [names.name]: { direct: "displayName" },
    [names.title]: { direct: "jobTitle", whenEmpty: "clear" },
  };
}

export async function openEnd(
  type: End["type"],
  of: { readonly folder: string; readonly time: SimulatedTime; readonly clock: Clock; readonly chance: Chance },
): Promise<End> {
  const { folder, time, clock } = of;
  if (type === "freshchat") return openFreshchat(of);
  const words = WORDS[type];
  const told = `${type} with ${words.person}s`;
  const still = { told, secret: null, bend: () => null, heal: () => undefined };
  if (type === "portal") return { type, words, ...still, ...portal(folder) };
  if (type === "csv") {
    const path = join(folder, "csv");
    mkdirSync(path);
    const open = (): Target => createCsvTarget({ path, clock });
    return { type, words, ...still, open, content: () => csvContent(path), close: async () => undefined };
  }
  let fault: ReturnType<typeof bendScim>["fault"] | null = null;
  const scim = await startScimServer({
    token: SCIM_TOKEN,
    now: time.world,
    fault: (request) => fault?.(request) ?? null,
  });
  const open = (): Target =>
    createScimTarget({ baseUrl: scim.baseUrl, token: () => SCIM_TOKEN, clock, groupSettleMs: 2_000 });
  return {
    ...{ type, words, open, told, secret: SCIM_TOKEN },
    content: () => scimContent(scim),
    bend: (chance) => {
      const bent = bendScim(chance);
      fault = bent.fault;
      return bent.told;
    },
    heal: () => {
      fault = null;
    },
    close: () => scim.close(),
  };
}

function portal(folder: string): Pick<End, "open" | "content" | "close"> {
  let database: DatabaseSync | null = null;
  return {
    open: (store) => createPortalTarget(store, "t_portal"),
    content: () => {
      database ??= new DatabaseSync(join(folder, "entrain.sqlite"), { readOnly: true });
      return portalContent(database);
    },
    close: async () => database?.close(),
  };
}

function portalContent(database: DatabaseSync): Content {
  const members = database.prepare("select group_id, member_id from portal_members order by member_id").all();
  const byGroup = Map.groupBy(members, (row) => String(row.group_id));
  const held: Held[] = [];
  for (const kind of ["person", "team"] as const) {
    const columns = kind === "person" ? "manager, active" : "null as manager, 1 as active";
    const table = kind === "person" ? "portal_requesters" : "portal_groups";
    for (const row of database.prepare(`select id, attributes, ${columns} from ${table}`).all()) {
      const own = JSON.parse(String(row.attributes)) as { readonly [name: string]: unknown };
      held.push({
        kind,
        id: String(row.id),
        values: {
          key: text(own.externalId),
          login: text(own.userName),
          name: text(own.displayName),
          title: text(own.jobTitle),
          manager: text(row.manager),
        },
        active: row.active === 1,
        members: (byGroup.get(String(row.id)) ?? []).map((member) => String(member.member_id)),
      });
    }
  }
  return contentOf(held);
}

function scimContent({ store }: ScimServer): Content {
  const one =
    (kind: Held["kind"]) =>
    (resource: StoredResource): Held => {
      const manager = (resource[ENTERPRISE] as { readonly manager?: { readonly value?: string } } | undefined)?.manager;
      return {
        kind,
        id: resource.id,
        values: {
          key: text(resource.externalId),
          login: text(resource.userName),
          name: text(resource.displayName),
          title: text(resource.title),
          manager: text(manager?.value),
        },
        active: kind === "team" || resource.active !== false,
        members: membersOf(resource)
          .map(({ value }) => value)
          .sort(),
      };
    };
  return contentOf([...[...store.users.values()].map(one("person")), ...[...store.groups.values()].map(one("team"))]);
}

/** The names and values of this simulation hold no quotes and no line breaks; a cell may stand in quotes all the same. */
function csvRows(path: string): readonly { readonly [name: string]: string }[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8")
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => line !== "");
  const [head = [], ...rows] = lines.map((line) =>
    [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell = ""]) => cell.replace(/^"(.*)"$/, "$1")),
  );
  return rows.map((cells) => Object.fromEntries(head.map((name, at) => [name, cells[at] ?? ""])));
}

function csvContent(folder: string): Content {
  const byGroup = Map.groupBy(csvRows(join(folder, "group-members.csv")), (row) => row.group ?? "");
  const one =
    (kind: Held["kind"]) =>
    (row: { readonly [name: string]: string }): Held => ({
      kind,
      id: row.id ?? "",
      values: {
        key: text(row.externalId),
        login: text(row.userPrincipalName),
        name: text(row.displayName),
        title: text(row.jobTitle),
        manager: text(row.manager),
      },
      active: row.active !== "false",
      members: (byGroup.get(row.id ?? "") ?? []).map(({ member = "" }) => member).sort(),
    });
  return contentOf([
    ...csvRows(join(folder, "user.csv")).map(one("person")),
    ...csvRows(join(folder, "group.csv")).map(one("team")),
  ]);
}
