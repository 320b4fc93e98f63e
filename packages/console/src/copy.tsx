import { Button, makeStyles, mergeClasses, Text, tokens } from "@fluentui/react-components";
import { ArrowDownload20Regular } from "@fluentui/react-icons/svg/arrow-download";
import { Checkmark20Regular } from "@fluentui/react-icons/svg/checkmark";
import { Copy20Regular } from "@fluentui/react-icons/svg/copy";
import { type ReactNode, type RefObject, useEffect, useRef, useState } from "react";

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
  large: { fontSize: tokens.fontSizeHero700, lineHeight: tokens.lineHeightHero700, letterSpacing: "0.1em" },
  script: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)", gap: tokens.spacingVerticalXS },
  bar: { display: "flex", alignItems: "center", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
  space: { flexGrow: 1 },
  frame: { maxHeight: "420px", overflow: "auto", borderRadius: tokens.borderRadiusMedium },
  code: {
    margin: 0,
    width: "max-content",
    minWidth: "100%",
    boxSizing: "border-box",
    padding: tokens.spacingHorizontalM,
    backgroundColor: tokens.colorNeutralBackground3,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
  },
});

const SHOWN_MS = 3000;
const SAID = { idle: "Copy", done: "Copied", failed: "Select it and copy" } as const;

/** Copies a text and tells for a moment whether that worked; where it did not, the text in `shown` is selected. */
function useCopy(text: string): {
  readonly state: keyof typeof SAID;
  readonly shown: RefObject<HTMLElement | null>;
  readonly copy: () => void;
} {
  const [state, setState] = useState<keyof typeof SAID>("idle");
  const shown = useRef<HTMLElement>(null);
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
      if (shown.current !== null) getSelection()?.selectAllChildren(shown.current);
      setState("failed");
    }
  };
  return { state, shown, copy: () => void copy() };
}

function CopyButton(props: {
  readonly label: string;
  readonly state: keyof typeof SAID;
  readonly onCopy: () => void;
}): ReactNode {
  const { label, state, onCopy } = props;
  return (
    <Button
      appearance="subtle"
      size="small"
      icon={state === "done" ? <Checkmark20Regular /> : <Copy20Regular />}
      aria-label={`${SAID[state]}: ${label}`}
      onClick={onCopy}
    >
      <span aria-live="polite">{SAID[state]}</span>
    </Button>
  );
}

/** Text to take along, in full, with a button that copies it and says whether it did. */
export function Copyable(props: {
  readonly label: string;
  readonly text: string;
  /** In letters that can be read out across a room. */
  readonly large?: boolean;
}): ReactNode {
  const styles = useStyles();
  const { label, text, large = false } = props;
  const { state, shown, copy } = useCopy(text);
  return (
    <div className={styles.row}>
      <code ref={shown} className={mergeClasses(styles.text, large && styles.large)}>
        {text}
      </code>
      <CopyButton label={label} state={state} onCopy={copy} />
    </div>
  );
}

/** A file to take along: its text, and buttons that copy it or save it under its name. */
export function Script(props: { readonly label: string; readonly file: string; readonly text: string }): ReactNode {
  const styles = useStyles();
  const { label, file, text } = props;
  const { state, shown, copy } = useCopy(text);
  return (
    <div className={styles.script}>
      <div className={styles.bar}>
        <Text font="monospace" size={200}>
          {file}
        </Text>
        <span className={styles.space} />
        <CopyButton label={label} state={state} onCopy={copy} />
        <Button appearance="subtle" size="small" icon={<ArrowDownload20Regular />} onClick={() => save(file, text)}>
          Download
        </Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1) */}
      <section className={styles.frame} tabIndex={0} aria-label={label}>
        <pre ref={shown as RefObject<HTMLPreElement | null>} className={styles.code}>
          {text}
        </pre>
      </section>
    </div>
  );
}

function save(file: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = file;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), SHOWN_MS);
}
