import { createHash, randomBytes } from "node:crypto";
import { ConfidentialClientApplication, PublicClientApplication } from "@azure/msal-node";
import { Visitor } from "./signin.ts";

/** Run by a test in a process of its own, which trusts the simulator's authority from the start. */
interface Target {
  readonly login: string;
  readonly tenant: string;
  readonly confidential: string;
  readonly open: string;
  readonly key: string;
  readonly thumbprintSha256: string;
  readonly user: string;
  readonly password: string;
}

const SCOPES = ["User.Read"];
const REDIRECT = "http://localhost/signed-in";

async function signIn(target: Target): Promise<unknown> {
  const authority = { authority: `${target.login}/${target.tenant}`, knownAuthorities: [new URL(target.login).host] };
  const confidential = new ConfidentialClientApplication({
    auth: {
      ...authority,
      clientId: target.confidential,
      clientCertificate: { thumbprintSha256: target.thumbprintSha256, privateKey: target.key },
    },
  });
  const open = new PublicClientApplication({ auth: { ...authority, clientId: target.open } });
  const certificate = await confidential.acquireTokenByClientCredential({
    scopes: ["https://graph.microsoft.com/.default"],
  });
  const byPassword = await open.acquireTokenByUsernamePassword({
    scopes: SCOPES,
    username: target.user,
    password: target.password,
  });
  let device = "";
  const byDevice = await open.acquireTokenByDeviceCode({
    scopes: SCOPES,
    deviceCodeCallback: ({ userCode, verificationUri }) => {
      type(target, verificationUri, userCode).then(
        (title) => {
          device = title;
        },
        (error: unknown) => {
          device = String(error);
        },
      );
    },
  });
  const verifier = randomBytes(48).toString("base64url");
  const url = await open.getAuthCodeUrl({
    scopes: SCOPES,
    redirectUri: REDIRECT,
    state: "bound",
    codeChallenge: createHash("sha256").update(verifier).digest("base64url"),
    codeChallengeMethod: "S256",
  });
  const visitor = new Visitor();
  const page = await visitor.open(url);
  // msal asks for its code in the fragment unless told otherwise.
  const back = new URL((await visitor.send(page, { login: target.user, passwd: target.password })).location ?? "");
  const answer = new URLSearchParams(back.hash.length > 1 ? back.hash.slice(1) : back.search);
  const byCode = await open.acquireTokenByCode({
    scopes: SCOPES,
    redirectUri: REDIRECT,
    code: answer.get("code") ?? "",
    codeVerifier: verifier,
  });
  const account = byCode.account;
  const silent =
    account === null ? null : await open.acquireTokenSilent({ account, scopes: SCOPES, forceRefresh: true });
  return {
    certificate: certificate?.tokenType,
    password: byPassword?.account?.username,
    device: [device, byDevice?.account?.username],
    code: [answer.get("state"), account?.username, account?.tenantId],
    refreshed: silent !== null && silent.accessToken !== byCode.accessToken,
  };
}

async function type({ user, password }: Target, uri: string, code: string): Promise<string> {
  const visitor = new Visitor();
  const login = await visitor.send(await visitor.open(uri), { user_code: code });
  const confirm = await visitor.send(login, { login: user, passwd: password });
  return (await visitor.send(confirm, { consent: "accept" })).title;
}

if (import.meta.main) console.log(JSON.stringify(await signIn(JSON.parse(process.env.SIMULATOR ?? "{}") as Target)));
