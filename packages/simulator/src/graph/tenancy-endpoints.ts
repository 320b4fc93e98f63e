import { ACCESS_REVIEWS } from "./access-reviews.ts";
import { CONDITIONAL_ACCESS } from "./conditional-access.ts";
import { CONTACTS } from "./contacts.ts";
import { EXTENSIONS } from "./extensions.ts";
import { LICENCES } from "./licences.ts";
import { PHOTOS } from "./photos.ts";
import type { Endpoint } from "./routes.ts";
import { SIGN_INS } from "./sign-ins.ts";
import { SUBSCRIPTIONS } from "./subscriptions.ts";

/** What a tenant serves beside people, groups and apps. */
export const TENANCY: readonly Endpoint[] = [
  ...SUBSCRIPTIONS,
  ...CONTACTS,
  ...LICENCES,
  ...EXTENSIONS,
  ...PHOTOS,
  ...CONDITIONAL_ACCESS,
  ...ACCESS_REVIEWS,
  ...SIGN_INS,
];
