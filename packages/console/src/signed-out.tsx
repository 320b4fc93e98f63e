import { Card, makeStyles, Text, Title2, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { Copyable } from "./copy.tsx";
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
});

/** Where a link points to that is printed without an address. */
const USUAL = "http://127.0.0.1:7420";
const COMMAND = `npx entrain operator link${location.origin === USUAL ? "" : ` --address ${location.origin}`}`;

/** What somebody sees who is not signed in: how to get in. */
export function SignedOut(): ReactNode {
  const styles = useStyles();
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
        <Copyable label="the command" text={COMMAND} />
        <Text>
          For the demo add <code>--demo</code>. A link works once, for ten minutes.
        </Text>
      </Card>
    </main>
  );
}
