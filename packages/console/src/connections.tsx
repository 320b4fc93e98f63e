import { Badge, Button, Card, Link, makeStyles, Spinner, Text, tokens } from "@fluentui/react-components";
import { ShieldCheckmark20Regular } from "@fluentui/react-icons/svg/shield-checkmark";
import type { ReactNode } from "react";
import { pathOf } from "./api.ts";
import { Checks } from "./checks.tsx";
import { useCommand } from "./commands.ts";
import { number } from "./format.ts";
import { itemsOf, REFRESH, usePages } from "./hooks.ts";
import { Empty, Fact, Failed, More, Name, Section, Time, Waiting } from "./parts.tsx";
import { hrefOf, NEW } from "./place.ts";
import type { Connection, ConnectionVerification } from "./types.ts";
import { Warnings } from "./warnings.tsx";

const useStyles = makeStyles({
  list: { display: "grid", gap: tokens.spacingVerticalM, marginTop: tokens.spacingVerticalM },
  card: { gap: tokens.spacingVerticalL, minHeight: "168px" },
  head: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalM, flexWrap: "wrap" },
  title: { margin: 0, fontSize: tokens.fontSizeBase400, fontWeight: tokens.fontWeightSemibold },
  name: { font: "inherit" },
  space: { flexGrow: 1 },
  facts: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(120px, 1fr))",
    gap: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalL}`,
  },
  tenant: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: "anywhere" },
  wide: { gridColumn: "span 2", "@media (max-width: 420px)": { gridColumn: "span 1" } },
  bad: { color: tokens.colorPaletteRedForeground1 },
});

/** The Entra tenants that are read, how well that goes, and their checks. */
export function Connections(): ReactNode {
  const styles = useStyles();
  const pages = usePages<Connection>(
    ["connections"],
    (after) => pathOf(["connections"], { after, limit: 10 }),
    REFRESH,
  );
  const connections = itemsOf(pages.data);
  return (
    <Section
      id="connections"
      title={connections.length > 1 ? "Connections" : "Connection"}
      note={<Link href={hrefOf({ panel: "setup", id: NEW })}>Connect a tenant</Link>}
    >
      <div className={styles.list}>
        {pages.isPending && <Waiting lines={3} size={48} />}
        {pages.error !== null && <Failed error={pages.error} retry={pages.refetch} />}
        {pages.data !== undefined && connections.length === 0 && (
          <Empty>
            No tenant is connected yet. <Link href={hrefOf({ panel: "setup", id: NEW })}>Set one up</Link>, or add one
            that is registered already: <code>npx entrain connection add</code>
          </Empty>
        )}
        {connections.map((connection) => (
          <ConnectionCard key={connection.id} connection={connection} />
        ))}
      </div>
      {pages.hasNextPage && <More busy={pages.isFetchingNextPage} onMore={pages.fetchNextPage} />}
    </Section>
  );
}

function ConnectionCard({ connection }: { readonly connection: Connection }): ReactNode {
  const styles = useStyles();
  const verify = useCommand<ConnectionVerification>();
  const { name, cloud, tenant, labels, people, groups, reads, warnings } = connection;
  const readAt = Math.max(0, ...reads.map((read) => read.readAt ?? 0));
  const incomplete = reads.find((read) => read.incomplete !== null)?.incomplete ?? null;
  return (
    <Card className={styles.card} role="group" aria-label={`Connection ${name}`}>
      <div className={styles.head}>
        <h3 className={styles.title}>
          <Link className={styles.name} href={hrefOf({ panel: "connection", id: connection.id })}>
            <Name>{name}</Name>
          </Link>
        </h3>
        {labels.map((label) => (
          <Badge key={label} appearance="outline" color="informative">
            {label}
          </Badge>
        ))}
        <span className={styles.space} />
        <Button
          icon={verify.isPending ? <Spinner size="tiny" /> : <ShieldCheckmark20Regular />}
          disabledFocusable={verify.isPending}
          onClick={() => verify.mutate(pathOf(["connections", connection.id, "verify"]))}
        >
          Verify
        </Button>
      </div>
      <div className={styles.facts}>
        <Fact label="People">{number(people)}</Fact>
        <Fact label="Groups">{number(groups)}</Fact>
        <Fact label="Last read">{readAt === 0 ? "Not read yet" : <Time at={readAt} />}</Fact>
        <Fact label="Cloud">{cloudName(cloud)}</Fact>
        <div className={styles.wide}>
          <Fact label="Tenant">
            <span className={styles.tenant}>{tenant}</span>
          </Fact>
        </div>
      </div>
      {incomplete !== null && (
        <Text className={styles.bad}>
          The last read is incomplete: {incomplete.detail} Nothing is removed until it is whole.
        </Text>
      )}
      <Warnings warnings={warnings} />
      {verify.error !== null && <Failed error={verify.error} />}
      {verify.data !== undefined && <Checks checks={verify.data.checks} onHide={verify.reset} />}
    </Card>
  );
}

/** Where a connection's tenant is: one of Microsoft's clouds, or the host that stands in for it. */
export function cloudName({ kind, graph }: Connection["cloud"]): string {
  return kind === "custom" ? hostOf(graph) : kind;
}

function hostOf(address: string | undefined): string {
  return (address === undefined ? null : URL.parse(address)?.host) ?? "custom";
}
