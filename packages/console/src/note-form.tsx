import { Button, Field, Input, makeStyles, tokens } from "@fluentui/react-components";
import { type FormEvent, type ReactNode, useState } from "react";

const useStyles = makeStyles({
  form: { display: "flex", alignItems: "end", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
  field: { flexGrow: 1, minWidth: "12rem" },
});

/** Asks for the reason that something is not done without. */
export function NoteForm(props: {
  readonly label: string;
  /** What the button says. */
  readonly action: string;
  readonly maxLength: number;
  readonly busy: boolean;
  readonly onNote: (note: string) => void;
}): ReactNode {
  const styles = useStyles();
  const [note, setNote] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (note.trim() !== "") props.onNote(note.trim());
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <Field className={styles.field} label={props.label} required>
        <Input value={note} maxLength={props.maxLength} onChange={(_event, { value }) => setNote(value)} />
      </Field>
      <Button type="submit" appearance="primary" disabledFocusable={props.busy || note.trim() === ""}>
        {props.action}
      </Button>
    </form>
  );
}
