import {
  Checkbox,
  Field,
  Input,
  makeStyles,
  Radio,
  RadioGroup,
  Select,
  Switch,
  Text,
  tokens,
} from "@fluentui/react-components";
import type { ReactNode } from "react";
import { CLOUDS, type Wish } from "./setup-wish.ts";
import type { Guide } from "./types.ts";

const useStyles = makeStyles({
  form: { display: "grid", gap: tokens.spacingVerticalM, gridTemplateColumns: "minmax(0, 1fr)" },
  fields: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(240px, 1fr))",
    gap: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalL}`,
    alignItems: "start",
  },
  features: {
    display: "grid",
    alignItems: "start",
    gridTemplateColumns: "repeat(auto-fit, minmax(300px, 1fr))",
    border: "none",
    margin: 0,
    padding: 0,
    minInlineSize: 0,
    "@media (max-width: 480px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  legend: { padding: 0, fontWeight: tokens.fontWeightSemibold },
  feature: { display: "grid" },
  quiet: { color: tokens.colorNeutralForeground2, overflowWrap: "anywhere" },
  more: { cursor: "pointer" },
  inner: { marginTop: tokens.spacingVerticalM },
});

interface FormProps {
  readonly wish: Wish;
  readonly onChange: (wish: Wish) => void;
  readonly features: Guide["features"];
  /** The connection stands: its name, tenant and cloud are what they are. */
  readonly fixed: boolean;
  /** Where administrators come back to, unless something else is given. */
  readonly redirectUri: string | null;
}

/** What to set up: for which tenant, for what, and by which credential. */
export function SetupForm({ wish, onChange, features, fixed, redirectUri }: FormProps): ReactNode {
  const styles = useStyles();
  const text = (
    name: "name" | "tenant" | "login" | "graph" | "displayName" | "days" | "publicUrl" | "setupClient",
  ) => ({
    value: wish[name],
    spellCheck: false,
    autoComplete: "off",
    onChange: (_event: unknown, { value }: { readonly value: string }) => onChange({ ...wish, [name]: value }),
  });
  return (
    <div className={styles.form}>
      {!fixed && (
        <div className={styles.fields}>
          <Field label="Connection's name" required hint="Letters, digits, dots and dashes">
            <Input {...text("name")} maxLength={64} placeholder="contoso" />
          </Field>
          <Field label="Tenant" required hint="Its id, or one of its domains">
            <Input {...text("tenant")} maxLength={253} placeholder="contoso.onmicrosoft.com" />
          </Field>
        </div>
      )}
      <Features wish={wish} onChange={onChange} features={features} />
      <Field label="Credential">
        <RadioGroup
          layout="horizontal"
          value={wish.credential}
          onChange={(_event, { value }) =>
            onChange({ ...wish, credential: value === "secret" ? "secret" : "certificate" })
          }
        >
          <Radio value="certificate" label="Certificate (better)" />
          <Radio value="secret" label="Client secret" />
        </RadioGroup>
      </Field>
      <details>
        <summary className={styles.more}>More settings</summary>
        <div className={`${styles.fields} ${styles.inner}`}>
          {!fixed && (
            <Field label="Cloud">
              <Select
                value={wish.cloud}
                onChange={(_event, { value }) =>
                  onChange({ ...wish, cloud: CLOUDS.find((one) => one.value === value)?.value ?? "global" })
                }
              >
                {CLOUDS.map(({ value, text: name }) => (
                  <option key={value} value={value}>
                    {name}
                  </option>
                ))}
              </Select>
            </Field>
          )}
          {!fixed && wish.cloud === "custom" && (
            <>
              <Field label="Sign-in base address" required>
                <Input {...text("login")} maxLength={200} />
              </Field>
              <Field label="Graph base address" required>
                <Input {...text("graph")} maxLength={200} />
              </Field>
            </>
          )}
          <Field label="Application's name in Entra">
            <Input {...text("displayName")} maxLength={100} />
          </Field>
          <Field label="Credential is good for (days)">
            <Input {...text("days")} type="number" min={1} max={730} />
          </Field>
          <Field
            label="Public address of Entrain"
            hint="Where administrators reach it; the redirect URI begins with it"
          >
            <Input {...text("publicUrl")} maxLength={200} placeholder={originOf(redirectUri)} />
          </Field>
          {!fixed && (
            <Field label="Public client to sign in to" hint="In place of Microsoft Graph Command Line Tools">
              <Input {...text("setupClient")} maxLength={36} placeholder="Microsoft's own" />
            </Field>
          )}
          <Switch
            label="One application for many tenants"
            checked={wish.multiTenant}
            onChange={(_event, { checked }) => onChange({ ...wish, multiTenant: checked })}
          />
        </div>
      </details>
    </div>
  );
}

function Features({ wish, onChange, features }: Pick<FormProps, "wish" | "onChange" | "features">): ReactNode {
  const styles = useStyles();
  const toggle = (name: string, on: boolean): void =>
    onChange({ ...wish, features: on ? [...wish.features, name] : wish.features.filter((one) => one !== name) });
  return (
    <fieldset className={styles.features}>
      <legend className={styles.legend}>What it is for</legend>
      {features.map(({ name, purpose, permission, licence, always }) => (
        <Checkbox
          key={name}
          checked={always || wish.features.includes(name)}
          disabled={always}
          onChange={(_event, { checked }) => toggle(name, checked === true)}
          label={
            <span className={styles.feature}>
              <span>{purpose.charAt(0).toUpperCase() + purpose.slice(1)}</span>
              <Text size={200} className={styles.quiet}>
                {permission}
                {licence !== null && `, needs Entra ID ${licence}`}
              </Text>
            </span>
          }
        />
      ))}
    </fieldset>
  );
}

function originOf(uri: string | null): string {
  return (uri === null ? null : URL.parse(uri)?.origin) ?? "";
}
