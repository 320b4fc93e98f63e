import { Button, Link, makeStyles, Spinner, Text, tokens } from "@fluentui/react-components";
import { Link20Regular } from "@fluentui/react-icons/svg/link";
import { type ReactNode, useEffect } from "react";
import { pathOf } from "./api.ts";
import { useCommand } from "./commands.ts";
import { Copyable } from "./copy.tsx";
import { absoluteTime } from "./format.ts";
import { Failed, Time } from "./parts.tsx";
import type { AdministratorLink, Connection } from "./types.ts";

const useStyles = makeStyles({
  part: { display: "grid", gap: tokens.spacingVerticalS },
  actions: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
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
  const { onLink } = props;
  const link = useCommand<AdministratorLink>();
  const { reset } = link;
  const path = pathOf(["connections", id, "authorization"]);
  const since = agreement?.grantedAt ?? 0;
  useEffect(() => {
    // The link that brought it is used up.
    if (since > 0) reset();
  }, [since, reset]);
  const authorize = (): void =>
    link.mutate(path, {
      onSuccess: ({ url }) => {
        onLink();
        void open(url, "_blank", "noopener,noreferrer");
      },
    });
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
      <div className={styles.actions}>
        <Button
          icon={link.isPending ? <Spinner size="tiny" /> : null}
          disabledFocusable={link.isPending}
          onClick={authorize}
        >
          Authorize
        </Button>
        <Button
          appearance="subtle"
          icon={<Link20Regular />}
          disabledFocusable={link.isPending}
          onClick={() => link.mutate(path, { onSuccess: onLink })}
        >
          Make a sign-in link to send
        </Button>
      </div>
      {link.error !== null && <Failed error={link.error} />}
      {link.data !== undefined && (
        <>
          <Text>
            <Link href={link.data.url} target="_blank" rel="noreferrer">
              Sign in at Microsoft
            </Link>
            , or send this link to the administrator. It works once, until {absoluteTime(link.data.expiresAt)}.
          </Text>
          <Copyable label="Sign-in link" text={link.data.url} />
        </>
      )}
      <Text className={styles.quiet}>
        The administrator comes back to this address. It must be registered with the application, under Authentication:
        as <i>Mobile and desktop applications</i>, or as <i>Web</i> where this credential holds the application's own
        secret, too.
      </Text>
      <Copyable label="Redirect URI of the sign-in" text={signInRedirectUri} />
    </div>
  );
}
