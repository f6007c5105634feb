// Ghost text with a server that says what the test wants, when it wants.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { configure, items, look, open, prepareEditor, type, until, user, vscode } from './editor';
import { GhostText } from '../src/ghost_text';
import type { Part } from '../src/growth';
import { OfferFeedback } from '../src/offer_feedback';

interface Question {
  params: any;
  token: any;
  answer(text?: string): void;
}

function start(t: TestContext, settings: Record<string, unknown> = {}) {
  const editor = prepareEditor();
  configure(settings);
  const questions: Question[] = [];
  const said: string[] = [];
  const feedback = new OfferFeedback({
    accepted: (token) => said.push(`accepted ${token}`),
    shown: (token) => said.push(`shown ${token}`),
    acceptedPartly: (token, length) => said.push(`partly ${token} ${length}`),
  });
  const request = (_method: string, params: any, token: any): Promise<any> =>
    new Promise((resolve) => {
      const { position } = params;
      const range = { start: position, end: position };
      const item = (insertText: string): object => ({ insertText, range, command: { arguments: [`t${questions.length}`] } });
      questions.push({ params, token, answer: (text) => resolve({ items: text === undefined ? [] : [item(text)] }) });
    });
  const ghostText = new GhostText({ request }, feedback, () => {}, () => {});
  const registered = [
    vscode.languages.registerInlineCompletionItemProvider([], ghostText),
    vscode.workspace.onDidChangeTextDocument((event: any) => ghostText.onChange(event)),
  ];
  t.after(() => {
    for (const each of registered) each.dispose();
    user.reset();
  });
  let sequence = 0;
  let asked = 1;
  const grow = (document: any, text: string, done = false): void => {
    const { position } = questions[0]!.params;
    const range = { start: position, end: position };
    const part: Part = { uri: document.uri.toString(), version: asked, requestId: 1, sequence: sequence++, text, range, done };
    ghostText.onPart(part);
  };
  const ask = async (document: any, options = {}): Promise<string[]> => (await items(document, options)).map(({ insertText }) => insertText);
  /** Asks, and returns once the question is there; `shown` is for its answer. */
  const first = async (document: any): Promise<{ shown: Promise<string[]> }> => {
    asked = document.version;
    const shown = ask(document);
    await until(() => questions.length === 1, 'a question');
    return { shown };
  };
  /** A key, with the cursor's news, which come right behind the document's. */
  const press = (document: any, text: string): void => {
    type(document, text);
    const { selection } = vscode.window.activeTextEditor;
    ghostText.onCursor({ document, selections: [{ active: selection.active, isEmpty: true }] } as any);
  };
  return { editor, ghostText, questions, said, grow, ask, first, press };
}

const kTrigger = 'editor.action.inlineSuggest.trigger';

test('an answer that comes soon after its first part is shown at once and whole', async (t) => {
  const { editor, questions, grow, first } = start(t);
  const document = open();
  const { shown } = await first(document);
  grow(document, 'ra');
  setTimeout(() => {
    grow(document, 'radius', true);
    questions[0]!.answer('radius');
  }, 5);
  assert.deepEqual(await shown, ['radius']);
  assert.deepEqual(editor.executed, []);
});

test('text that grows is shown, and the editor asks again for more of it without another question', async (t) => {
  const { editor, questions, grow, first, ask, said } = start(t);
  const document = open();
  const { shown } = await first(document);
  grow(document, 'ra');
  assert.deepEqual(await shown, ['ra']);
  const given: string[][] = [];
  editor.onCommand.set(kTrigger, async () => given.push(await ask(document, { isInvoked: true })));
  grow(document, 'radius * ');
  await until(() => given.length === 1, 'the editor to ask again');
  assert.equal(editor.context.get('octet.isGrowing'), true);
  questions[0]!.answer('radius * self.radius');
  await until(() => given.length === 2, 'the editor to ask again');
  assert.deepEqual(given, [['radius * '], ['radius * self.radius']]);
  assert.equal(questions.length, 1);
  assert.deepEqual(said, ['shown t1']);
  assert.equal(editor.context.get('octet.isGrowing'), false);
});

