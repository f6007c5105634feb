// All tests of the extension: types, then what esbuild makes of test/*.test.ts under node's test runner.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const environment = { ...process.env, OCTET_EXTENSION_DIR: folder };

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: folder, env: environment, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

run('node_modules/typescript/bin/tsc');
run('build.mjs', 'tests');
run('--test', ...readdirSync(join(folder, 'out/test')).map((file) => join('out/test', file)));
