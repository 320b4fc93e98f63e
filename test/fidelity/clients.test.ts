import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import {
  ClientCertificateCredential,
  ClientSecretCredential,
  DeviceCodeCredential,
  type TokenCredential,
} from "@azure/identity";
import { ConfidentialClientApplication, PublicClientApplication } from "@azure/msal-node";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { Client, type PageCollection, PageIterator } from "@microsoft/microsoft-graph-client";
import { testCertificate, Visitor } from "../../packages/simulator/src/testing/signin.ts";
import { tell } from "./recording.ts";
import { readFloor } from "./shared.ts";

const PEOPLE = 450;
const APP = ["https://graph.microsoft.com/.default"];
const PERSON = ["https://graph.microsoft.com/User.Read"];

interface Item {
  readonly id: string;
  readonly "@removed"?: object;
}

/** A way to get a token, and the answers that it leads to. */
type Token = () => Promise<string>;

suite("Microsoft's own clients, over TLS", () => {
  const trusted = getCACertificates("default");
  const folder = mkdtempSync(join(tmpdir(), "entrain-clients-"));
  const certificate = testCertificate(Date.now() - 60_000, Date.now() + 3_600_000);
  const key = certificate.key.export({ type: "pkcs8", format: "pem" }).toString();
  const pem = join(folder, "certificate.pem");
  const done: string[] = [];
  let simulator: Simulator;
  let certified: string;
  let open: string;

  before(async () => {
    simulator = await startSimulator({ people: PEOPLE, groups: 12, seed: 3, tls: true, throttle: "off" });
    setDefaultCACertificates([...trusted, simulator.ca ?? ""]);
    writeFileSync(pem, `${key}${certificate.pem}`);
    simulator.identity.setDeviceInterval(1);
    certified = simulator.identity.addApp({ certificate: certificate.pem, roles: ["User.Read.All"] }).client;
    open = simulator.identity.addApp({ publicFlows: true, scopes: ["User.Read"] }).client;
  });

  after(async () => {
    setDefaultCACertificates(trusted);
    rmSync(folder, { recursive: true });
    await simulator.close();
  });

  const client = (token: Token): Client =>
    Client.initWithMiddleware({
      baseUrl: `${simulator.graph}/`,
      customHosts: new Set([new URL(simulator.graph).hostname]),
      authProvider: { getAccessToken: token },
    });
  const authority = (): { readonly authority: string; readonly knownAuthorities: string[] } => {
    const { login, tenant } = simulator;
    return { authority: `${login}/${tenant}`, knownAuthorities: [new URL(login).host] };
  };
  /** What the person does on the page that the device names. */
  const confirm = async (uri: string, code: string): Promise<void> => {
    const { userPrincipalName, password } = simulator.identity.administrator();
    const visitor = new Visitor();
    const login = await visitor.send(await visitor.open(uri), { user_code: code });
    const asked = await visitor.send(login, { login: userPrincipalName, passwd: password ?? "" });
    await visitor.send(asked, { consent: "accept" });
  };
  const byMsal = (auth: object): Token => {
    const msal = new ConfidentialClientApplication({ auth: { clientId: certified, ...authority(), ...auth } });
    return async () => (await msal.acquireTokenByClientCredential({ scopes: APP }))?.accessToken ?? "";
  };
  const byAzure =
    (credential: TokenCredential, scopes: string[]): Token =>
    async () =>
      (await credential.getToken(scopes))?.token ?? "";
  const azure = (): { readonly authorityHost: string; readonly disableInstanceDiscovery: true } => ({
    authorityHost: simulator.login,
    disableInstanceDiscovery: true,
  });
  const thumbprint = createHash("sha256").update(Buffer.from(certificate.base64, "base64")).digest("hex");

  /** The token opens Graph as an application's or as a person's. */
  const signsIn = (name: string, path: string, token: () => Token): void => {
    test(`${name} gets a token that Graph accepts`, async () => {
      const answer: unknown = await client(token()).api(path).get();
      assert.ok(typeof answer === "object" && answer !== null);
      done.push(name);
    });
  };

  signsIn("msal-node by secret", "/users?$top=1", () =>
    byMsal({ clientId: simulator.client, clientSecret: simulator.secret }),
  );
  signsIn("msal-node by certificate", "/users?$top=1", () =>
    byMsal({ clientCertificate: { thumbprintSha256: thumbprint, privateKey: key } }),
  );
  signsIn("msal-node by device code", "/me", () => async () => {
    const msal = new PublicClientApplication({ auth: { clientId: open, ...authority() } });
    const confirmed: Promise<void>[] = [];
    const answer = await msal.acquireTokenByDeviceCode({
      scopes: PERSON,
      deviceCodeCallback: ({ userCode, verificationUri }) => void confirmed.push(confirm(verificationUri, userCode)),
    });
    await Promise.all(confirmed);
    return answer?.accessToken ?? "";
  });
  signsIn("@azure/identity by secret", "/users?$top=1", () =>
    byAzure(new ClientSecretCredential(simulator.tenant, simulator.client, simulator.secret, azure()), APP),
  );
  signsIn("@azure/identity by certificate", "/users?$top=1", () =>
    byAzure(new ClientCertificateCredential(simulator.tenant, certified, pem, azure()), APP),
  );
  signsIn("@azure/identity by device code", "/me", () => async () => {
    const confirmed: Promise<void>[] = [];
    const credential = new DeviceCodeCredential({
      ...azure(),
      tenantId: simulator.tenant,
      clientId: open,
      userPromptCallback: ({ userCode, verificationUri }) => void confirmed.push(confirm(verificationUri, userCode)),
    });
    const token = await byAzure(credential, PERSON)();
    await Promise.all(confirmed);
    return token;
  });

  const all = async (
    graph: Client,
    path: string,
  ): Promise<{ readonly items: readonly Item[]; readonly delta: string }> => {
    const items: Item[] = [];
    const first = (await graph.api(path).get()) as PageCollection;
    const pages = new PageIterator(graph, first, (item: Item) => items.push(item) > 0);
    await pages.iterate();
    return { items, delta: pages.getDeltaLink() ?? "" };
  };

  test("microsoft-graph-client pages everybody, and follows what changes by delta", async () => {
    const graph = client(byMsal({ clientId: simulator.client, clientSecret: simulator.secret }));
    const { items } = await all(graph, "/users?$select=id&$top=99");
    assert.equal(new Set(items.map(({ id }) => id)).size, PEOPLE);
    done.push("microsoft-graph-client by paging");
    const begun = await all(graph, "/users/delta?$select=displayName");
    assert.deepEqual(begun.items.map(({ id }) => id).sort(), items.map(({ id }) => id).sort());
    await graph.api(`/users/${items[0]?.id ?? ""}`).delete();
    const changed = await all(graph, begun.delta);
    assert.deepEqual(
      changed.items.filter((item) => item["@removed"] !== undefined).map(({ id }) => id),
      [items[0]?.id],
    );
    done.push("microsoft-graph-client by delta");
  });

  test("all of them work", () => {
    tell("clients", done);
    assert.ok(done.length >= (readFloor()["exchanges of Microsoft's clients"] ?? 0), done.join(", "));
  });
});
