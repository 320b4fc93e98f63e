import {
  Button,
  DrawerBody,
  DrawerHeader,
  DrawerHeaderTitle,
  makeStyles,
  OverlayDrawer,
  tokens,
} from "@fluentui/react-components";
import { Dismiss24Regular } from "@fluentui/react-icons/svg/dismiss";
import { type ReactNode, useEffect, useState } from "react";

const useStyles = makeStyles({
  panel: { width: "820px", maxWidth: "100%" },
  body: {
    display: "grid",
    alignContent: "start",
    gap: tokens.spacingVerticalL,
    paddingBottom: tokens.spacingVerticalXXL,
  },
});

/** A panel at the page's end; Escape, the button and a click beside it close it. */
export function Panel(props: {
  readonly title: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
}): ReactNode {
  const styles = useStyles();
  const [opener] = useState(() => document.activeElement);
  // Whoever closes a panel goes on where they opened it.
  useEffect(() => {
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, [opener]);
  return (
    <OverlayDrawer
      open
      position="end"
      className={styles.panel}
      onOpenChange={(_event, { open }) => {
        if (!open) props.onClose();
      }}
    >
      <DrawerHeader>
        <DrawerHeaderTitle
          action={<Button appearance="subtle" aria-label="Close" icon={<Dismiss24Regular />} onClick={props.onClose} />}
        >
          {props.title}
        </DrawerHeaderTitle>
      </DrawerHeader>
      <DrawerBody className={styles.body}>{props.children}</DrawerBody>
    </OverlayDrawer>
  );
}
