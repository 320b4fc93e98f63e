import { addLine, portalOf, type Setup } from "./plan.ts";

const REGISTER = "Microsoft_AAD_RegisteredApps/CreateApplicationBlade/quickStartType~/null/isMSAApp~/false";

/** One step in the admin centre: what to do, where, and the least Entra role that may. */
export interface Step {
  readonly title: string;
  readonly link: string;
  readonly role: string;
  readonly details: readonly string[];
}

/** "Quickstart: Register an app", "Grant tenant-wide admin consent": the way by hand. */
export function portalSteps(setup: Setup): readonly Step[] {
  const portal = portalOf(setup.cloud);
  const { client } = setup;
  /** A page of the application itself, or the list that it is chosen from. */
  const page = (blade: string): string =>
    client === null
      ? `${portal}/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade`
      : `${portal}/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/${blade}/appId/${client}`;
  const developer = "Application Developer, or any higher role";
  const { credential, permissions, redirectUris } = setup;
  return [
    {
      title: "Register the application",
      link: `${portal}/#view/${REGISTER}`,
      role: developer,
      details: [
        `Name: ${setup.displayName}`,
        setup.multiTenant
          ? "Supported account types: Multiple Entra ID tenants"
          : "Supported account types: Single tenant only",
        ...redirectUris.map((uri) => `Redirect URI: Web, ${uri}`),
        "Then copy Application (client) ID and Directory (tenant) ID from its Overview.",
      ],
    },
    {
      title: "Add the permissions",
      link: page("CallAnAPI"),
      role: developer,
      details: [
        "Open the application, API permissions, Add a permission, Microsoft Graph, Application permissions:",
        ...permissions.map((name) => `  ${name}`),
        "Remove the delegated User.Read that Entra added by itself; nothing needs it.",
      ],
    },
    {
      title: "Grant admin consent",
      link: page("CallAnAPI"),
      role: "Privileged Role Administrator, or Global Administrator",
      details: [
        "On the same page: Grant admin consent.",
        `Or send an administrator the link of: entrain connection consent ${setup.name}`,
      ],
    },
    {
      title: credential === "secret" ? "Make a client secret" : "Upload a certificate",
      link: page("Credentials"),
      role: developer,
      details:
        credential === "secret"
          ? ["Certificates & secrets, New client secret. Copy the column Value at once, not Secret ID."]
          : [
              "Make one: openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=Entrain -keyout entrain.pem -out entrain-public.pem",
              "Certificates & secrets, Certificates, Upload certificate: entrain-public.pem. Then: cat entrain-public.pem >> entrain.pem",
            ],
    },
    {
      title: "Connect",
      link: "",
      role: "none",
      details: [
        addLine(setup, client ?? "CLIENT-ID", credential === "secret" ? "SECRET-FILE" : "entrain.pem"),
        `entrain connection verify ${setup.name} --wait`,
      ],
    },
  ];
}
