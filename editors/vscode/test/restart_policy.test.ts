import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartPolicy, describeEnd, describeGivingUp, kMaxRestarts, kPeriodMs } from '../src/restart_policy';

test('four deaths in three minutes are forgiven, the fifth is not', () => {
  const policy = new RestartPolicy();
  for (let n = 0; n < 4; ++n) assert.ok(policy.mayRestart(n * 1000), `death ${n}`);
  assert.ok(!policy.mayRestart(4000));
  assert.ok(!policy.mayRestart(kPeriodMs - 1));
});

test('what is three minutes old is forgotten, and nothing younger', () => {
  const policy = new RestartPolicy();
  for (let n = 0; n < kMaxRestarts; ++n) policy.mayRestart(n * 1000);
  assert.ok(policy.mayRestart(kPeriodMs));
  assert.ok(!policy.mayRestart(kPeriodMs + 1));
});

test('deaths that are far apart are forgiven for ever', () => {
  const policy = new RestartPolicy();
  for (let n = 0; n < 100; ++n) assert.ok(policy.mayRestart((n * kPeriodMs) / kMaxRestarts));
});

test('a person who restarts the server begins anew', () => {
  const policy = new RestartPolicy();
  for (let n = 0; n <= kMaxRestarts; ++n) policy.mayRestart(0);
  policy.reset();
  assert.ok(policy.mayRestart(1));
});

test('the end is told with how it came and the last words', () => {
  assert.equal(describeEnd(undefined), 'the connection to the server broke');
  assert.equal(describeEnd({ code: 1, signal: null, lastWords: '' }), 'the server ended with exit code 1');
  assert.match(describeGivingUp({ code: null, signal: 'SIGSEGV', lastWords: 'no model' }), /killed by SIGSEGV: no model.*4 times in 3 minutes/);
});
