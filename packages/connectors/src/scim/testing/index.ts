export {
  type ScimFault,
  type ScimRequestLog,
  type ScimServer,
  type ScimServerOptions,
  startScimServer,
} from "./scimmy-server.ts";
export { matching, membersOf, type ScimStore, type StoredResource } from "./store.ts";
