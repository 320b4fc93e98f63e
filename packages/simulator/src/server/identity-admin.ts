import type { AppChange, AppWish, IdentityControl } from "../signin/levers.ts";
import type { ConditionalAccess } from "../signin/realm.ts";

type Body = Readonly<Record<string, unknown>>;
type Handler = (body: Body) => unknown;

/** The controls of apps, accounts, consent and policies, by method and path below `/_simulator`. */
export function identityHandlers(control: IdentityControl): Readonly<Record<string, Handler>> {
  return {
    "GET /apps": () => control.apps(),
    "POST /apps": (body) => control.addApp(body as AppWish),
    "PATCH /apps": ({ client, ...change }) => control.changeApp(textIn(client, "client"), change as AppChange),
    "DELETE /apps": ({ client }) => control.removeApp(textIn(client, "client")),
    "POST /app-secrets": ({ client, value, expiresAt }) =>
      control.addSecret(textIn(client, "client"), {
        value: textIn(value, "value"),
        ...(typeof expiresAt === "number" ? { expiresAt } : {}),
      }),
    "POST /app-certificates": ({ client, certificate }) =>
      control.addCertificate(textIn(client, "client"), textIn(certificate, "certificate")),
    "POST /app-trusts": ({ client, issuer, subject, audience }) =>
      control.trust(textIn(client, "client"), {
        issuer: textIn(issuer, "issuer"),
        subject: textIn(subject, "subject"),
        ...(typeof audience === "string" ? { audience } : {}),
      }),
    "POST /end-credentials": ({ client, at, keyId }) =>
      control.endCredentials(
        textIn(client, "client"),
        typeof at === "number" ? at : null,
        ...(typeof keyId === "string" ? [keyId] : []),
      ),
    "GET /people": () => control.people(),
    "POST /people": ({ key, tenant, limit }) => {
      const realm = typeof tenant === "string" ? tenant : undefined;
      if (typeof key !== "string") return control.people(realm, typeof limit === "number" ? limit : 20);
      return control.person(key, realm) ?? null;
    },
    "PATCH /people": ({ key, tenant, ...change }) =>
      control.changePerson(textIn(key, "key"), change, ...(typeof tenant === "string" ? [tenant] : [])),
    "POST /revoke": (body) => control.revoke(body),
    "PUT /conditional-access": ({ policy, tenant }) =>
      control.setConditionalAccess(
        textIn(policy, "policy") as ConditionalAccess,
        ...(typeof tenant === "string" ? [tenant] : []),
      ),
    "PUT /user-consent": ({ allowed, tenant }) =>
      control.setUserConsent(allowed === true, ...(typeof tenant === "string" ? [tenant] : [])),
    "PUT /federated-domains": ({ domain, federated, tenant }) =>
      control.setFederated(
        textIn(domain, "domain"),
        federated !== false,
        ...(typeof tenant === "string" ? [tenant] : []),
      ),
    "PUT /replication": ({ delayMs }) => control.setReplicationDelay(Number(delayMs)),
    "PUT /other-clouds": (body) =>
      control.setOtherClouds(Object.fromEntries(Object.entries(body).map(([name, cloud]) => [name, String(cloud)]))),
    "POST /sign-in-failures": ({ number, times = 1 }) => control.failSignIns(Number(number), Number(times)),
    "PUT /device-interval": ({ seconds }) => control.setDeviceInterval(Number(seconds)),
  };
}

function textIn(value: unknown, name: string): string {
  if (typeof value !== "string") throw new Error(`${name} must be given, as text.`);
  return value;
}
