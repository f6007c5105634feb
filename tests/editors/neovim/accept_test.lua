-- Taking suggestions, or parts of them.

local editor = require('editor')

--- An editor that shows `text` behind `lines`' last one.
local function showing(lines, text, n_typed, options)
  local e = editor.start(options)
  local column = #lines[#lines]
  e:open(lines, { #lines, column })
  e:answer(e:take_request(#lines, column), { text }, n_typed or 0)
  e:wait_equal(true, "require('octet').is_visible()")
  return e
end

return {
  {
    'Tab takes all of it, and the server hears of it',
    function()
      local e = showing({ 'a', 'fo' }, 'for i in x:\n  go()', 2)
      e:type('<Tab>')
      e:wait_lines({ 'a', 'for i in x:', '  go()' })
      editor.equal(e:lua('return vim.api.nvim_win_get_cursor(0)'), { 3, 6 })
      e:wait_ghost(nil)
      local told = e:take('workspace/executeCommand').params
      editor.equal(told, { command = 'octet.acceptCompletion', arguments = { 'for i in x:\n  go()' } })
      editor.equal(e:take_request(3, 6).params.context.triggerKind, 2)
    end,
  },
  {
    'taking it is one step of undo: what was typed before and after is not part of it',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      e:type('ab')
      e:answer(e:take_request(1, 2), { 'abc\nd\ne' }, 2)
      e:wait_ghost({ text = 'c' })
      e:type('<Tab>z<Esc>')
      e:wait_lines({ 'abc', 'd', 'ez' })
      e:type('u')
      e:wait_lines({ 'abc', 'd', 'e' })
      e:type('u')
      e:wait_lines({ 'ab' })
      e:type('<C-r>')
      e:wait_lines({ 'abc', 'd', 'e' })
      e:type('uu')
      e:wait_lines({ '' })
    end,
  },
  {
    'keys typed fast and then Tab: nothing is doubled',
    function()
      local e = showing({ '' }, 'for i in x:')
      e:type('for<Tab>')
      e:wait_lines({ 'for i in x:' })
    end,
  },
  {
    'keys typed fast that are something else, and then Tab: nothing of it is taken',
    function()
      local e = showing({ '' }, 'for i in x:')
      e:type('fob<Tab>c')
      e:wait_lines({ 'fob\tc' })
      e:wait_ghost(nil)
    end,
  },
  {
    'all of it typed fast, and then Tab: Tab is a Tab',
    function()
      local e = showing({ '' }, 'for')
      e:type('for<Tab>x')
      e:wait_lines({ 'for\tx' })
    end,
  },
  {
    'Tab, Tab typed fast takes it once',
    function()
      local e = showing({ '' }, 'for')
      e:type('<Tab><Tab>x')
      e:wait_lines({ 'for\tx' })
    end,
  },
  {
    'keys typed fast, deleted, and then Tab',
    function()
      local e = showing({ '' }, 'for i')
      e:type('fox<BS><BS><BS>f<Tab>')
      e:wait_lines({ 'for i' })
    end,
  },
  {
    'it is taken word by word, with the text behind the cursor where it is',
    function()
      local e = editor.start({ keymaps = { accept_word = '<C-l>' } })
      e:open({ 'x()' }, { 1, 2 })
      e:answer(e:take_request(1, 2), { 'one + 漢字.two\n  three' })
      for _, step in ipairs({
        { { 'x(one)' }, 3 },
        { { 'x(one +)' }, 5 },
        { { 'x(one + 漢字)' }, 12 },
        { { 'x(one + 漢字.)' }, 13 },
        { { 'x(one + 漢字.two)' }, 16 },
        { { 'x(one + 漢字.two', '  three)' }, nil },
      }) do
        e:wait_equal(true, "require('octet').is_visible()")
        e:type('<C-l>')
        e:wait_lines(step[1])
        if step[2] then
          local told = e:take('textDocument/didPartiallyAcceptCompletion').params
          editor.equal({ told.acceptedLength, told.item.insertText }, { step[2], 'one + 漢字.two\n  three' })
        end
      end
      editor.equal(e:take('workspace/executeCommand').params.command, 'octet.acceptCompletion')
      e:wait_ghost(nil)
    end,
  },
  {
    'it is taken line by line',
    function()
      local e = showing({ 'do' }, 'do:\n  a b\n\n  c', 2, { keymaps = { accept_line = '<C-l>' } })
      e:type('<C-l>')
      e:wait_lines({ 'do:' })
      e:wait_ghost({ text = '', below = { '  a b', '', '  c' } })
      e:type('<C-l>')
      e:wait_lines({ 'do:', '  a b' })
      e:type('<C-l>')
      e:wait_lines({ 'do:', '  a b', '', '' })
      e:type('<C-l>')
      e:wait_lines({ 'do:', '  a b', '', '  c' })
      e:wait_ghost(nil)
    end,
  },
  {
    'a part is one step of undo',
    function()
      local e = showing({ 'a' }, 'a b c', 1, { keymaps = { accept_word = '<C-l>' } })
      e:type('<C-l><C-l><Esc>')
      e:wait_lines({ 'a b c' })
      e:type('u')
      e:wait_lines({ 'a b' })
      e:type('u')
      e:wait_lines({ 'a' })
    end,
  },
  {
    'an item that replaces text behind the cursor does so, once',
    function()
      local e = editor.start()
      e:open({ 'f(a); g' }, { 1, 3 })
      e:answer(e:take_request(1, 3), { 'abc)' }, 1, 1)
      e:wait_ghost({ text = 'bc)' })
      e:type('b<Tab>')
      e:wait_lines({ 'f(abc); g' })
    end,
  },
  {
    'taken in parts, what it replaces behind the cursor goes with the last one',
    function()
      local e = editor.start({ keymaps = { accept_word = '<C-l>' } })
      e:open({ 'f(a); g' }, { 1, 3 })
      e:answer(e:take_request(1, 3), { 'abc);' }, 1, 2)
      e:wait_ghost({ text = 'bc);' })
      e:type('<C-l>')
      e:wait_lines({ 'f(abc); g' })
      e:type('<C-l>')
      e:wait_lines({ 'f(abc); g' })
      e:wait_ghost(nil)
      editor.equal(e:lua('return vim.api.nvim_win_get_cursor(0)'), { 1, 7 })
      editor.equal(e:take('workspace/executeCommand').params.arguments, { 'abc);' })
    end,
  },
  {
    'it is taken as it was suggested, whatever is done to what is typed',
    function()
      local e = editor.start()
      e:open({ '  a' }, { 1, 3 })
      e:lua("vim.bo.autoindent, vim.bo.cindent, vim.bo.expandtab, vim.bo.textwidth, vim.bo.formatoptions = true, true, true, 8, 'tcqa'")
      e:lua("vim.bo.indentkeys, vim.bo.cinkeys = '0},o,e,!^F', '0},o,e'; vim.cmd('iabbrev bc wrong')")
      e:answer(e:take_request(1, 3), { 'abc {\n\tlong words in a line\n      }' }, 1)
      e:wait_ghost({ text = 'bc {' })
      e:type('<Tab>')
      e:wait_lines({ '  abc {', '\tlong words in a line', '      }' })
    end,
  },
  {
    'lines that end with CR LF at the server have none in the buffer',
    function()
      local e = editor.start({ keymaps = { accept_line = '<C-l>' } })
      e:open({ 'a' }, { 1, 1 })
      e:lua("vim.bo.fileformat = 'dos'")
      e:answer(e:take_request(1, 1), { 'ab\r\nc\r\nd' }, 1)
      e:wait_ghost({ text = 'b', below = { 'c', 'd' } })
      e:type('<C-l><C-l>')
      e:wait_lines({ 'ab', 'c' })
      e:take('textDocument/didPartiallyAcceptCompletion')
      editor.equal(e:take('textDocument/didPartiallyAcceptCompletion').params.acceptedLength, 5)
      e:type('<Tab>')
      e:wait_lines({ 'ab', 'c', 'd' })
    end,
  },
  {
    'next and previous ask for alternatives and go round',
    function()
      local e = showing({ '' }, 'two', 0, { keymaps = { next = '<C-j>', previous = '<C-k>' } })
      e:type('<C-j>')
      local request = e:take_request(1, 0)
      while request.params.context.triggerKind ~= 1 do
        request = e:take_request(1, 0)
      end
      e:partial(request, 0, 'on')
      e:settle()
      editor.equal(e:ghost().text, 'two')
      e:answer(request, { 'one', 'two', 'three' })
      e:wait_ghost({ text = 'one' })
      e:type('<C-j>')
      e:wait_ghost({ text = 'three' })
      e:type('<C-j>')
      e:wait_ghost({ text = 'two' })
      e:type('<C-k>')
      e:wait_ghost({ text = 'three' })
      local n_requests = e:count('textDocument/inlineCompletion')
      e:type('t')
      e:wait_ghost({ text = 'hree' })
      e:settle()
      editor.equal(e:count('textDocument/inlineCompletion'), n_requests) -- the answer could be another one
      e:type('<Tab>')
      e:wait_lines({ 'three' })
      editor.equal(e:take('workspace/executeCommand').params.arguments, { 'three' })
    end,
  },
  {
    'what was dismissed comes back when the text changes, or when it is asked for',
    function()
      local e = showing({ 'a' }, 'abc', 1, { keymaps = { dismiss = '<C-e>', trigger = '<C-l>' } })
      e:type('<C-e>')
      e:wait_ghost(nil)
      e:type('<C-l>')
      local request = e:take_request(1, 1)
      editor.equal(request.params.context.triggerKind, 1)
      e:answer(request, { 'abc' }, 1)
      e:wait_ghost({ text = 'bc' })
      e:type('<C-e>')
      e:wait_ghost(nil)
      e:type('b')
      e:answer(e:take_request(1, 2), { 'abc' }, 2)
      e:wait_ghost({ text = 'c' })
    end,
  },
  {
    'the functions of the module take it too, before keys that wait',
    function()
      local e = showing({ '' }, 'one two')
      e:lua("vim.keymap.set('i', '<C-l>', function() return require('octet').accept_word() or require('octet').accept() end)")
      e:type('<C-l>;')
      e:wait_lines({ 'one;' })
      editor.equal(e:lua("return require('octet').accept()"), false)
    end,
  },
}
