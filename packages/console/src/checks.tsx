import type { Check } from "@entrain/core";
import { Button, makeStyles, Text, tokens } from "@fluentui/react-components";
import { CheckmarkCircle20Filled } from "@fluentui/react-icons/svg/checkmark-circle";
import { ErrorCircle20Filled } from "@fluentui/react-icons/svg/error-circle";
import type { ReactNode } from "react";
import { number } from "./format.ts";

const useStyles = makeStyles({
  head: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalM, flexWrap: "wrap" },
  space: { flexGrow: 1 },
  checks: { listStyle: "none", margin: 0, padding: 0, display: "grid", gap: tokens.spacingVerticalS },
  check: { display: "grid", gridTemplateColumns: "20px minmax(0, 1fr)", gap: tokens.spacingHorizontalS },
  good: { color: tokens.colorPaletteGreenForeground1 },
  bad: { color: tokens.colorPaletteRedForeground1 },
  quiet: { color: tokens.colorNeutralForeground2, overflowWrap: "anywhere" },
});

/** Named checks: what was found and, of each that failed, how to mend it. */
export function Checks(props: { readonly checks: readonly Check[]; readonly onHide: () => void }): ReactNode {
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
