import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin, type UserConfig } from "vite";

/** Compresses once, at the build, what the server would otherwise compress for every browser. */
function compressed(folder: string): Plugin {
  return {
    name: "entrain-compressed",
    apply: "build",
    closeBundle() {
      for (const name of readdirSync(folder).filter((each) => /\.(?:js|css|svg)$/.test(each))) {
        const path = join(folder, name);
        const content = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
      }
    },
  };
}

const config: UserConfig = defineConfig({
  plugins: [react(), compressed(join(import.meta.dirname, "dist", "assets"))],
  // The server puts a new nonce here for every answer; see server/src/api/console.ts.
  html: { cspNonce: "ENTRAIN_CSP_NONCE" },
  build: { target: "es2023", modulePreload: { polyfill: false }, chunkSizeWarningLimit: 1200 },
  server: { proxy: { "/api": "http://127.0.0.1:7420", "/sign-in": "http://127.0.0.1:7420" } },
});

export default config;
