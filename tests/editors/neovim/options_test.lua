-- Options and their check, what is off, :Octet, health and help.

local editor = require('editor')

return {
  {
    'an option that is wrong is named, with what was expected',
    function()
      local e = editor.start(false)
      for _, case in ipairs({
        { '{ fast = true }', 'options.fast: no such option; there are automatic, cmd' },
        { '{ cmd = "octet" }', 'options.cmd: expected a list of strings, found "octet"' },
        { '{ cmd = {} }', 'options.cmd: expected a list of strings' },
        { '{ cmd = { "a", 1 } }', 'options.cmd: expected a list of strings' },
        { '{ enabled = 1 }', 'options.enabled: expected true or false, found 1' },
        { '{ automatic = "yes" }', 'options.automatic: expected true or false' },
        { '{ filetypes = { "lua" } }', 'options.filetypes: expected names of filetypes' },
        { '{ filetypes = { lua = 0 } }', 'options.filetypes["lua"]: expected true or false, found 0' },
        { '{ keymaps = true }', 'options.keymaps: expected a table, or false' },
        { '{ keymaps = { take = "x" } }', 'options.keymaps: expected some of accept, accept_line' },
        { '{ keymaps = { accept = true } }', 'options.keymaps.accept: expected a key, or false' },
        { '{ settings = { 1 } }', 'options.settings: expected a table of settings' },
        { '{ settings = { ["octet.model"] = 1 } }', "options.settings: expected names without 'octet.'" },
        { '7', 'expected a table of options, found 7' },
      }) do
        local problem = e:lua(('return select(2, pcall(require("octet").setup, %s))'):format(case[1]))
        assert(tostring(problem):find(case[2], 1, true), ('%s: %s'):format(case[1], vim.inspect(problem)))
      end
    end,
  },
  {
    'filetypes that are off are neither completed nor told to the server',
    function()
      local e = editor.start({ filetypes = { markdown = false } })
      e:open({ 'secret' }, { 1, 6 }, 'markdown')
      e:type('x<Esc>')
      e:wait_lines({ 'secretx' })
      e:open({ 'a' }, { 1, 1 }, 'lua')
      e:take_request(1, 1)
      local opened = e:lua("return vim.tbl_filter(function(m) return vim.inspect(m):find('secret') end, t.received)")
      editor.equal(opened, {})
    end,
  },
  {
    'only the filetypes that are named, where * is off',
    function()
      local e = editor.start({ filetypes = { ['*'] = false, lua = true } })
      e:open({ '' }, { 1, 0 }, 'text')
      editor.equal(e:lua("return require('octet').is_enabled()"), false)
      e:type('<Esc>')
      e:open({ 'a' }, { 1, 1 }, 'lua')
      e:take_request(1, 1)
    end,
  },
  {
    'b:octet_enabled decides for its buffer, and is heard at once',
    function()
      local e = editor.start({ filetypes = { text = false } })
      e:open({ 'a' }, { 1, 1 })
      e:lua("vim.cmd('Octet! enable')")
      e:answer(e:take_request(1, 1), { 'abc' }, 1)
      e:wait_ghost({ text = 'bc' })
      e:lua("vim.cmd('Octet! disable')")
      e:wait_ghost(nil)
      e:take('textDocument/didClose')
      local before = e:count('textDocument/inlineCompletion')
      e:type('b')
      e:wait_lines({ 'ab' })
      e:settle()
      editor.equal(e:count('textDocument/inlineCompletion'), before)
      e:lua("vim.cmd('Octet! toggle')")
      e:take_request(1, 2)
    end,
  },
  {
    'disable is for all buffers and for the server, enable brings it back',
    function()
      local e = editor.start()
      e:open({ 'a' }, { 1, 1 })
      e:answer(e:take_request(1, 1), { 'abc' }, 1)
      e:wait_ghost({ text = 'bc' })
      e:lua("vim.cmd('Octet disable')")
      e:wait_ghost(nil)
      editor.equal(e:take('workspace/didChangeConfiguration').params.settings.octet.enabled, false)
      editor.equal(e:lua("return require('octet').statusline()"), 'octet off')
      e:lua("vim.cmd('Octet toggle')")
      editor.equal(e:take('workspace/didChangeConfiguration').params.settings.octet.enabled, true)
      e:take_request(1, 1)
    end,
  },
  {
    'automatic = false: only who asks gets an answer, and may type it',
    function()
      local e = editor.start({ automatic = false, keymaps = { trigger = '<C-l>' } })
      e:open({ 'a' }, { 1, 1 })
      e:wait_equal(true, "require('octet.client').client ~= nil")
      e:type('b')
      e:wait_lines({ 'ab' })
      e:settle()
      editor.equal(e:count('textDocument/inlineCompletion'), 0)
      e:type('<C-l>')
      local request = e:take_request(1, 2)
      editor.equal(request.params.context.triggerKind, 1)
      e:answer(request, { 'abcd' }, 2)
      e:wait_ghost({ text = 'cd' })
      e:type('c')
      e:wait_ghost({ text = 'd' })
      e:type('x')
      e:wait_ghost(nil)
      editor.equal(e:count('textDocument/inlineCompletion'), 1)
    end,
  },
  {
    'a buffer that is no file is left alone',
    function()
      local e = editor.start()
      e:lua("vim.cmd('new'); vim.bo.buftype = 'nofile'")
      e:type('iabc')
      e:wait_lines({ 'abc' })
      editor.equal(e:lua("return require('octet').is_enabled()"), false)
      editor.equal(e:count('initialize'), 0)
    end,
  },
  {
    'a text that may not be changed is not',
    function()
      local e = editor.start()
      e:open({ 'a' }, { 1, 1 })
      e:answer(e:take_request(1, 1), { 'abc' }, 1)
      e:wait_ghost({ text = 'bc' })
      e:lua('vim.bo.modifiable = false')
      editor.equal(e:lua("return require('octet.accept').take('all')"), false)
      editor.equal(e:lines(), { 'a' })
    end,
  },
  {
    ':Octet completes its verbs and names those there are',
    function()
      local e = editor.start()
      editor.equal(e:lua("return vim.fn.getcompletion('Octet ', 'cmdline')"), {
        'disable', 'enable', 'explain', 'forget', 'log', 'restart', 'stats', 'status', 'toggle',
      })
      editor.equal(e:lua("return vim.fn.getcompletion('Octet sta', 'cmdline')"), { 'stats', 'status' })
      e:lua("vim.cmd('Octet nonsense')")
      assert(e:lua('return t.notices[1]'):find('no verb "nonsense"; there are disable', 1, true))
    end,
  },
  {
    ':Octet explain and forget show what the server says',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      e:take_request(1, 0)
      e:lua('t.said = {}; vim.api.nvim_echo = function(chunks) table.insert(t.said, chunks[1][1]) end')
      e:lua("vim.cmd('Octet explain')")
      local silence = { reason = 'secret_file', message = 'this file holds secrets' }
      local sources = { { text = 'ab', source = 'memory', file = 'x.py' } }
      e:send({ id = e:take('octet/explain').id, result = { text = 'ab', confidence = 0.5, sources = sources, silence = silence } })
      e:wait_equal({
        'The last answer was empty: this file holds secrets (secret_file)\n'
          .. 'The last completion, right with a probability of 0.50:\n  memory "ab" (x.py)',
      }, 't.said')
      e:lua("vim.cmd('Octet forget')")
      local request = e:take('workspace/executeCommand')
      editor.equal(request.params.command, 'octet.forgetWorkspace')
      e:send({ id = request.id, result = { forgotten = 2 } })
      e:wait_equal(true, "t.said[2] ~= nil and t.said[2]:find('2 workspace', 1, true) ~= nil")
    end,
  },
  {
    ':Octet, stats and log show what the server says and writes',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      e:take_request(1, 0)
      e:type('<Esc>')
      e:lua('t.said = {}; vim.api.nvim_echo = function(chunks) table.insert(t.said, chunks[1][1]) end')
      e:lua("vim.cmd('Octet')")
      local request = e:take('octet/status')
      local model = { name = 'm', path = '/m' }
      e:send({ id = request.id, result = { state = 'ready', message = 'fine', model = model, device = 'cpu', lastReason = 'no_room' } })
      e:wait_equal({ 'octet: ready\nfine\nmodel: m, cpu\nlast answer: no_room' }, 't.said')
      e:lua("vim.cmd('Octet stats')")
      request = e:take('workspace/executeCommand')
      editor.equal(request.params.command, 'octet.statistics')
      e:send({ id = request.id, result = { session = { shown = 3, accepted = 2 } } })
      e:wait_equal('session:\n  accepted: 2\n  shown: 3', 't.said[2]')
      e:lua("vim.cmd('Octet explain')")
      e:send({ id = e:take('octet/explain').id, error = { code = -32603, message = 'not now' } })
      e:wait_equal('octet: not now', 't.notices[#t.notices]')
      e:lua("vim.cmd('Octet log')")
      editor.equal(e:lua("return vim.fn.expand('%:p')"), e:lua("return vim.fn.fnamemodify(require('octet.binary').log_path(), ':p')"))
    end,
  },
  {
    'checkhealth and help know octet',
    function()
      local e = editor.start({ keymaps = { trigger = '<C-l>' } })
      e:lua("vim.cmd('inoremap <C-l> other'); vim.cmd('checkhealth octet')")
      local text = table.concat(e:lines(), '\n')
      for _, expected in ipairs({ '`cmd` starts python3', 'the key <C-l> (trigger) does something else here: other' }) do
        assert(text:find(expected, 1, true), text)
      end
      local path = vim.fn.tempname()
      vim.fn.mkdir(path)
      e:lua([[
        local plugin, copy = ...
        vim.fn.system({ 'cp', '-r', plugin .. '/doc', copy })
        vim.opt.runtimepath:prepend(copy)
        vim.cmd('helptags ' .. copy .. '/doc')
        vim.cmd('help octet-keymaps')
      ]], e:lua("return vim.fn.fnamemodify(vim.api.nvim_get_runtime_file('plugin/octet.lua', false)[1], ':h:h')"), path)
      editor.equal(e:lua('return vim.fn.expand("%:t")'), 'octet.txt')
    end,
  },
}
