import {
  Badge,
  Button,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  makeStyles,
  Text,
  tokens,
} from "@fluentui/react-components";
import { ChevronDown16Regular } from "@fluentui/react-icons/svg/chevron-down";
import { PersonCircle20Regular } from "@fluentui/react-icons/svg/person-circle";
import { SignOut20Regular } from "@fluentui/react-icons/svg/sign-out";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { command } from "./api.ts";
import { Logo } from "./logo.tsx";
import { Name } from "./parts.tsx";
import { useSession } from "./session.tsx";

const useStyles = makeStyles({
  header: {
    position: "sticky",
    top: 0,
    zIndex: 10,
    backgroundColor: tokens.colorNeutralBackground1,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  inner: {
    display: "flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalM,
    minHeight: "52px",
    maxWidth: "1240px",
    margin: "0 auto",
    padding: `0 ${tokens.spacingHorizontalXXL}`,
    "@media (max-width: 640px)": { padding: `0 ${tokens.spacingHorizontalM}` },
  },
  name: { margin: 0, font: "inherit", display: "flex" },
  space: { flexGrow: 1 },
  version: { color: tokens.colorNeutralForeground3, "@media (max-width: 640px)": { display: "none" } },
  operator: { maxWidth: "14rem", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
});

/** The product, whether this is the demo, and the operator's menu. */
export function Header(): ReactNode {
  const styles = useStyles();
  const { demo, version, operator, csrf } = useSession();
  const signOut = useMutation({
    mutationFn: () => command<null>({ method: "DELETE", path: "/session" }, csrf),
    // A new page holds nothing of what the operator saw, nor of what is still under way.
    onSettled: () => location.replace("/"),
  });
  return (
    <header className={styles.header}>
      <div className={styles.inner}>
        <h1 className={styles.name}>
          <Logo />
        </h1>
        {demo && (
          <Badge appearance="tint" color="warning" title="A simulated tenant; nothing here touches a real one.">
            Demo
          </Badge>
        )}
        <Text size={200} className={styles.version}>
          {version}
        </Text>
        <span className={styles.space} />
        <Menu positioning="below-end">
          <MenuTrigger disableButtonEnhancement>
            <Button appearance="subtle" icon={<PersonCircle20Regular />} aria-label={`Operator ${operator}`}>
              <span className={styles.operator}>
                <Name>{operator}</Name>
              </span>
              <ChevronDown16Regular />
            </Button>
          </MenuTrigger>
          <MenuPopover>
            <MenuList>
              <MenuItem icon={<SignOut20Regular />} onClick={() => signOut.mutate()}>
                Sign out
              </MenuItem>
            </MenuList>
          </MenuPopover>
        </Menu>
      </div>
    </header>
  );
}
