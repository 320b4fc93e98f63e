import { makeStyles, Text, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { absoluteTime } from "./format.ts";
import { Fact, Time } from "./parts.tsx";
import type { Connection } from "./types.ts";

const useStyles = makeStyles({
  list: { listStyle: "none", margin: 0, padding: 0, display: "grid", gap: tokens.spacingVerticalM },
  item: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(160px, 1fr))",
    gap: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalL}`,
  },
  quiet: { color: tokens.colorNeutralForeground2 },
});

const KINDS: { readonly [kind: string]: string } = {
  secret: "Client secret",
  certificate: "Certificate",
  federated: "Federated assertion",
  "managed-identity": "Managed identity",
  "workload-identity": "Workload identity",
  delegated: "An administrator's sign-in",
  password: "User name and password",
};
const TELLERS: { readonly [teller: string]: string } = {
  certificate: "by the certificate itself",
  registration: "by the application's registration",
  configuration: "by the configuration",
};
/** These have no end of their own. */
const ENDLESS: ReadonlySet<string> = new Set(["federated", "managed-identity", "workload-identity"]);

/** The kinds of a connection's credentials and when each ends; never the credentials themselves. */
export function Credentials({ credentials }: Pick<Connection, "credentials">): ReactNode {
  const styles = useStyles();
  return (
    <>
      <ul className={styles.list} aria-label="Credentials">
        {credentials.map(({ kind, endsAt, toldBy, checkedAt }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: credentials have no name; their order is what tells them apart
          <li key={at} className={styles.item}>
            <Fact label={credentials.length > 1 ? `Credential ${at + 1}` : "Kind"}>{KINDS[kind] ?? kind}</Fact>
            <Fact label="Ends">{endOf(kind, endsAt)}</Fact>
            {endsAt !== null && toldBy !== null && <Fact label="Told">{TELLERS[toldBy] ?? toldBy}</Fact>}
            {checkedAt !== null && (
              <Fact label="Looked up">
                <Time at={checkedAt} />
              </Fact>
            )}
          </li>
        ))}
      </ul>
      <Text size={200} className={styles.quiet}>
        Warnings come 60, 30, 14, 7 and 1 days before the end. Two credentials may overlap, so that a rotation stops no
        sync.
      </Text>
    </>
  );
}

function endOf(kind: string, endsAt: number | null): ReactNode {
  if (endsAt !== null) return absoluteTime(endsAt);
  if (ENDLESS.has(kind)) return "Has no end of its own";
  if (kind === "delegated") return "With the administrator's sign-in";
  return "Not known: grant Application.Read.All, or give its day as expires";
}
