-- Menus of completions come first.

local editor = require('editor')

return {
  {
    "Neovim's menu hides the ghost, has Tab, and brings the ghost back when it closes",
    function()
      local e = editor.start()
      e:lua("vim.o.completeopt = 'menuone,noinsert'; vim.cmd('inoremap <expr> <Tab> pumvisible() ? \"<C-n>\" : \"<Tab>\"')")
      e:setup()
      e:open({ 'foobar', 'foobaz', 'foo' }, { 3, 3 })
      e:answer(e:take_request(3, 3), { 'foobars' }, 3)
      e:wait_ghost({ text = 'bars' })
      e:type('<C-n>')
      e:wait_equal(1, 'vim.fn.pumvisible()')
      e:wait_ghost(nil)
      e:type('<Tab>')
      e:wait_equal(1, 'vim.fn.complete_info({"selected"}).selected')
      local n_requests = e:count('textDocument/inlineCompletion')
      editor.equal(e:lines()[3]:sub(1, 3), 'foo')
      e:type('<C-e>')
      e:wait_equal(0, 'vim.fn.pumvisible()')
      e:answer(e:take_request(3, 3), { 'foobars' }, 3)
      e:wait_ghost({ text = 'bars' })
      assert(e:count('textDocument/inlineCompletion') > n_requests)
    end,
  },
  {
    'Tab typed fast behind the key that opens the menu is not ours',
    function()
      local e = editor.start(false)
      e:lua("vim.o.completeopt = 'menuone,noselect'; vim.cmd('inoremap <Tab> mapped')")
      e:setup()
      e:open({ 'foobar', 'foo' }, { 2, 3 })
      e:answer(e:take_request(2, 3), { 'foobars' }, 3)
      e:wait_ghost({ text = 'bars' })
      e:type('<C-n><Tab>')
      e:wait_lines({ 'foobar', 'foomapped' })
    end,
  },
  {
    'an answer that comes while the menu is open is not shown',
    function()
      local e = editor.start()
      e:lua("vim.o.completeopt = 'menuone,noselect'")
      e:open({ 'foobar', 'foo' }, { 2, 3 })
      local request = e:take_request(2, 3)
      e:type('<C-n>')
      e:wait_equal(1, 'vim.fn.pumvisible()')
      e:answer(request, { 'foobars' }, 3)
      e:partial(request, 0, 'foobars', 3)
      e:settle()
      editor.equal(e:ghost(), nil)
    end,
  },
  {
    "nvim-cmp's and blink's menus hide it too",
    function()
      for _, menu in ipairs({ 'cmp', 'blink.cmp' }) do
        local e = editor.start()
        e:lua(
          [[
          local name = ...
          t.is_open, t.on = false, {}
          local function is_open() return t.is_open end
          package.loaded[name] = {
            visible = is_open, is_visible = is_open,
            event = { on = function(_, event, callback) t.on[event] = callback end },
          }
          function t.set_open(open)
            t.is_open = open
            if name == 'cmp' then
              t.on[open and 'menu_opened' or 'menu_closed']()
            else
              vim.cmd('doautocmd User ' .. (open and 'BlinkCmpMenuOpen' or 'BlinkCmpMenuClose'))
            end
          end
        ]],
          menu
        )
        e:open({ '' }, { 1, 0 })
        e:answer(e:take_request(1, 0), { 'abc' })
        e:wait_ghost({ text = 'abc' })
        e:lua('t.set_open(true)')
        e:wait_ghost(nil)
        e:type('<Tab>')
        e:wait_lines({ '\t' })
        e:lua('t.set_open(false)')
        e:answer(e:take_request(1, 1), { 'abc' })
        e:wait_ghost({ text = 'abc' })
      end
    end,
  },
}
