import { makeStyles, tokens } from "@fluentui/react-components";

/** The look of a panel's lists: entries below each other with a line between them. */
export const useListStyles: () => Record<"list" | "item" | "head" | "quiet", string> = makeStyles({
  // One that takes the focus for an entry that went shows no frame of its own.
  list: { listStyle: "none", margin: 0, padding: 0, outline: "none" },
  item: {
    display: "grid",
    gap: tokens.spacingVerticalXXS,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    padding: `${tokens.spacingVerticalS} 0`,
    overflowWrap: "anywhere",
  },
  /** An entry's first line: a name, badges and buttons. */
  head: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: tokens.spacingHorizontalS },
  quiet: { color: tokens.colorNeutralForeground3 },
});
