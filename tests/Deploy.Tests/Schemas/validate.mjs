// node validate.mjs NODE_MODULES FILE...: checks every manifest of the files against its schema. One line for each error, exit code 1; a kind
// without a schema is an error, too: it would otherwise never be checked.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, ...files] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(modules, file)).href);
const { default: yaml } = await load('js-yaml/dist/js-yaml.mjs');

const packages = ['kubernetes-models', '@kubernetes-models/prometheus-operator', '@kubernetes-models/keda'];

async function kindOf(manifest) {
  const group = manifest.apiVersion.includes('/') ? manifest.apiVersion : `core/${manifest.apiVersion}`;
  for (const name of packages) {
    for (const candidate of [group, manifest.apiVersion]) {
      const file = join(name, candidate, 'index.js');
      if (!existsSync(join(modules, file))) continue;
      const kind = (await load(file))[manifest.kind];
      if (kind) return kind;
    }
  }
  return null;
}

let valid = 0;
const errors = [];
for (const file of files) {
  for (const manifest of yaml.loadAll(readFileSync(file, 'utf8'))) {
    if (!manifest) continue;
    const where = `${basename(file)}: ${manifest.kind} ${manifest.metadata?.name}`;
    const Kind = await kindOf(manifest);
    if (!Kind) {
      errors.push(`${where}: no schema for ${manifest.apiVersion}`);
      continue;
    }
    try {
      new Kind(manifest).validate();
      valid++;
    } catch (error) {
      errors.push(`${where}: ${error.message}`);
    }
  }
}
if (errors.length > 0) {
  console.error(errors.join('\n'));
  process.exit(1);
}
console.log(`${valid} manifests are valid`);
