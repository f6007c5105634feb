import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Places, type Probe, candidates, findServer, readVersion } from '../src/server_discovery';

const kPlaces: Places = { named: '', extensionFolder: '/ext', path: '/usr/bin:relative::/opt/bin', home: '/home/me' };
const kGood = 'octet 0.1.0 (model format octet-1)\n';

function files(there: Record<string, Probe>): (file: string) => Promise<Probe> {
  return (file) => Promise.resolve(there[file] ?? 'missing');
}

test('the extension comes before PATH, of which only absolute folders count', () => {
  assert.deepEqual(candidates(kPlaces).map(({ file }) => file), ['/ext/server/octet', '/usr/bin/octet', '/opt/bin/octet']);
});

test('a file that is named is the only one, and ~ is the home', () => {
  assert.deepEqual(candidates({ ...kPlaces, named: '~/octet' }), [{ file: '/home/me/octet', origin: 'octet.serverPath' }]);
});

test('the first that works is taken', async () => {
  const found = await findServer(kPlaces, files({ '/usr/bin/octet': { problem: 'cannot be run' }, '/opt/bin/octet': { output: kGood } }));
  assert.deepEqual(found, { server: { file: '/opt/bin/octet', origin: 'PATH', version: '0.1.0' } });
});

test('a named file that does not work is not replaced by another', async () => {
  const found = await findServer({ ...kPlaces, named: '/x' }, files({ '/ext/server/octet': { output: kGood } }));
  assert.deepEqual(found, { problem: '/x (octet.serverPath) does not exist' });
});

test('what is wrong is said of every file that is there', async () => {
  const found = await findServer(kPlaces, files({ '/ext/server/octet': { problem: 'cannot be run' }, '/usr/bin/octet': { output: 'ocelot 3' } }));
  assert.ok('problem' in found);
  assert.match(found.problem, /^\/ext\/server\/octet \(inside the extension\) cannot be run; \/usr\/bin\/octet \(PATH\) is no octet: .*'ocelot 3'$/);
  assert.match(((await findServer(kPlaces, files({}))) as { problem: string }).problem, /octet\.serverPath/);
});

test('versions are compared by number', () => {
  assert.deepEqual(readVersion(kGood), { version: '0.1.0' });
  assert.deepEqual(readVersion('octet 0.10.0'), { version: '0.10.0' });
  assert.deepEqual(readVersion('octet 1.0.0'), { version: '1.0.0' });
  assert.ok('problem' in readVersion('octet 0.0.9'));
  assert.ok('problem' in readVersion('octet'));
  assert.ok('problem' in readVersion(''));
});
