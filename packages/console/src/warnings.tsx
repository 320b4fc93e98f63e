import { MessageBar, MessageBarBody, MessageBarTitle, makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { Connection } from "./types.ts";

// In a box of their own, for in a panel's grid the bars would shrink to a line.
const useStyles = makeStyles({ warnings: { display: "grid", gap: tokens.spacingVerticalS } });

/** Within these days a credential that ends is an error, not a warning. */
const URGENT_DAYS = 7;

/** A connection's credentials that end soon, each with what to do. */
export function Warnings({ warnings }: Pick<Connection, "warnings">): ReactNode {
  const styles = useStyles();
  if (warnings.length === 0) return null;
  return (
    <div className={styles.warnings}>
      {warnings.map(({ detail, fix, endsAt, days }) => (
        <MessageBar key={`${endsAt} ${detail}`} intent={days < URGENT_DAYS ? "error" : "warning"} layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{detail}</MessageBarTitle> {fix}
          </MessageBarBody>
        </MessageBar>
      ))}
    </div>
  );
}
