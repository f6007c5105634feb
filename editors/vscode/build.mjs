// Bundles the extension (out/extension.js, with the licences of what is in it in out/licences.txt), and with `tests` what node's test
// runner takes (out/test/).
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = dirname(fileURLToPath(import.meta.url));
const common = { absWorkingDir: folder, bundle: true, platform: 'node', target: 'node18', format: 'cjs', external: ['vscode'], logLevel: 'warning' };

const { metafile } = await build({
  ...common,
  entryPoints: ['src/extension.ts'],
  outfile: 'out/extension.js',
  minify: process.argv[2] !== 'tests',
  metafile: true,
});
const packages = new Set(Object.keys(metafile.inputs).flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []));
const licences = [...packages].sort().map((name) => {
  const file = readdirSync(join(folder, name)).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  return `${name.split('node_modules/').at(-1)}\n\n${readFileSync(join(folder, name, file), 'utf8').trim()}\n`;
});
writeFileSync(join(folder, 'out/licences.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`));
if (process.argv[2] === 'tests') {
  rmSync(join(folder, 'out/test'), { recursive: true, force: true });
  const entryPoints = readdirSync(join(folder, 'test')).filter((file) => file.endsWith('.test.ts')).map((file) => `test/${file}`);
  await build({ ...common, entryPoints, outdir: 'out/test', sourcemap: 'inline' });
}
