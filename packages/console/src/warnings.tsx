import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { Connection } from "./types.ts";

/** Within these days a credential that ends is an error, not a warning. */
const URGENT_DAYS = 7;

/** A connection's credentials that end soon, each with what to do. */
export function Warnings({ warnings }: Pick<Connection, "warnings">): ReactNode {
  return warnings.map(({ detail, fix, endsAt, days }) => (
    <MessageBar key={`${endsAt} ${detail}`} intent={days < URGENT_DAYS ? "error" : "warning"} layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{detail}</MessageBarTitle> {fix}
      </MessageBarBody>
    </MessageBar>
  ));
}
