import { makeStyles, Text, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { AdministratorLinkOffer } from "./administrator-link.tsx";
import { pathOf } from "./api.ts";
import { Copyable } from "./copy.tsx";
import { Time } from "./parts.tsx";
import type { Connection } from "./types.ts";

const useStyles = makeStyles({
  part: { display: "grid", gap: tokens.spacingVerticalS },
  quiet: { color: tokens.colorNeutralForeground2 },
});

const STATES: { readonly [S in NonNullable<Connection["agreement"]>["state"]]: string } = {
  works: "The connection reads on behalf of",
  refused: "For now Microsoft refuses the sign-in of",
  ended: "What was agreed to has ended, by",
};

/** Letting the connection read on an administrator's behalf: by oneself, or by a link for them; and who signed in. */
export function Agreement(props: {
  readonly connection: Connection;
  /** A link was given out: whoever uses it may come back any moment. */
  readonly onLink: () => void;
}): ReactNode {
  const styles = useStyles();
  const { id, agreement, signInRedirectUri } = props.connection;
  return (
    <div className={styles.part}>
      <Text role="status">
        {agreement === null ? (
          "Nobody has signed in yet, so this connection cannot read."
        ) : (
          <>
            {STATES[agreement.state]} <bdi>{agreement.username}</bdi> (<Time at={agreement.grantedAt} />)
          </>
        )}
      </Text>
      <AdministratorLinkOffer
        path={pathOf(["connections", id, "authorization"])}
        act="Authorize"
        send="Make a sign-in link to send"
        open="Sign in at Microsoft"
        who="the administrator"
        label="Sign-in link"
        answeredAt={agreement?.grantedAt ?? 0}
        onLink={props.onLink}
      />
      <Text className={styles.quiet}>
        The administrator comes back to this address. It must be registered with the application, under Authentication:
        as <i>Mobile and desktop applications</i>, or as <i>Web</i> where this credential holds the application's own
        secret, too.
      </Text>
      <Copyable label="Redirect URI of the sign-in" text={signInRedirectUri} />
    </div>
  );
}
