import { toAscii } from "./transliterate.ts";

/** Entra's limit for the part of a sign-in name before the @. */
const LOCAL_PART_MAX = 64;
/** Active Directory's limit for a user's sAMAccountName. */
const ACCOUNT_NAME_MAX = 20;

/** Hands out addresses that nobody else has, compared without case as Entra compares them. */
export interface AddressBook {
  /** `local@domain`, or the next free `local2@domain`, cut so that the local part fits. */
  claim(local: string, domain: string): string;
  /** The same for a name in words: `Invoices Hamburg` is `invoices-hamburg`. */
  claimText(text: string, domain: string): string;
  /** A free sAMAccountName such as `amueller`. */
  claimAccountName(name: { readonly given: string; readonly surname: string }): string;
}

/** An empty book; `taken` tells of addresses that exist outside it. */
export function createAddressBook(taken: (address: string) => boolean = () => false): AddressBook {
  const used = new Map<string, number>();
  const free = (wanted: string, domain: string, longest: number): string => {
    const base = wanted.slice(0, longest).replace(/[.'-]+$/u, "") || "user";
    const key = `${base}@${domain}`.toLowerCase();
    let count = used.get(key) ?? 0;
    let local: string;
    do {
      count += 1;
      const suffix = count === 1 ? "" : String(count);
      local = base.slice(0, longest - suffix.length) + suffix;
    } while ((count > 1 && used.has(`${local}@${domain}`.toLowerCase())) || taken(`${local}@${domain}`));
    used.set(key, count);
    if (count > 1) used.set(`${local}@${domain}`.toLowerCase(), 1);
    return local;
  };
  const claim = (local: string, domain: string): string => `${free(local, domain, LOCAL_PART_MAX)}@${domain}`;
  return {
    claim,
    claimText: (text, domain) => claim(toAscii(text, ""), domain),
    claimAccountName: ({ given, surname }) => {
      const plain = `${given.slice(0, 1)}${surname === "" ? given.slice(1) : surname}`.replace(/[^a-z0-9-]/gu, "");
      return free(plain, "", ACCOUNT_NAME_MAX);
    },
  };
}
