-- What is shown, and when it is not any more.

local editor = require('editor')

return {
  {
    'an answer is shown at the end of the line, its other lines below',
    function()
      local e = editor.start()
      e:open({ 'if x' }, { 1, 4 })
      e:answer(e:take_request(1, 4), { 'xy:\n\treturn 1\n' }, 1)
      e:wait_ghost({ n = 1, row = 1, column = 4, text = 'y:', behind = '', below = { '        return 1', '' } })
      local shown = e:take('textDocument/didShowCompletion')
      editor.equal(shown.params.item.insertText, 'xy:\n\treturn 1\n')
    end,
  },
  {
    'typing what is suggested shortens the ghost without an answer',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      e:answer(e:take_request(1, 0), { 'for i in x:' })
      e:wait_ghost({ text = 'for i in x:' })
      e:type('fo')
      e:wait_ghost({ column = 2, text = 'r i in x:' })
      e:type('r')
      e:wait_ghost({ column = 3, text = ' i in x:' })
      e:answer(e:take_request(1, 3), { 'for i in xs:' }, 3)
      e:wait_ghost({ column = 3, text = ' i in xs:' })
    end,
  },
  {
    'typing another character hides it at once',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      e:answer(e:take_request(1, 0), { 'for' })
      e:wait_ghost({ text = 'for' })
      e:type('fa')
      e:wait_lines({ 'fa' })
      e:wait_ghost(nil)
      e:take_request(1, 2)
    end,
  },
  {
    'a new line that was suggested, with its indentation, may be typed',
    function()
      local e = editor.start()
      e:open({ '  if x:' }, { 1, 7 })
      e:lua('vim.bo.autoindent, vim.bo.expandtab, vim.bo.shiftwidth = true, true, 2')
      e:answer(e:take_request(1, 7), { '\n  go()\n  stop()' })
      e:wait_ghost({ text = '', below = { '  go()', '  stop()' } })
      e:type('<CR>')
      e:wait_ghost({ row = 2, column = 2, text = 'go()', below = { '  stop()' } })
      e:type('go')
      e:wait_ghost({ row = 2, column = 4, text = '()', below = { '  stop()' } })
    end,
  },
  {
    'text behind the cursor stays readable, its old place is covered',
    function()
      local e = editor.start()
      e:open({ 'f(a)' }, { 1, 3 })
      e:answer(e:take_request(1, 3), { 'abc' }, 1)
      if e:lua("return vim.fn.has('nvim-0.10')") == 1 then
        return e:wait_ghost({ column = 3, text = 'bc', behind = '' })
      end
      e:wait_ghost({ column = 3, text = 'bc', behind = ')' })
    end,
  },
  {
    'an answer to an older text is dropped',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      local first = e:take_request(1, 0)
      e:type('a')
      local second = e:take_request(1, 1)
      e:answer(first, { 'old' })
      e:settle()
      editor.equal(e:ghost(), nil)
      e:answer(second, { 'anew' }, 1)
      e:wait_ghost({ n = 1, text = 'new' })
    end,
  },
  {
    'answers out of order: the newest wins, whichever comes first',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      local first = e:take_request(1, 0)
      e:type('a')
      local second = e:take_request(1, 1)
      e:answer(second, { 'anew' }, 1)
      e:wait_ghost({ text = 'new' })
      e:answer(first, { 'another old one' })
      e:settle()
      editor.equal(e:ghost().text, 'new')
    end,
  },
  {
    'an answer to an older text is dropped although no key was pressed',
    function()
      local e = editor.start()
      e:open({ 'a', '' }, { 1, 1 })
      local request = e:take_request(1, 1)
      e:lua("vim.api.nvim_buf_set_lines(0, 1, 2, false, { 'changed' })")
      e:answer(request, { 'abc' }, 1)
      e:settle()
      editor.equal(e:ghost(), nil)
    end,
  },
  {
    'an answer that comes after insert mode is dropped, and its request cancelled',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      local request = e:take_request(1, 0)
      e:type('<Esc>')
      e:wait_equal('n', 'vim.api.nvim_get_mode().mode')
      editor.equal(e:take('$/cancelRequest').params.id, request.id)
      e:answer(request, { 'late' })
      e:settle()
      editor.equal(e:ghost(), nil)
    end,
  },
  {
    'an empty answer, an error and nonsense hide what was there',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      for i, reply in ipairs({
        { result = { items = {} } },
        { error = { code = -32603, message = 'no' } },
        { result = { items = { { insertText = { kind = 'snippet', value = 'x' } } } } },
      }) do
        e:answer(e:take_request(1, i - 1), { ('x'):rep(10) }, i - 1)
        e:wait_ghost({ text = ('x'):rep(11 - i) })
        e:type('x')
        local request = e:take_request(1, i)
        e:wait_ghost({ text = ('x'):rep(10 - i) })
        reply.id = request.id
        e:send(reply)
        e:wait_ghost(nil)
        e:type('<BS>')
        e:take_request(1, i - 1)
        e:type('x')
      end
    end,
  },
  {
    'an item that does not fit to the line is not shown',
    function()
      local e = editor.start()
      e:open({ 'abc', 'def' }, { 1, 3 })
      local request = e:take_request(1, 3)
      local function at(line, a, b)
        return { start = { line = line, character = a }, ['end'] = { line = line, character = b } }
      end
      e:send({
        id = request.id,
        result = {
          items = {
            { insertText = 'xyz', range = at(0, 0, 3) },
            { insertText = 'def', range = at(1, 0, 3) },
            { insertText = 'abc', range = at(0, 0, 3) },
          },
        },
      })
      e:settle()
      editor.equal(e:ghost(), nil)
    end,
  },
  {
    'moving the cursor hides it and asks at the new place',
    function()
      local e = editor.start()
      e:open({ 'ab', '' }, { 1, 2 })
      e:answer(e:take_request(1, 2), { 'abc' }, 2)
      e:wait_ghost({ text = 'c' })
      e:type('<Left>')
      e:wait_ghost(nil)
      e:take_request(1, 1)
    end,
  },
  {
    'one place is asked about once',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      e:answer(e:take_request(1, 0), {})
      e:type('a')
      e:answer(e:take_request(1, 1), { 'abc' }, 1)
      e:wait_ghost({ text = 'bc' })
      editor.equal(e:count('textDocument/inlineCompletion'), 2)
    end,
  },
  {
    'characters of two cells, of four bytes and of two UTF-16 units are placed right',
    function()
      local e = editor.start()
      e:open({ "s = '漢😀𐐷é'; x" }, { 1, #"s = '漢😀𐐷é" })
      e:answer(e:take_request(1, 11), { '漢😀𐐷é字👍' }, 6)
      e:wait_ghost({ column = #"s = '漢😀𐐷é", text = '字👍' })
      e:type('<Tab>')
      e:wait_lines({ "s = '漢😀𐐷é字👍'; x" })
    end,
  },
  {
    'a ghost that does not change is not drawn again',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      local request = e:take_request(1, 0)
      e:answer(request, { 'abc' })
      e:wait_ghost({ text = 'abc' })
      local before = e:lua('return t.n_marks')
      e:type('a')
      e:wait_ghost({ text = 'bc' })
      e:answer(e:take_request(1, 1), { 'abc' }, 1)
      e:settle()
      editor.equal(e:lua('return t.n_marks'), before + 1)
      editor.equal(e:count('textDocument/didShowCompletion'), 1)
    end,
  },
  {
    'its colours are those of a comment, or the person\'s own, also after another colour scheme',
    function()
      local e = editor.start()
      e:open({ 'a' }, { 1, 1 })
      e:answer(e:take_request(1, 1), { 'abc\nd' }, 1)
      e:wait_ghost({ text = 'bc', below = { 'd' } })
      local groups = e:lua([[
        local mark = vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('octet'), 0, -1, { details = true })[1][4]
        return { mark.virt_text[1][2], mark.virt_lines[1][1][2] }
      ]])
      editor.equal(groups, { 'OctetSuggestion', 'OctetSuggestion' })
      local function looks(group)
        return e:lua("return vim.fn.synIDattr(vim.fn.synIDtrans(vim.fn.hlID(...)), 'fg')", group)
      end
      e:lua("vim.cmd('colorscheme blue')")
      editor.equal({ looks('OctetSuggestion'), looks('OctetHint') }, { looks('Comment'), looks('NonText') })
      e:lua("vim.cmd('highlight OctetSuggestion ctermfg=5 guifg=Red')")
      e:setup()
      editor.equal(looks('OctetSuggestion') ~= looks('Comment'), true)
    end,
  },
  {
    'each key asks at once: no timer stands between',
    function()
      local e = editor.start()
      e:lua([[
        local uv = vim.uv or vim.loop
        t.n_timers = 0
        for _, place in ipairs({ { uv, 'new_timer' }, { vim, 'defer_fn' }, { vim.fn, 'timer_start' } }) do
          local holder, name = unpack(place)
          local original = holder[name]
          holder[name] = function(...)
            local caller = debug.getinfo(2, 'S').source
            t.n_timers = t.n_timers + (caller:find('lua/octet/', 1, true) and 1 or 0)
            return original(...)
          end
        end
      ]])
      e:open({ '' }, { 1, 0 })
      e:take_request(1, 0)
      for i, key in ipairs({ 'a', 'b', 'c' }) do
        e:type(key)
        e:take_request(1, i)
      end
      editor.equal(e:count('textDocument/inlineCompletion'), 4)
      editor.equal(e:lua('return t.n_timers'), 0)
    end,
  },
  {
    'the other window on the same buffer takes the suggestion where its own cursor is',
    function()
      local e = editor.start()
      e:open({ 'one', 'two' }, { 1, 3 })
      e:answer(e:take_request(1, 3), { 'one1' }, 3)
      e:wait_ghost({ text = '1' })
      e:type('<Esc><C-w>s<C-w>ja')
      e:take_request(1, 3)
      e:type('<Esc><C-w>kjA')
      e:answer(e:take_request(2, 3), { 'two2' }, 3)
      e:wait_ghost({ n = 1, row = 2, text = '2' })
      e:type('<Tab><Esc>')
      e:wait_lines({ 'one', 'two2' })
      e:wait_ghost(nil)
    end,
  },
  {
    'reading the file again, in insert mode too, leaves no ghost and no stale text at the server',
    function()
      local e = editor.start()
      local path = vim.fn.tempname()
      vim.fn.writefile({ 'ab' }, path)
      e:open({ '' }, { 1, 0 })
      e:type('<Esc>')
      e:lua("vim.cmd('edit ' .. ...)", path)
      e:type('A')
      e:answer(e:take_request(1, 2), { 'abc' }, 2)
      e:wait_ghost({ text = 'c' })
      vim.fn.writefile({ 'xyz' }, path)
      e:lua('vim.schedule(function() vim.cmd("edit!") end)')
      e:wait_lines({ 'xyz' })
      e:wait_ghost(nil)
      editor.equal(e:take('textDocument/didOpen').params.textDocument.text, 'xyz\n')
      e:type('<Esc>A')
      e:answer(e:take_request(1, 3), { 'xyz!' }, 3)
      e:wait_ghost({ text = '!' })
    end,
  },
}
