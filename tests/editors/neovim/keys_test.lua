-- Keys mean what they meant before, where there is no suggestion.

local editor = require('editor')

--- Maps Tab with `before`, sets up, presses Tab without and with a suggestion.
local function check(before, expected)
  local e = editor.start(false)
  e:lua(before)
  e:setup()
  e:open({ '' }, { 1, 0 })
  e:take_request(1, 0)
  e:type('<Tab>')
  e:wait_lines({ expected })
  e:type('<Esc>0C')
  e:wait_lines({ '' })
  e:answer(e:take_request(1, 0), { 'suggested' })
  e:wait_ghost({ text = 'suggested' })
  e:type('<Tab>')
  e:wait_lines({ 'suggested' })
end

return {
  {
    'Tab without a suggestion is a Tab',
    function()
      check('', '\t')
    end,
  },
  {
    'Tab without a suggestion obeys expandtab and shiftwidth',
    function()
      check('vim.o.expandtab, vim.o.shiftwidth = true, 3', '   ')
    end,
  },
  {
    'Tab without a suggestion is what it was mapped to',
    function()
      check("vim.cmd('inoremap <Tab> mapped')", 'mapped')
    end,
  },
  {
    'an expression, a function, and a mapping of mappings are kept',
    function()
      check([[vim.cmd('inoremap <expr> <Tab> "ex" . "pr"')]], 'expr')
      check([[vim.keymap.set('i', '<Tab>', function() vim.api.nvim_feedkeys('fn', 'n', false) end)]], 'fn')
      check([[vim.keymap.set('i', '<Tab>', function() return 'fx' end, { expr = true })]], 'fx')
      check([[vim.cmd('inoremap <Plug>(other) other| imap <Tab> <Plug>(other)')]], 'other')
      check([[vim.cmd('imap <Tab> <Tab>x')]], '\tx')
    end,
  },
  {
    'a key that was mapped after setup keeps that mapping',
    function()
      local e = editor.start()
      e:lua("vim.cmd('inoremap <Tab> later')")
      e:setup({ keymaps = false })
      e:open({ '' }, { 1, 0 })
      e:type('<Tab>')
      e:wait_lines({ 'later' })
    end,
  },
  {
    'a mapping of the buffer alone comes first',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      e:lua("vim.cmd('inoremap <buffer> <Tab> here')")
      e:answer(e:take_request(1, 0), { 'abc' })
      e:wait_ghost({ text = 'abc' })
      e:type('<Tab>')
      e:wait_lines({ 'here' })
    end,
  },
  {
    'setup again gives keys back, and does not go round in a circle',
    function()
      local e = editor.start(false)
      e:lua("vim.cmd('inoremap <Tab> mapped')")
      e:setup()
      e:setup()
      e:setup({ keymaps = { accept = '<C-f>' } })
      e:open({ '' }, { 1, 0 })
      e:answer(e:take_request(1, 0), { 'abc' })
      e:wait_ghost({ text = 'abc' })
      e:type('<Tab>')
      e:wait_lines({ 'mapped' })
      e:answer(e:take_request(1, 6), { 'abc' })
      e:wait_ghost({ text = 'abc' })
      e:type('<C-f>')
      e:wait_lines({ 'mappedabc' })
      e:setup({ keymaps = false })
      e:answer(e:take_request(1, 9), { 'abc' })
      e:wait_ghost({ text = 'abc' })
      e:type('<C-u>')
      e:wait_lines({ '' })
      e:type('<Tab>')
      e:wait_lines({ 'mapped' })
    end,
  },
  {
    'a register that is played asks nothing',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      e:take_request(1, 0)
      e:type('<Esc>')
      e:wait_equal('n', 'vim.api.nvim_get_mode().mode')
      local before = e:count('textDocument/inlineCompletion')
      e:lua([[vim.fn.setreg('q', 'iabc' .. vim.api.nvim_replace_termcodes('<Esc>', true, true, true))]])
      e:type('3@q')
      e:wait_lines({ 'ababab' .. 'ccc' })
      e:settle()
      editor.equal(e:count('textDocument/inlineCompletion'), before)
    end,
  },
}
