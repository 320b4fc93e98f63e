import { Button, Link, makeStyles, Spinner, Text, tokens } from "@fluentui/react-components";
import { Link20Regular } from "@fluentui/react-icons/svg/link";
import { type ReactNode, useEffect, useRef } from "react";
import { useCommand } from "./commands.ts";
import { Copyable } from "./copy.tsx";
import { absoluteTime } from "./format.ts";
import { Failed } from "./parts.tsx";
import type { AdministratorLink } from "./types.ts";

const useStyles = makeStyles({
  part: { display: "grid", gap: tokens.spacingVerticalS },
  actions: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
});

interface Offer {
  /** Where a link is made. */
  readonly path: string;
  /** What whoever may do it themselves presses. */
  readonly act: string;
  /** What makes a link for somebody else. */
  readonly send: string;
  /** What the link leads to. */
  readonly open: string;
  /** Who may use it. */
  readonly who: string;
  /** What the link is called beside its copy button. */
  readonly label: string;
  /** When an administrator last came back; the link that brought them is used up. Milliseconds UTC, 0 for never. */
  readonly answeredAt: number;
  /** Shown while no link was made on this page. */
  readonly idle?: ReactNode;
  readonly onLink?: () => void;
}

/** Something that an administrator does at Microsoft: by oneself, or by a link to send. */
export function AdministratorLinkOffer(offer: Offer): ReactNode {
  const styles = useStyles();
  const { path, answeredAt, idle, onLink } = offer;
  const link = useCommand<AdministratorLink>();
  const { reset } = link;
  const known = useRef(answeredAt);
  useEffect(() => {
    if (answeredAt === known.current) return;
    known.current = answeredAt;
    reset();
  }, [answeredAt, reset]);
  const make = (after: (url: string) => void): void =>
    link.mutate(path, {
      onSuccess: ({ url }) => {
        onLink?.();
        after(url);
      },
    });
  return (
    <div className={styles.part}>
      <div className={styles.actions}>
        <Button
          icon={link.isPending ? <Spinner size="tiny" /> : null}
          disabledFocusable={link.isPending}
          // Microsoft's page opens by itself where the browser lets it; the link stands below in any case.
          onClick={() => make((url) => void open(url, "_blank", "noopener,noreferrer"))}
        >
          {offer.act}
        </Button>
        <Button
          appearance="subtle"
          icon={<Link20Regular />}
          disabledFocusable={link.isPending}
          onClick={() => make(() => undefined)}
        >
          {offer.send}
        </Button>
      </div>
      {link.error !== null && <Failed error={link.error} />}
      {link.data === undefined ? (
        idle
      ) : (
        <>
          <Text role="status">
            <Link href={link.data.url} target="_blank" rel="noreferrer">
              {offer.open}
            </Link>
            , or send this link to {offer.who}. It works once, until {absoluteTime(link.data.expiresAt)}.
          </Text>
          <Copyable label={offer.label} text={link.data.url} />
        </>
      )}
    </div>
  );
}
