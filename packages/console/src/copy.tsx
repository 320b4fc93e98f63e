import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { Checkmark20Regular } from "@fluentui/react-icons/svg/checkmark";
import { Copy20Regular } from "@fluentui/react-icons/svg/copy";
import { type ReactNode, useEffect, useRef, useState } from "react";

const useStyles = makeStyles({
  row: {
    display: "flex",
    alignItems: "center",
    justifyContent: "space-between",
    gap: tokens.spacingHorizontalM,
    padding: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalM}`,
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3,
    minWidth: 0,
  },
  text: {
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    overflowWrap: "anywhere",
    userSelect: "all",
  },
});

const SHOWN_MS = 3000;
const SAID = { idle: "Copy", done: "Copied", failed: "Select it and copy" } as const;

/** Text to take along, in full, with a button that copies it and says whether it did. */
export function Copyable({ label, text }: { readonly label: string; readonly text: string }): ReactNode {
  const styles = useStyles();
  const [state, setState] = useState<keyof typeof SAID>("idle");
  const code = useRef<HTMLElement>(null);
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setState("done");
    } catch {
      // A page over plain HTTP may not write the clipboard; then the text stands ready to be copied by hand.
      if (code.current !== null) getSelection()?.selectAllChildren(code.current);
      setState("failed");
    }
  };
  return (
    <div className={styles.row}>
      <code ref={code} className={styles.text}>
        {text}
      </code>
      <Button
        appearance="subtle"
        size="small"
        icon={state === "done" ? <Checkmark20Regular /> : <Copy20Regular />}
        aria-label={`${SAID[state]}: ${label}`}
        onClick={() => void copy()}
      >
        <span aria-live="polite">{SAID[state]}</span>
      </Button>
    </div>
  );
}
