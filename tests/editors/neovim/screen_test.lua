-- What a person sees, in a terminal.

local editor = require('editor')

local kSize = { columns = 30, rows = 10 }

local function start()
  return editor.start_in_terminal(kSize)
end

--- Opens `lines` with the cursor at {row, column}, and shows `text`, whose first `n_typed` characters stand there already.
local function show(e, lines, cursor, text, n_typed)
  e:open(lines, cursor)
  e:answer(e:take_request(cursor[1], select(2, vim.str_utfindex(lines[cursor[1]], cursor[2]))), { text }, n_typed or 0)
end

local function has_inline()
  return vim.fn.has('nvim-0.10') == 1
end

return {
  {
    'screen: the end of a line, other lines below, and it is gone in normal mode',
    function()
      local e = start()
      show(e, { 'if x', 'end' }, { 1, 4 }, 'x then\n  go()', 1)
      e:wait_screen({ 'if x then', '  go()', 'end' })
      e:type('<Esc>')
      e:wait_screen({ 'if x', 'end' })
    end,
  },
  {
    'screen: in the middle of a line the text behind the cursor stays readable',
    function()
      local e = start()
      show(e, { 'f(a, b) + 1' }, { 1, 3 }, 'abc', 1)
      e:wait_screen({ 'f(abc, b) + 1' })
      e:type('b')
      e:wait_screen({ 'f(abc, b) + 1' })
      e:type('<Tab>')
      e:wait_screen({ 'f(abc, b) + 1' })
      e:wait_lines({ 'f(abc, b) + 1' })
    end,
  },
  {
    'screen: what is replaced behind the cursor is not seen twice',
    function()
      if has_inline() then
        return -- text that is there cannot be hidden by what stands between characters
      end
      local e = start()
      e:open({ 'f(a); g' }, { 1, 3 })
      e:answer(e:take_request(1, 3), { 'a)' }, 1, 3)
      e:wait_screen({ 'f(a)g' })
    end,
  },
  {
    'screen: wide characters before, in and behind it',
    function()
      local e = start()
      show(e, { '漢字(é👍)漢' }, { 1, #'漢字(é👍' }, '😀字é')
      e:wait_screen({ '漢字(é👍😀字é)漢' })
      e:type('<Tab>')
      e:wait_lines({ '漢字(é👍😀字é)漢' })
      e:wait_screen({ '漢字(é👍😀字é)漢' })
    end,
  },
  {
    'screen: tabs before, in and behind it',
    function()
      local e = start()
      e:lua('vim.o.tabstop = 4')
      show(e, { '\tab\tc' }, { 1, 3 }, 'x\ty\n\tz')
      e:wait_screen({ '    abx y   c', '    z' })
      e:type('<Tab><Esc>')
      e:wait_lines({ '\tabx\ty', '\tz\tc' })
    end,
  },
  {
    'screen: a long suggestion at the end of a line goes on in the next row',
    function()
      if has_inline() then
        return -- Neovim wraps it
      end
      local e = start()
      show(e, { ('a'):rep(20), 'end' }, { 1, 20 }, ('b'):rep(35))
      e:wait_screen({ ('a'):rep(20) .. ('b'):rep(10), ('b'):rep(25), 'end' })
    end,
  },
  {
    'screen: a line that is wrapped, and one that fills its row',
    function()
      local e = start()
      show(e, { ('a'):rep(40), 'end' }, { 1, 40 }, 'bbb')
      e:wait_screen({ ('a'):rep(30), ('a'):rep(10) .. 'bbb', 'end' })
      e:type('<Esc>')
      show(e, { ('c'):rep(30), 'end' }, { 1, 30 }, 'ddd')
      e:wait_screen({ ('c'):rep(30), 'ddd', 'end' })
    end,
  },
  {
    'screen: where there is no room for the text behind the cursor, it goes below',
    function()
      if has_inline() then
        return -- there is always room
      end
      local e = start()
      show(e, { ('a'):rep(20) .. ('c'):rep(8), 'end' }, { 1, 20 }, 'bbb')
      e:wait_screen({ ('a'):rep(20) .. ('c'):rep(8), (' '):rep(20) .. 'bbb', 'end' })
      e:type('<Esc>')
      show(e, { ('a'):rep(20) .. ('c'):rep(28), 'end' }, { 1, 20 }, ('b'):rep(12))
      e:wait_screen({ ('a'):rep(20) .. ('c'):rep(10), ('c'):rep(18), (' '):rep(18) .. ('b'):rep(12), 'end' })
    end,
  },
  {
    'screen: a line that is scrolled sideways',
    function()
      local e = start()
      e:lua('vim.o.wrap, vim.o.sidescroll = false, 1')
      show(e, { ('a'):rep(40) .. 'x' }, { 1, 41 }, 'bb')
      e:type('<C-o>zs')
      e:wait_equal(true, 'vim.fn.winsaveview().leftcol > 0')
      e:answer(e:take_request(1, 41), { 'bb' })
      e:wait_ghost({ text = 'bb' })
      editor.wait('the ghost in the scrolled line', function()
        local line = e:screen()[1]
        return line and vim.endswith(line, 'bb') and #line < 30
      end)
    end,
  },
  {
    'screen: line numbers and a closed fold below',
    function()
      local e = start()
      e:lua("vim.o.number, vim.o.foldmethod, vim.o.fillchars = true, 'manual', 'fold: '")
      e:open({ 'a', 'b', 'c', 'd' }, { 1, 1 })
      local request = e:take_request(1, 1)
      e:lua("vim.cmd('2,3fold')")
      e:answer(request, { 'a!\n 2' }, 1)
      e:wait_ghost({ text = '!' })
      if has_inline() then
        e:wait_screen({ '  1 a!', '     2', '  2 +--  2 lines: b', '  4 d' })
      else -- lines above a closed fold would hide it
        e:wait_screen({ '  1 a!  +1 below', '  2 +--  2 lines: b', '  4 d' })
      end
    end,
  },
  {
    'screen: two windows on one buffer',
    function()
      local e = start()
      show(e, { 'a' }, { 1, 1 }, 'abc', 1)
      e:wait_screen({ 'abc' })
      e:lua('vim.o.fillchars = "eob: "')
      e:type('<Esc><C-w>s')
      e:wait_equal(2, '#vim.api.nvim_list_wins()')
      e:type('A')
      e:answer(e:take_request(1, 1), { 'abc' }, 1)
      e:wait_ghost({ n = 1, text = 'bc' })
      e:type('<Tab><Esc>')
      e:wait_lines({ 'abc' })
      editor.wait('the text in both windows', function()
        return #vim.tbl_filter(function(line)
          return line == 'abc'
        end, e:screen()) == 2
      end)
    end,
  },
  {
    'screen: keys that a terminal sends, fast, and Tab',
    function()
      local e = start()
      show(e, { '' }, { 1, 0 }, 'for i in x:')
      e:wait_screen({ 'for i in x:' })
      vim.fn.system({ 'tmux', '-S', e.terminal, 'send-keys', '-l', 'for\t\n' })
      e:wait_lines({ 'for i in x:', '' })
      e:wait_screen({ 'for i in x:' })
    end,
  },
  {
    'screen: a text that grows never disappears in between',
    function()
      local e = start()
      e:open({ '' }, { 1, 0 })
      local request = e:take_request(1, 0)
      for i = 1, 8 do
        e:partial(request, i - 1, ('abcdefgh'):sub(1, i))
      end
      e:wait_screen({ 'abcdefgh' })
      for i = 1, 8 do
        vim.fn.system({ 'tmux', '-S', e.terminal, 'send-keys', '-l', ('abcdefgh'):sub(i, i) })
        editor.equal(e:screen()[1], 'abcdefgh')
      end
      e:wait_lines({ 'abcdefgh' })
    end,
  },
}
