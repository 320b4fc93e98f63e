import { Button, Card, makeStyles, Text, Title2, tokens } from "@fluentui/react-components";
import { Copy20Regular } from "@fluentui/react-icons/svg/copy";
import { type ReactNode, useState } from "react";
import { Logo } from "./logo.tsx";

const useStyles = makeStyles({
  page: {
    display: "grid",
    placeItems: "center",
    minHeight: "100vh",
    padding: tokens.spacingHorizontalL,
    boxSizing: "border-box",
  },
  card: {
    maxWidth: "34rem",
    width: "100%",
    padding: tokens.spacingHorizontalXXL,
    boxSizing: "border-box",
    gap: tokens.spacingVerticalM,
  },
  title: { margin: 0 },
  code: {
    display: "flex",
    alignItems: "center",
    justifyContent: "space-between",
    gap: tokens.spacingHorizontalM,
    padding: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalM}`,
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3,
    fontFamily: tokens.fontFamilyMonospace,
    overflowWrap: "anywhere",
  },
});

const COMMAND = "npx entrain operator link";

/** What somebody sees who is not signed in: how to get in. */
export function SignedOut(): ReactNode {
  const styles = useStyles();
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(COMMAND);
    setCopied(true);
  };
  return (
    <main className={styles.page}>
      <Card className={styles.card}>
        <Logo />
        <Title2 as="h1" className={styles.title}>
          You are signed out
        </Title2>
        <Text>
          Operators sign in with a one-time link. On the machine where Entrain runs, print one and open it in this
          browser:
        </Text>
        <div className={styles.code}>
          <code>{COMMAND}</code>
          <Button
            appearance="subtle"
            icon={<Copy20Regular />}
            onClick={() => void copy().catch(() => setCopied(false))}
          >
            {copied ? "Copied" : "Copy"}
          </Button>
        </div>
        <Text>
          For the demo add <code>--demo</code>. A link works once, for ten minutes.
        </Text>
      </Card>
    </main>
  );
}
