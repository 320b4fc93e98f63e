import { Link, Toast, ToastBody, ToastTitle } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { countsInWords } from "./format.ts";
import { meaningOf, nothingIn } from "./outcome.ts";
import { Name } from "./parts.tsx";
import { hrefOf } from "./place.ts";
import type { Fault, NamedRun } from "./types.ts";

const ENDED: { readonly [result: string]: string } = {
  succeeded: "succeeded",
  partial: "succeeded in part",
  held: "holds a plan for approval",
  failed: "failed",
  cancelled: "was stopped",
};

/** What a notice says at the end of a run, of a command that failed, or of one that was done. */
export function Notice(
  props: { readonly run: NamedRun } | { readonly fault: Fault } | { readonly done: string; readonly next: string },
): ReactNode {
  if (!("run" in props)) {
    const [title, body] = "fault" in props ? [props.fault.message, props.fault.fix] : [props.done, props.next];
    return (
      <Toast>
        <ToastTitle>{title}</ToastTitle>
        <ToastBody>{body}</ToastBody>
      </Toast>
    );
  }
  const { run } = props;
  return (
    <Toast>
      <ToastTitle action={<Link href={hrefOf({ panel: "run", id: run.run })}>Show</Link>}>
        {/* One child: the title lays its children out side by side. */}
        <span>
          <Name>{run.syncName ?? "A removed sync"}</Name> {ENDED[run.result ?? ""] ?? run.result}
        </span>
      </ToastTitle>
      <ToastBody>{meaningOf(run)?.text ?? countsInWords(run.counts) ?? nothingIn(run.result)}</ToastBody>
    </Toast>
  );
}
