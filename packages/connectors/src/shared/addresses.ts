import { lookup as systemLookup } from "node:dns/promises";
import { BlockList, isIP, type LookupFunction } from "node:net";

/**
 * Which addresses a name may lead to. `public`: those of the internet. `network`: private networks too. `private`: also this
 * machine. Addresses that no server has (link-local with the clouds' metadata services, multicast, unspecified) never count.
 */
export type Reach = "public" | "network" | "private";

/** Looks a name up: every address that it has. */
export type Resolve = (hostname: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

/** An address that must not be connected to. The message says what leads there, and is fit for operators. */
export class AddressRefused extends Error {
  readonly code = "ADDRESS_REFUSED";

  constructor(message: string) {
    super(message);
    this.name = "AddressRefused";
  }
}

type Place = "public" | "network" | "own" | "never";

/** "IANA IPv4 and IPv6 Special-Purpose Address Registries"; the metadata services of Azure, AWS, Google and Alibaba. */
const RANGES: Readonly<Record<Exclude<Place, "public">, readonly string[]>> = {
  never: [
    "0.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "100.100.100.200/32",
    "::/128",
    "fe80::/10",
    "fd00:ec2::254/128",
    "ff00::/8",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2002::/16",
  ],
  own: ["127.0.0.0/8", "::1/128"],
  network: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"],
};

const WORDS: Readonly<Record<Exclude<Place, "public">, string>> = {
  never: "where no server is (a cloud's metadata service, say)",
  own: "this machine",
  network: "an address of a private network",
};

const ALLOWED: Readonly<Record<Reach, readonly Place[]>> = {
  public: ["public"],
  network: ["public", "network"],
  private: ["public", "network", "own"],
};

/**
 * Resolves a name and passes on only addresses within reach, for `net.connect`: what was checked is what is connected to, and a
 * name that answers otherwise a moment later (DNS rebinding) gains nothing. Fails with {@link AddressRefused} when none is left.
 */
export function guardedLookup(reach: Reach, resolve: Resolve = resolveName): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (found) => {
        const wanted = found.filter(({ family }) => isFamily(options.family, family));
        const allowed = wanted.filter(({ address }) => ALLOWED[reach].includes(placeOf(address)));
        const [first] = allowed;
        if (first === undefined) callback(refusal(hostname, wanted), "", 0);
        else if (options.all === true) callback(null, [...allowed]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, "", 0),
    );
  };
}

/**
 * Judges an address that somebody typed, which no look-up ever sees: it is meant, unless no server can have it. Names pass.
 * @throws AddressRefused
 */
export function checkLiteral(hostname: string): void {
  const address = hostname.replace(/^\[|\]$/g, "");
  if (isIP(address) === 0 || placeOf(address) !== "never") return;
  throw new AddressRefused(`${address} is an address ${WORDS.never}`);
}

const resolveName: Resolve = (hostname) => systemLookup(hostname, { all: true });

function isFamily(wanted: unknown, family: number): boolean {
  return (
    (wanted !== 4 && wanted !== 6 && wanted !== "IPv4" && wanted !== "IPv6") || String(wanted).endsWith(`${family}`)
  );
}

function refusal(hostname: string, found: readonly { readonly address: string }[]): NodeJS.ErrnoException {
  const [first] = found;
  if (first === undefined) return Object.assign(new Error(`${hostname} has no address`), { code: "ENOTFOUND" });
  const place = placeOf(first.address);
  const what = place === "public" ? "" : `, ${WORDS[place]}`;
  return new AddressRefused(`${hostname} leads to ${first.address}${what}`);
}

const LISTS: readonly (readonly [Place, BlockList])[] = (["never", "own", "network"] as const).map((place) => {
  const list = new BlockList();
  for (const range of RANGES[place]) {
    const [network = "", bits = ""] = range.split("/");
    list.addSubnet(network, Number(bits), network.includes(":") ? "ipv6" : "ipv4");
  }
  return [place, list];
});

/** An IPv4 address within an IPv6 one is that IPv4 address (RFC 4291, 2.5.5.2). */
function placeOf(address: string): Place {
  const plain = address.replace(/%.*$/, "");
  const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
  const found = LISTS.find(([, list]) => list.check(plain, family));
  return found?.[0] ?? "public";
}
