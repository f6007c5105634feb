import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ServerStatus, statusText } from '../src/status_text';

const kReady: ServerStatus = { state: 'ready', model: { name: 'octet', profile: 'int8' }, device: 'cpu avx2', message: 'octet on cpu', lastReason: null };

test('a server that is ready shows its model, its device and its last latency', () => {
  const { text, tooltip, severity } = statusText({ process: 'running', status: kReady, latencyMs: 21.4 });
  assert.equal(text, '$(zap) Octet');
  assert.equal(tooltip, 'Octet: ready\nModel: octet (int8)\nDevice: cpu avx2\nLast completion: 21 ms');
  assert.equal(severity, 'normal');
});

test('the reason for silence is shown, unless it is that keys came fast', () => {
  const silent = (lastReason: string): string =>
    statusText({ process: 'running', status: { ...kReady, lastReason, message: 'this file is secret' } }).tooltip;
  assert.match(silent('secret_file'), /nothing to show, this file is secret/);
  assert.match(silent('superseded'), /^Octet: ready/);
});

test('every state of the server has a picture of its own, and failures stand out', () => {
  const of = (state: ServerStatus['state']) => statusText({ process: 'running', status: { ...kReady, state, message: 'm' } });
  assert.match(of('disabled').text, /circle-slash/);
  assert.match(of('loading').text, /loading/);
  assert.equal(of('failed').severity, 'error');
  assert.match(of('unloaded').tooltip, /Octet: m/);
});

test('a language that is off is told apart from a server that is off', () => {
  assert.match(statusText({ process: 'running', status: kReady, language: 'markdown', isLanguageDisabled: true }).tooltip, /off for markdown/);
});

test('a server that does not run says why', () => {
  const { tooltip, severity } = statusText({ process: 'stopped', failure: 'there is no octet' });
  assert.equal(severity, 'error');
  assert.match(tooltip, /there is no octet/);
  assert.match(statusText({ process: 'starting' }).text, /loading/);
});
