-- Text that grows while it is computed.

local editor = require('editor')

return {
  {
    'a text grows on the screen before its answer',
    function()
      local e = editor.start()
      e:open({ 'x' }, { 1, 1 })
      local request = e:take_request(1, 1)
      e:partial(request, 0, 'xa', 1)
      e:wait_ghost({ text = 'a' })
      e:partial(request, 1, 'xab\n  c', 1)
      e:wait_ghost({ text = 'ab', below = { '  c' } })
      e:answer(request, { 'xab\n  cd' }, 1)
      e:wait_ghost({ n = 1, text = 'ab', below = { '  cd' } })
      editor.equal(e:count('textDocument/didShowCompletion'), 1)
    end,
  },
  {
    'the server hears that texts may grow and that its state is wanted',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      local options = e:take('initialize').params.initializationOptions.octet
      editor.equal({ options.streaming, options.status, options.enabled }, { true, true, true })
    end,
  },
  {
    'while it is typed through, a text that begins anew does not flicker',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      e:answer(e:take_request(1, 0), { 'abcdef' })
      e:wait_ghost({ text = 'abcdef' })
      e:type('a')
      local request = e:take_request(1, 1)
      local before = e:lua('return t.n_marks')
      e:partial(request, 0, 'ab', 1)
      e:partial(request, 1, 'abcdef', 1)
      e:settle()
      editor.equal(e:ghost().text, 'bcdef')
      editor.equal(e:lua('return t.n_marks'), before)
      e:partial(request, 2, 'abcdefg', 1)
      e:wait_ghost({ text = 'bcdefg' })
      e:answer(request, { 'abc' }, 1)
      e:wait_ghost({ text = 'bc' })
    end,
  },
  {
    'parts of an older request are dropped',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      local first = e:take_request(1, 0)
      e:type('a')
      local second = e:take_request(1, 1)
      e:partial(first, 0, 'old')
      e:partial(first, 1, 'abcde')
      e:settle()
      editor.equal(e:ghost(), nil)
      e:partial(second, 0, 'abc', 1)
      e:wait_ghost({ text = 'bc' })
      e:partial({ id = first.id, params = second.params }, 2, 'abcde', 1)
      e:settle()
      editor.equal(e:ghost().text, 'bc')
    end,
  },
  {
    'parts that come after their answer are dropped',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      local request = e:take_request(1, 0)
      e:answer(request, { 'abc' })
      e:partial(request, 0, 'abcdef')
      e:settle()
      editor.equal(e:ghost().text, 'abc')
    end,
  },
  {
    'a text that still grows can be taken as it is',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      local request = e:take_request(1, 0)
      e:partial(request, 0, 'abc')
      e:wait_ghost({ text = 'abc' })
      e:type('<Tab>')
      e:wait_lines({ 'abc' })
      e:partial(request, 1, 'abcdef')
      e:take_request(1, 3)
      e:settle()
      editor.equal(e:ghost(), nil)
    end,
  },
}
