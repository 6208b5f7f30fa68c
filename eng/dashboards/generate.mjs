// Writes deploy/dashboards: node eng/dashboards/generate.mjs [FOLDER]. The JSON is committed, so that nobody needs this to install them; a test compares.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { all } from "./dashboards.mjs";

const folder = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "..", "..", "deploy", "dashboards");
mkdirSync(folder, { recursive: true });
for (const [name, content] of Object.entries(all)) writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(content, null, 2)}\n`);
