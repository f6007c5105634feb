// One VS Code for all tests, and what each of them starts from: a file of its own. OCTET_CODE_SERVER is the folder that install.sh made,
// OCTET_VSIX the extension, OCTET_SCREENSHOTS a folder for pictures and figures.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CodeServer } from './code_server.mjs';

/** The start of the file that most tests type in. */
export const kCircle = `class Circle:
    def __init__(self, radius):
        self.radius = radius

    def diameter(self):
        return 2 * self.radius

    def area(self):
        return 3.14 * self.radius * self.radius

`;

// The rest of the workspace: files that people wrote. Its router knows how a method of several lines goes on.
const kSamples = fileURLToPath(new URL('../../../benchmarks/samples', import.meta.url));
const kRouterEnd = '  post(pattern';

export function sample(name) {
  return readFileSync(join(kSamples, name), 'utf8');
}

/** A file that ends where its next method is to come. */
export const kRouter = sample('router.js').split(kRouterEnd)[0];

/** Set while tests run. */
export let code;

// The editor looks for files once; they are there before it starts, and get their text when they are needed.
const kMaxFiles = 50;
const kEndings = ['py', 'js', 'pem'];

function fileName(n, ending) {
  return `file${String(n).padStart(2, '0')}.${ending}`;
}

before(async () => {
  const [folder, vsix] = [process.env.OCTET_CODE_SERVER, process.env.OCTET_VSIX];
  const files = { 'start.py': kCircle, 'lru_cache.py': sample('lru_cache.py'), 'debounce.ts': sample('debounce.ts') };
  for (let n = 1; n <= kMaxFiles; ++n) for (const ending of kEndings) files[fileName(n, ending)] = '';
  code = await CodeServer.start({ folder, vsix, files });
  await code.open('start.py');
  await isReady();
});

after(() => code?.stop());

afterEach((t) => picture(`end of ${t.name.replaceAll(/[^A-Za-z ]/g, '')}`));

export function isReady() {
  return code.untilStatus(/Octet: (ready|nothing)/);
}

let n_opened = 0;

/** Opens a file of the test's own with the cursor at its end; gives its name. */
export async function openNew(text = kCircle, ending = 'py') {
  const name = fileName(++n_opened, ending);
  writeFileSync(join(code.workspace, name), text);
  await code.open(name);
  return name;
}

/** As fast hands do. */
export function type(text, delay = 15) {
  return code.page.keyboard.type(text, { delay });
}

export function press(key) {
  return code.page.keyboard.press(key);
}

/** Types, as a rule the start of a method; gives the ghost text behind it. */
export async function typeUntilGhost(text = '    def peri') {
  await type(text);
  return code.untilGhost();
}

/** Asks by command, with the list of suggestions out of the way; gives the ghost text. */
export async function ask() {
  await press('Escape');
  await code.untilNoGhost();
  await code.run('Octet: Suggest a Completion');
  return code.untilGhost();
}

/** Saves the file, which has changed, and gives its text. */
export async function saved(name) {
  const file = join(code.workspace, name);
  const old = readFileSync(file, 'utf8');
  await press('Control+s');
  let text = '';
  // It is empty before it is written.
  await code.until(async () => !['', old].includes((text = readFileSync(file, 'utf8'))) && !(await code.isDirty()), `${name} to be saved`);
  return text;
}

/** A picture of the window for who looks into a failure. */
export function picture(title) {
  return code.page.screenshot({ path: artefact(`${title}.png`) });
}

/** Where a file that this run leaves is. */
export function artefact(name) {
  const file = join(process.env.OCTET_SCREENSHOTS, name);
  mkdirSync(dirname(file), { recursive: true });
  return file;
}

/** The processes of the server that is in the extension. */
export function servers() {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' });
  const lines = stdout.split('\n').filter((line) => line.includes(code.root) && line.includes('server/octet lsp'));
  return lines.map((line) => Number.parseInt(line, 10));
}
