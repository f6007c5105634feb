-- One server: its start, its crashes, its settings, what it is told.

local editor = require('editor')

local function state(e)
  return e:lua("return require('octet.status').current.state")
end

return {
  {
    'a server that crashed is replaced, and knows the text of now',
    function()
      local e = editor.start()
      e:open({ 'a' }, { 1, 1 })
      e:answer(e:take_request(1, 1), { 'abc' }, 1)
      e:wait_ghost({ text = 'bc' })
      e:type('x')
      e:take_request(1, 2)
      e:lua("require('octet.client').notify('stub/crash', vim.empty_dict())")
      e:take('initialize')
      editor.equal(e:take('textDocument/didOpen').params.textDocument.text, 'ax\n')
      e:answer(e:take_request(1, 2), { 'axyz' }, 2)
      e:wait_ghost({ n = 1, text = 'yz' })
      e:type('<Tab>')
      e:wait_lines({ 'axyz' })
    end,
  },
  {
    'a ghost stays and can be taken while the server is away',
    function()
      local e = editor.start()
      e:open({ 'a' }, { 1, 1 })
      e:answer(e:take_request(1, 1), { 'abc' }, 1)
      e:wait_ghost({ text = 'bc' })
      e:lua([[
        require('octet.client').notify('stub/crash', vim.empty_dict())
        vim.wait(10000, function() return require('octet.client').client == nil end, 1)
      ]])
      e:type('b<Tab>')
      e:wait_lines({ 'abc' })
    end,
  },
  {
    'after five ends in three minutes it says why and stops, until it is asked to try again',
    function()
      local e = editor.start(false)
      local path = vim.fn.tempname()
      e:setup({ cmd = { 'sh', '-c', 'echo x >> ' .. path .. '; exit 7' } })
      e:open({ '' }, { 1, 0 })
      e:wait_equal('failed', "require('octet.status').current.state")
      editor.equal(#vim.fn.readfile(path), 5)
      local notices = e:lua("return vim.tbl_filter(function(n) return n:find('octet:') end, t.notices)")
      editor.equal(#notices, 1)
      assert(notices[1]:find('ended 5 times in 3 minutes, the last time with exit code 7', 1, true), notices[1])
      e:type('abc')
      e:wait_lines({ 'abc' })
      editor.equal(#vim.fn.readfile(path), 5)
      e:type('<Esc>')
      e:lua("vim.cmd('Octet restart')")
      e:wait_equal('failed', "require('octet.status').current.state")
      editor.equal(#vim.fn.readfile(path), 10)
    end,
  },
  {
    'restart leaves no other server, also while one starts',
    function()
      local e = editor.start(false)
      local path = vim.fn.tempname()
      e:setup({ cmd = { 'sh', '-c', ('echo $$ >> %s; exec cat >/dev/null'):format(path) } }) -- never answers
      e:open({ '' }, { 1, 0 })
      e:type('<Esc>')
      for i = 1, 3 do
        editor.wait('server ' .. i, function()
          return vim.fn.filereadable(path) == 1 and #vim.fn.readfile(path) == i
        end)
        e:lua("vim.cmd('Octet restart')")
      end
      editor.wait('the end of the first three', function()
        local pids = vim.fn.readfile(path)
        return #pids == 4
          and #vim.tbl_filter(function(pid)
              return vim.loop.kill(tonumber(pid), 0) == 0
            end, pids) == 1
      end)
    end,
  },
  {
    'a program that is not there is named',
    function()
      local e = editor.start(false)
      e:setup({ cmd = { '/nowhere/octet' } })
      e:open({ '' }, { 1, 0 })
      e:wait_equal('failed', "require('octet.status').current.state")
      assert(e:lua('return t.notices[#t.notices]'):find('/nowhere/octet', 1, true))
    end,
  },
  {
    'g:octet_cmd that is not octet is refused',
    function()
      local e = editor.start(false)
      e:lua("vim.g.octet_cmd = vim.fn.exepath('true'); require('octet').setup()")
      e:open({ '' }, { 1, 0 })
      e:wait_equal('failed', "require('octet.status').current.state")
      assert(e:lua('return t.notices[1]'):find('--version: expected `octet X.Y.Z`', 1, true))
    end,
  },
  {
    'one server has all buffers, and their folders',
    function()
      local e = editor.start()
      local root = vim.fn.tempname()
      for _, project in ipairs({ 'one', 'two' }) do
        vim.fn.mkdir(('%s/%s/.git'):format(root, project), 'p')
        vim.fn.mkdir(('%s/%s/src'):format(root, project), 'p')
        vim.fn.writefile({ project }, ('%s/%s/src/a.txt'):format(root, project))
        e:lua('vim.cmd("edit " .. ...)', ('%s/%s/src/a.txt'):format(root, project))
        e:wait_equal(true, "require('octet.client').is_attached(0)")
        local added = e:take('workspace/didChangeWorkspaceFolders').params.event.added
        editor.equal(#added, 1)
        assert(vim.endswith(added[1].uri, '/' .. project), added[1].uri)
        editor.equal(e:take('textDocument/didOpen').params.textDocument.text, project .. '\n')
      end
      editor.equal(e:count('initialize'), 1)
    end,
  },
  {
    'a file that gets another name is open under that name',
    function()
      local e = editor.start()
      e:open({ 'a' }, { 1, 1 })
      e:take_request(1, 1)
      e:type('<Esc>')
      e:lua("vim.cmd('file /nowhere/other.txt')")
      e:type('A')
      editor.equal(e:take_request(1, 1).params.textDocument.uri, 'file:///nowhere/other.txt')
      local open = e:lua([[
        local open = {}
        for _, message in ipairs(t.received) do
          local document = message.params and message.params.textDocument
          if message.method == 'textDocument/didOpen' then open[document.uri] = true end
          if message.method == 'textDocument/didClose' then open[document.uri] = nil end
        end
        return vim.tbl_keys(open)
      ]])
      editor.equal(open, { 'file:///nowhere/other.txt' })
    end,
  },
  {
    'settings go to the server at its start, live, and when it asks',
    function()
      local e = editor.start({ settings = { minConfidence = 0.5 } })
      e:open({ '' }, { 1, 0 })
      local told = e:take('initialize').params.initializationOptions.octet
      editor.equal({ told.minConfidence, told.enabled }, { 0.5, true })
      e:take_request(1, 0)
      e:lua("require('octet').configure({ minConfidence = 0.7, maxBytes = 99 })")
      told = e:take('workspace/didChangeConfiguration').params.settings.octet
      editor.equal(told, { minConfidence = 0.7, maxBytes = 99, enabled = true })
      e:send({ id = 1000, method = 'workspace/configuration', params = { items = { { section = 'octet' } } } })
      e:wait_equal(true, '#vim.tbl_filter(function(m) return m.id == 1000 and m.result end, t.received) == 1')
      editor.equal(e:lua('return vim.tbl_filter(function(m) return m.id == 1000 end, t.received)[1].result'), { told })
    end,
  },
  {
    'its state is in the statusline',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      e:take_request(1, 0)
      for _, case in ipairs({ { 'loading', 'octet ..' }, { 'ready', 'octet' }, { 'failed', 'octet !' }, { 'disabled', 'octet off' }, { 'unloaded', 'octet idle' } }) do
        e:send({ method = 'octet/status', params = { state = case[1], message = 'm' } })
        e:wait_equal(case[2], "require('octet').statusline()")
      end
      e:send({ method = 'octet/status', params = { state = 'ready', message = 'm' } })
      e:send({ method = 'didChangeStatus', params = { busy = true, message = '', kind = 'Normal' } })
      e:wait_equal('octet *', "require('octet').statusline()")
      e:lua('vim.b.octet_enabled = false')
      editor.equal(e:lua("return require('octet').statusline()"), 'octet off')
    end,
  },
  {
    'what got no answer while the model was on its way is asked again when it is there',
    function()
      local e = editor.start()
      e:open({ 'a' }, { 1, 1 })
      e:send({ method = 'octet/status', params = { state = 'loading', message = 'm' } })
      e:answer(e:take_request(1, 1), {})
      e:settle()
      editor.equal(e:ghost(), nil)
      e:send({ method = 'octet/status', params = { state = 'ready', message = 'm' } })
      e:answer(e:take_request(1, 1), { 'abc' }, 1)
      e:wait_ghost({ text = 'bc' })
    end,
  },
  {
    'a key in a large file tells the server of that key, not of the file',
    function()
      local e = editor.start()
      local lines = {}
      for i = 1, 20000 do
        lines[i] = 'line ' .. i
      end
      e:open(lines, { 10000, 10 })
      e:take_request(10000, 10)
      e:type('x')
      local changes = e:take('textDocument/didChange').params.contentChanges
      editor.equal({ #changes, changes[1].text, changes[1].range.start }, { 1, 'x', { line = 9999, character = 10 } })
      e:take_request(10000, 11)
    end,
  },
  {
    'a failed model is not a failed server: it may come back',
    function()
      local e = editor.start()
      e:open({ '' }, { 1, 0 })
      e:take_request(1, 0)
      e:send({ method = 'octet/status', params = { state = 'failed', message = 'no model' } })
      e:wait_equal('failed', "require('octet.status').current.state")
      e:lua("require('octet.client').notify('stub/crash', vim.empty_dict())")
      e:take_request(1, 0)
      editor.equal(state(e) ~= 'failed', true)
    end,
  },
}
