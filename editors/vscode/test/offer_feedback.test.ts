import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OfferFeedback } from '../src/offer_feedback';

function recorded(): { said: string[]; feedback: OfferFeedback } {
  const said: string[] = [];
  const feedback = new OfferFeedback({
    accepted: (token) => said.push(`accepted ${token}`),
    shown: (token) => said.push(`shown ${token}`),
    acceptedPartly: (token, length) => said.push(`partly ${token} ${length}`),
  });
  return { said, feedback };
}

test('what is done with text that still grows is told once it has a token, in its order', () => {
  const { said, feedback } = recorded();
  const id = feedback.makeId();
  feedback.shown(id);
  feedback.acceptedPartly(id, 4);
  feedback.accepted(id);
  assert.deepEqual(said, []);
  feedback.name(id, 't');
  assert.deepEqual(said, ['shown t', 'partly t 4', 'accepted t']);
  feedback.name(id, 't');
  assert.equal(said.length, 3);
});

test('an answer is shown once, however often the editor asks', () => {
  const { said, feedback } = recorded();
  const [a, b] = [feedback.makeId(), feedback.makeId()];
  feedback.name(a, 'a');
  feedback.name(b, 'b');
  for (const id of [a, a, b, a]) feedback.shown(id);
  assert.deepEqual(said, ['shown a', 'shown b']);
});

test('what was never answered, or long ago, is not told', () => {
  const { said, feedback } = recorded();
  const id = feedback.makeId();
  for (let n = 0; n < 32; ++n) feedback.makeId();
  feedback.name(id, 'old');
  feedback.accepted(id);
  feedback.accepted(99);
  assert.deepEqual(said, []);
});
