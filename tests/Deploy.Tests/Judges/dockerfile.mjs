// Prints what dockerfile-utils finds in a Dockerfile, one line a finding: "file:line: message". Exit code 1 when there is one.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { validate } = createRequire(`${process.env.JUDGES}/`)('dockerfile-utils');
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const finding of validate(readFileSync(file, 'utf8'))) {
    console.log(`${file}:${finding.range.start.line + 1}: ${finding.message}`);
    found++;
  }
}
process.exit(found === 0 ? 0 : 1);
