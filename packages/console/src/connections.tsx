import type { Check } from "@entrain/core";
import {
  Badge,
  Button,
  Card,
  Link,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  Spinner,
  Text,
  tokens,
} from "@fluentui/react-components";
import { CheckmarkCircle20Filled } from "@fluentui/react-icons/svg/checkmark-circle";
import { ErrorCircle20Filled } from "@fluentui/react-icons/svg/error-circle";
import { Link20Regular } from "@fluentui/react-icons/svg/link";
import { ShieldCheckmark20Regular } from "@fluentui/react-icons/svg/shield-checkmark";
import type { ReactNode } from "react";
import { pathOf } from "./api.ts";
import { useCommand } from "./commands.ts";
import { Copyable } from "./copy.tsx";
import { number } from "./format.ts";
import { itemsOf, REFRESH, usePages } from "./hooks.ts";
import { Empty, Fact, Failed, More, Name, Section, Time, Waiting } from "./parts.tsx";
import type { Connection, ConsentLink, Verification } from "./types.ts";

const useStyles = makeStyles({
  list: { display: "grid", gap: tokens.spacingVerticalM, marginTop: tokens.spacingVerticalM },
  card: { gap: tokens.spacingVerticalL, minHeight: "168px" },
  head: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalM, flexWrap: "wrap" },
  title: { margin: 0, fontSize: tokens.fontSizeBase400, fontWeight: tokens.fontWeightSemibold },
  space: { flexGrow: 1 },
  facts: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(120px, 1fr))",
    gap: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalL}`,
  },
  tenant: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: "anywhere" },
  wide: { gridColumn: "span 2", "@media (max-width: 420px)": { gridColumn: "span 1" } },
  checks: { listStyle: "none", margin: 0, padding: 0, display: "grid", gap: tokens.spacingVerticalS },
  check: { display: "grid", gridTemplateColumns: "20px minmax(0, 1fr)", gap: tokens.spacingHorizontalS },
  good: { color: tokens.colorPaletteGreenForeground1 },
  bad: { color: tokens.colorPaletteRedForeground1 },
  quiet: { color: tokens.colorNeutralForeground2 },
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
    <Section id="connections" title={connections.length > 1 ? "Connections" : "Connection"}>
      <div className={styles.list}>
        {pages.isPending && <Waiting lines={3} size={48} />}
        {pages.error !== null && <Failed error={pages.error} retry={pages.refetch} />}
        {pages.data !== undefined && connections.length === 0 && (
          <Empty>
            No tenant is connected yet. <code>npx entrain connection add</code> connects one.
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
  const verify = useCommand<Verification>();
  const consent = useCommand<ConsentLink>();
  const { name, cloud, tenant, labels, people, groups, reads, warnings } = connection;
  const readAt = Math.max(0, ...reads.map((read) => read.readAt ?? 0));
  const incomplete = reads.find((read) => read.incomplete !== null)?.incomplete ?? null;
  return (
    <Card className={styles.card} role="group" aria-label={`Connection ${name}`}>
      <div className={styles.head}>
        <h3 className={styles.title}>
          <Name>{name}</Name>
        </h3>
        {labels.map((label) => (
          <Badge key={label} appearance="outline" color="informative">
            {label}
          </Badge>
        ))}
        <span className={styles.space} />
        <Button
          appearance="subtle"
          icon={consent.isPending ? <Spinner size="tiny" /> : <Link20Regular />}
          disabledFocusable={consent.isPending}
          onClick={() => consent.mutate(pathOf(["connections", connection.id, "consent"]))}
        >
          Admin consent
        </Button>
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
        <Fact label="Cloud">{cloud.kind === "custom" ? hostOf(cloud.graph) : cloud.kind}</Fact>
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
      {warnings.map(({ detail, fix, endsAt }) => (
        <MessageBar key={endsAt} intent="warning" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{detail}</MessageBarTitle> {fix}
          </MessageBarBody>
        </MessageBar>
      ))}
      {consent.error !== null && <Failed error={consent.error} />}
      {consent.data !== undefined && <Consent link={consent.data} onHide={consent.reset} />}
      {verify.error !== null && <Failed error={verify.error} />}
      {verify.data !== undefined && <Checks checks={verify.data.checks} onHide={verify.reset} />}
    </Card>
  );
}

/** Microsoft's page opens by itself only for whoever may consent; to everybody else the link is sent. */
function Consent({ link, onHide }: { readonly link: ConsentLink; readonly onHide: () => void }): ReactNode {
  const styles = useStyles();
  return (
    <div className={styles.checks}>
      <div className={styles.head} role="status">
        <Text>
          <Link href={link.url} target="_blank" rel="noreferrer">
            Open Microsoft's consent page
          </Link>
          , or send the link to a Privileged Role Administrator. It works once and for seven days; then verify.
        </Text>
        <span className={styles.space} />
        <Button appearance="subtle" size="small" onClick={onHide}>
          Hide
        </Button>
      </div>
      <Copyable label="Consent link" text={link.url} />
      <Text className={styles.quiet}>This redirect URI must be registered with the application, under Web:</Text>
      <Copyable label="Redirect URI" text={link.redirectUri} />
    </div>
  );
}

function Checks(props: { readonly checks: readonly Check[]; readonly onHide: () => void }): ReactNode {
  const styles = useStyles();
  const { checks, onHide } = props;
  const passed = checks.filter(({ ok }) => ok).length;
  return (
    <div>
      <div className={styles.head} role="status">
        <Text weight="semibold">{`${number(passed)} of ${number(checks.length)} checks passed`}</Text>
        <span className={styles.space} />
        <Button appearance="subtle" size="small" onClick={onHide}>
          Hide
        </Button>
      </div>
      <ul className={styles.checks} aria-label="Checks">
        {checks.map(({ name, ok, detail, fix }) => (
          <li key={name} className={styles.check}>
            {ok ? (
              <CheckmarkCircle20Filled className={styles.good} aria-label="Passed" />
            ) : (
              <ErrorCircle20Filled className={styles.bad} aria-label="Failed" />
            )}
            <div>
              <Text weight="semibold">{name}</Text> <Text className={styles.quiet}>{detail}</Text>
              {fix !== null && <Text block>{fix}</Text>}
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}

function hostOf(address: string | undefined): string {
  return (address === undefined ? null : URL.parse(address)?.host) ?? "custom";
}
