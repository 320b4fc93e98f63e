import { type TenantAttribute, tenantAttributes } from "../runs/attributes.ts";
import { type Invocation, type Options, requireOneOf, textOption } from "./command.ts";
import { findRow } from "./entries.ts";

/** `connection attributes`: what the tenant has to map and to filter by. */
export async function listAttributes(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const kind = textOption(options, "kind");
  if (kind !== undefined) requireOneOf(kind, "kind", ["user", "group", "contact"]);
  const search = (textOption(options, "search") ?? "").toLowerCase();
  const installation = await invocation.open();
  const row = await findRow(installation, "connections", name);
  const { attributes, issues } = await tenantAttributes(installation.engine, row, invocation.signal);
  const fitting = attributes.filter(
    (each) =>
      (kind === undefined || each.kind === kind) &&
      each.name.toLowerCase().includes(search) &&
      (options.inUse !== true || (each.inUse ?? 0) > 0),
  );
  const { output } = invocation;
  await output.value({ attributes: fitting, issues });
  if (fitting.length === 0) await output.say("No attribute fits.");
  else await output.table(["KIND", "ATTRIBUTE", "IN USE", "EXAMPLE", "FROM"], fitting.map(cellsOf));
  for (const { detail } of issues) output.remark(detail);
  return undefined;
}

function cellsOf(attribute: TenantAttribute): readonly string[] {
  const { kind, name, inUse, example, origin, declaredBy } = attribute;
  const from = declaredBy === null ? origin : `${origin} of ${declaredBy}`;
  return [kind, name, inUse === null ? "not read" : String(inUse), example ?? "", origin === "service" ? "" : from];
}
