import { Badge, Button, Link, makeStyles, Spinner, Text, tokens } from "@fluentui/react-components";
import { ShieldCheckmark20Regular } from "@fluentui/react-icons/svg/shield-checkmark";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { get, pathOf } from "./api.ts";
import { Checks } from "./checks.tsx";
import { useCommand } from "./commands.ts";
import { Agreement } from "./connection-agreement.tsx";
import { Consent } from "./connection-consent.tsx";
import { Permissions } from "./connection-permissions.tsx";
import { cloudName } from "./connections.tsx";
import { Credentials } from "./credentials.tsx";
import { REFRESH } from "./hooks.ts";
import { Panel } from "./panel.tsx";
import { Fact, Failed, Name, Part, Waiting } from "./parts.tsx";
import { hrefOf } from "./place.ts";
import type { Connection, Inspection } from "./types.ts";
import { useVerify } from "./verify.ts";
import { Warnings } from "./warnings.tsx";

const useStyles = makeStyles({
  badges: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
  facts: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(220px, 1fr))",
    gap: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalL}`,
  },
  id: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: "anywhere" },
  actions: { display: "flex", alignItems: "center", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
  quiet: { color: tokens.colorNeutralForeground2 },
});

/** While an administrator may come back any moment. */
const SOON = { refetchInterval: 3_000 } as const;

/** Everything about one connection: its checks, its consent, its permissions and its credentials. */
export function ConnectionPanel({ id, onClose }: { readonly id: string; readonly onClose: () => void }): ReactNode {
  const [linked, setLinked] = useState(false);
  const found = useQuery({
    queryKey: ["connection", id],
    queryFn: ({ signal }) => get<Connection>(pathOf(["connections", id]), signal),
    refetchInterval: ({ state }) =>
      linked || (state.data?.consent.waitingUntil ?? null) !== null ? SOON.refetchInterval : REFRESH.refetchInterval,
  });
  return (
    <Panel title={<Name>{found.data?.name ?? "Connection"}</Name>} onClose={onClose}>
      {found.isPending && <Waiting lines={8} size={24} />}
      {found.error !== null && <Failed error={found.error} retry={found.refetch} />}
      {found.data !== undefined && <Details connection={found.data} onLink={() => setLinked(true)} />}
    </Panel>
  );
}

function Details(props: { readonly connection: Connection; readonly onLink: () => void }): ReactNode {
  const styles = useStyles();
  const { connection, onLink } = props;
  const { id, cloud, tenant, client, labels, features, warnings, credentials } = connection;
  const inspection = useCommand<Inspection>();
  const { mutate } = inspection;
  const inspect = (): void => mutate(pathOf(["connections", id, "inspect"]));
  useEffect(() => mutate(pathOf(["connections", id, "inspect"])), [mutate, id]);
  const verify = useVerify(id, inspect);
  return (
    <>
      {labels.length > 0 && (
        <div className={styles.badges}>
          {labels.map((label) => (
            <Badge key={label} appearance="outline" color="informative">
              {label}
            </Badge>
          ))}
        </div>
      )}
      <Warnings warnings={warnings} />
      <div className={styles.facts}>
        <Fact label="Directory (tenant) ID">
          <span className={styles.id}>{tenant}</span>
        </Fact>
        <Fact label="Application (client) ID">
          <span className={styles.id}>{client}</span>
        </Fact>
        <Fact label="Cloud">{cloudName(cloud)}</Fact>
        <Fact label="Used for">{features.join(", ")}</Fact>
      </div>
      <Part title="Checks">
        <div className={styles.actions}>
          <Button
            icon={verify.busy ? <Spinner size="tiny" /> : <ShieldCheckmark20Regular />}
            disabledFocusable={verify.busy || verify.waiting}
            onClick={verify.once}
          >
            Verify
          </Button>
          {verify.found?.mayMend === true && !verify.waiting && (
            <Button disabledFocusable={verify.busy} onClick={verify.untilWell}>
              Verify until it works
            </Button>
          )}
          {verify.waiting && (
            <>
              <Text role="status">Verifying until it works; a new consent takes minutes to spread.</Text>
              <Button appearance="subtle" onClick={verify.stop}>
                Stop
              </Button>
            </>
          )}
          <Link href={hrefOf({ panel: "setup", id })}>How to set it up</Link>
        </div>
        {verify.error !== null && <Failed error={verify.error} />}
        {verify.found !== null && <Checks checks={verify.found.checks} onHide={verify.hide} />}
        {verify.found === null && verify.error === null && (
          <Text className={styles.quiet}>
            Verifying signs in, and tries every permission that reading needs. It writes nothing anywhere.
          </Text>
        )}
      </Part>
      {credentials.some(({ kind }) => kind === "delegated") && (
        <Part title="An administrator's sign-in">
          <Agreement connection={connection} onLink={onLink} />
        </Part>
      )}
      <Part title="Admin consent">
        <Consent connection={connection} onGranted={verify.untilWell} />
      </Part>
      <Part title="Permissions">
        <Permissions
          connection={id}
          inspection={inspection.data ?? null}
          error={inspection.error}
          busy={inspection.isPending}
          onLook={inspect}
        />
      </Part>
      <Part title="Credentials">
        <Credentials credentials={credentials} />
      </Part>
    </>
  );
}
