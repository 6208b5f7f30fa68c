// Validates Argo CD's objects against the schemas of its CRDs: a JSON array of documents on stdin, one line a fault on stdout, exit code 1 when
// there is one. The schemas say nothing of unknown fields; the tests look for those themselves.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const models = createRequire(`${process.env.JUDGES}/`)('@kubernetes-models/argo-cd/argoproj.io/v1alpha1');
let faults = 0;
for (const document of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
  const name = `${document.kind}/${document.metadata?.name}`;
  try {
    const Kind = models[document.kind];
    if (document.apiVersion !== 'argoproj.io/v1alpha1' || Kind === undefined) throw new Error(`unknown kind ${document.apiVersion} ${document.kind}`);
    new Kind(document).validate();
  } catch (fault) {
    console.log(`${name}: ${fault.message}`);
    faults++;
  }
}
process.exit(faults === 0 ? 0 : 1);
