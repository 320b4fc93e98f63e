import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

const useStyles = makeStyles({
  logo: {
    display: "inline-flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
    fontSize: tokens.fontSizeBase400,
    fontWeight: tokens.fontWeightSemibold,
  },
  mark: { flexShrink: 0 },
});

/** Two rhythms in step, and the product's name. */
export function Logo(): ReactNode {
  const styles = useStyles();
  return (
    <span className={styles.logo}>
      <svg className={styles.mark} width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill={tokens.colorBrandBackground} />
        <path
          d="M7 12c3-5 6-5 9 0s6 5 9 0M7 21c3-5 6-5 9 0s6 5 9 0"
          fill="none"
          stroke="#fff"
          strokeWidth="3"
          strokeLinecap="round"
        />
      </svg>
      Entrain
    </span>
  );
}