test('who asks by command while nothing grows gets a new question', async (t) => {
  const { questions, first, ask } = start(t);
  const document = open();
  const { shown } = await first(document);
  await until(() => questions.length === 1, 'a question');
  questions[0]!.answer('radius');
  assert.deepEqual(await shown, ['radius']);
  const again = ask(document, { isInvoked: true });
  await until(() => questions.length === 2, 'another question');
  assert.deepEqual(questions.map(({ params }) => params.context.triggerKind), [2, 1]);
  questions[1]!.answer('radius ** 2');
  assert.deepEqual(await again, ['radius ** 2']);
});

test('text is typed while it grows: it stays, and where all is typed the next part is waited for', async (t) => {
  const { questions, grow, first, ask } = start(t);
  const document = open();
  const { shown } = await first(document);
  grow(document, 'ra');
  await shown;
  type(document, 'r');
  assert.deepEqual(await ask(document), ['ra']);
  type(document, 'a');
  const waiting = ask(document);
  grow(document, 'radius');
  assert.deepEqual(await waiting, ['radius']);
  questions[0]!.answer('radius * 2');
  await until(async () => (await ask(document))[0] === 'radius * 2', 'the answer');
  assert.equal(questions.length, 1);
});

test('the server is asked at the key, and its answer is there when the editor asks', async (t) => {
  const { questions, ask, press } = start(t);
  const document = open();
  press(document, 'r');
  assert.equal(questions.length, 1);
  assert.deepEqual(questions[0]!.params.position, { line: 5, character: 'return 3.14 * self.r'.length + 8 });
  questions[0]!.answer('adius');
  assert.deepEqual(await ask(document), ['adius']);
  press(document, 'a');
  assert.equal(questions.length, 1, 'what was suggested is not asked for');
  press(document, 'x');
  assert.equal(questions.length, 2);
  questions[1]!.answer();
  assert.deepEqual(await ask(document), []);
  assert.equal(questions.length, 2, 'an empty answer is not asked for twice');
  const again = ask(document);
  await until(() => questions.length === 3, 'a question where the editor asks twice');
  questions[2]!.answer();
  await again;
});

test('an answer that is still to come when the editor asks is waited for', async (t) => {
  const { questions, ask, grow, press } = start(t);
  const document = open();
  press(document, 'r');
  const shown = ask(document);
  grow(document, 'ad');
  questions[0]!.answer('adius');
  assert.deepEqual(await shown, ['adius']);
  assert.equal(questions.length, 1);
});

test('a cursor that moves without a change asks nothing, nor does undoing', async (t) => {
  const { ghostText, questions, press } = start(t);
  const document = open();
  const cursor = { document, selections: [{ active: document.positionAt(3), isEmpty: true }] } as any;
  ghostText.onCursor(cursor);
  ghostText.onChange({ document, contentChanges: [{ rangeOffset: 0, rangeLength: 0, text: 'x' }], reason: 1 } as any);
  ghostText.onCursor(cursor);
  assert.equal(questions.length, 0);
  user.configure('editor', { inlineSuggest: { enabled: false } });
  press(document, 'r');
  assert.equal(questions.length, 0, 'the editor would not ask');
});

test('behind the list of suggestions, what goes on from its entry is there without a question', async (t) => {
  const { questions, ask, first } = start(t);
  const document = open();
  const { shown } = await first(document);
  questions[0]!.answer('radius * self.radius');
  await shown;
  const begin = document.getText().length;
  type(document, 'rad');
  const range = new vscode.Range(document.positionAt(begin), document.positionAt(begin + 3));
  assert.deepEqual(await ask(document, { selected: { range, text: 'radius' } }), ['radius * self.radius']);
  assert.equal(questions.length, 1);
  const other = ask(document, { selected: { range, text: 'radical' } });
  await until(() => questions.length === 2, 'a question about another entry');
  questions[1]!.answer();
  assert.deepEqual(await other, []);
});

test('an entry of the list that stands inside of what is suggested is replaced alone', async (t) => {
  const { questions, ask, first } = start(t);
  const document = open();
  const { shown } = await first(document);
  questions[0]!.answer('radius * self.radius');
  await shown;
  type(document, 'radius * se');
  const end = document.getText().length;
  const range = new vscode.Range(document.positionAt(end - 2), document.positionAt(end));
  assert.deepEqual(await ask(document, { selected: { range, text: 'self' } }), ['self.radius']);
  assert.equal(questions.length, 1);
});

