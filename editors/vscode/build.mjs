// Bundles the extension (out/extension.js), and with `tests` what node's test runner takes (out/test/).
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = dirname(fileURLToPath(import.meta.url));
const common = { absWorkingDir: folder, bundle: true, platform: 'node', target: 'node18', format: 'cjs', external: ['vscode'], logLevel: 'warning' };

await build({ ...common, entryPoints: ['src/extension.ts'], outfile: 'out/extension.js', minify: process.argv[2] !== 'tests', sourcemap: false });
if (process.argv[2] === 'tests') {
  rmSync(join(folder, 'out/test'), { recursive: true, force: true });
  const entryPoints = readdirSync(join(folder, 'test')).filter((file) => file.endsWith('.test.ts')).map((file) => `test/${file}`);
  await build({ ...common, entryPoints, outdir: 'out/test', sourcemap: 'inline' });
}