test('other text than what grows is another question', async (t) => {
  const { questions, grow, first, ask } = start(t);
  const document = open();
  const { shown } = await first(document);
  grow(document, 'ra');
  await shown;
  type(document, 'x');
  const other = ask(document);
  await until(() => questions.length === 2, 'another question');
  questions[0]!.answer('radius');
  questions[1]!.answer('_axis');
  assert.deepEqual(await other, ['_axis']);
});

test('dismissed text does not come back when more of it arrives', async (t) => {
  const { editor, ghostText, questions, grow, first } = start(t);
  const document = open();
  const { shown } = await first(document);
  grow(document, 'ra');
  await shown;
  await ghostText.dismiss();
  assert.ok(questions[0]!.token.isCancellationRequested);
  grow(document, 'radius');
  questions[0]!.answer('radius * 2');
  await new Promise((resolve) => setTimeout(resolve, 150)); // longer than a refresh waits
  assert.deepEqual(editor.executed, ['editor.action.inlineSuggest.hide']);
  assert.equal(editor.context.get('octet.isGrowing'), false);
});

test('the editor is not asked to show more where the cursor has gone elsewhere', async (t) => {
  const { editor, questions, grow, first } = start(t);
  const document = open();
  const { shown } = await first(document);
  grow(document, 'ra');
  await shown;
  look(document, 3);
  questions[0]!.answer('radius');
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.deepEqual(editor.executed, []);
});

test('without streaming only whole text is shown', async (t) => {
  const { editor, questions, grow, first } = start(t, { streaming: false });
  const document = open();
  const { shown } = await first(document);
  grow(document, 'ra');
  setTimeout(() => questions[0]!.answer('radius'), 80);
  assert.deepEqual(await shown, ['radius']);
  assert.deepEqual(editor.executed, []);
});

test('a question that the editor drops is withdrawn once nobody asks on, and not before', async (t) => {
  const { questions, ask } = start(t);
  const document = open();
  const source = new vscode.CancellationTokenSource();
  const dropped = ask(document, { token: source.token });
  await until(() => questions.length === 1, 'a question');
  source.cancel();
  assert.deepEqual(await dropped, []);
  assert.equal(questions.length, 1);
  assert.ok(!questions[0]!.token.isCancellationRequested, 'the next key may continue it');
  await until(() => questions[0]!.token.isCancellationRequested, 'its end');
});

test('a question that another one follows is left to the server', async (t) => {
  const { questions, ask } = start(t);
  const document = open();
  const source = new vscode.CancellationTokenSource();
  void ask(document, { token: source.token });
  await until(() => questions.length === 1, 'a question');
  source.cancel();
  type(document, 'r');
  void ask(document);
  await new Promise((resolve) => setTimeout(resolve, 300)); // longer than an abandoned question lives
  assert.deepEqual(questions.map(({ token }) => token.isCancellationRequested), [false, false]);
  questions[1]!.answer();
});

test('what was asked before settings changed is not offered, then or later', async (t) => {
  const { ghostText, questions, first, ask } = start(t);
  const document = open();
  const { shown } = await first(document);
  ghostText.forget();
  questions[0]!.answer('radius');
  assert.deepEqual(await shown, []);
  const again = ask(document);
  await until(() => questions.length === 2, 'another question');
  questions[1]!.answer();
  assert.deepEqual(await again, []);
});

test('text that is taken while it grows is reported once it has a name', async (t) => {
  const { editor, ghostText, questions, grow, first, said } = start(t);
  const document = open();
  const { shown } = await first(document);
  grow(document, 'radius * ');
  await shown;
  editor.onCommand.set('editor.action.inlineSuggest.acceptNextWord', () => type(document, 'radius'));
  await ghostText.takePart('editor.action.inlineSuggest.acceptNextWord');
  assert.deepEqual(said, []);
  questions[0]!.answer('radius * 2');
  await until(() => said.length === 2, 'the reports');
  assert.deepEqual(said, ['shown t1', 'partly t1 6']);
});

