-- The plugin with octet itself.

local editor = require('editor')

local kCircle = {
  'class Circle:',
  '    def __init__(self, radius):',
  '        self.radius = radius',
  '',
  '    def area(self):',
  '        return 3.14 * self.',
}

local function start()
  local binary = assert(vim.env.OCTET_BIN, 'OCTET_BIN names the octet binary to test')
  local e = editor.start(false)
  e:lua('vim.g.octet_cmd = ...', binary)
  e:lua("require('octet').setup({ settings = { minConfidence = 0 }, keymaps = { accept_word = '<C-l>' } })")
  return e
end

--- An editor that shows what octet says at the end of kCircle.
local function showing()
  local e = start()
  e:open(kCircle, { 6, #kCircle[6] }, 'python')
  e:wait_equal('ready', "require('octet.status').current.state")
  e:wait_equal(true, "(require('octet.completion').visible() or { item = {} }).item.command ~= nil") -- it grows no more
  return e
end

return {
  {
    'octet is found, checked, started, and what it says can be taken',
    function()
      local e = showing()
      e:wait_equal(true, "require('octet').is_visible()")
      local text = e:ghost().text
      assert(#text > 0)
      e:type('<Tab>')
      e:wait_equal(true, ("vim.startswith(vim.api.nvim_buf_get_lines(0, 5, 6, true)[1], %q)"):format(kCircle[6] .. text))
      e:type('<Esc>u')
      e:wait_lines(kCircle)
    end,
  },
  {
    'what octet says is typed letter by letter, and the ghost stays',
    function()
      local e = showing()
      local text = e:lua("return select(2, require('octet.completion').visible())"):match('^[^\n]+')
      for i = 1, math.min(#text - 1, 20) do
        e:type(text:sub(i, i) == '<' and '<lt>' or text:sub(i, i))
        e:wait_equal(kCircle[6] .. text:sub(1, i), 'vim.api.nvim_get_current_line()')
        e:wait_equal(true, "require('octet').is_visible()")
      end
    end,
  },
  {
    'octet counts what was shown and taken',
    function()
      local e = showing()
      e:type('<C-l>')
      e:wait_equal(false, ('vim.api.nvim_get_current_line() == %q'):format(kCircle[6]))
      e:lua([[
        require('octet.client').request('workspace/executeCommand', { command = 'octet.statistics' }, function(_, told)
          t.session = told.session
        end)
      ]])
      e:wait_equal(true, 't.session ~= nil')
      local session = e:lua('return t.session')
      assert(session.shown >= 1 and session.accepted + session.accepted_partly >= 1, vim.inspect(session))
    end,
  },
  {
    'a server that was killed while it is typed comes back, and all it is told is right',
    function()
      local e = showing()
      e:lua([[
        local client = require('octet.client').client
        local rpc = client.rpc
        t.killed = client.id
        vim.loop.kill(rpc.pid or vim.fn.system('pgrep -nP ' .. vim.fn.getpid()) + 0, 'sigkill')
      ]])
      e:type('<Esc>ggO# typed meanwhile<Esc>G')
      e:wait_equal(true, "require('octet.client').client ~= nil and require('octet.client').client.id ~= t.killed")
      e:type('A')
      e:wait_equal(true, "require('octet').is_visible()")
      e:type('<Tab>')
      e:wait_equal(true, ('#vim.api.nvim_buf_get_lines(0, 6, 7, true)[1] > %d'):format(#kCircle[6]))
    end,
  },
  {
    'a file that may hold secrets gets nothing, and :Octet explain says why',
    function()
      local e = start()
      e:lua("t.said = {}; vim.api.nvim_echo = function(chunks) table.insert(t.said, chunks[1][1]) end")
      e:lua("vim.cmd('edit /nowhere/.env')")
      e:type('iPASSWORD=')
      e:wait_lines({ 'PASSWORD=' })
      e:wait_equal(true, "require('octet.client').client ~= nil")
      e:type('x<BS>') -- asks again
      e:lua("vim.cmd('Octet explain')")
      e:wait_equal(true, "t.said[1] ~= nil and t.said[1]:find('secret', 1, true) ~= nil")
      editor.equal(e:ghost(), nil)
    end,
  },
  {
    'what is taken in a file with CR LF has no carriage returns in the buffer, and has them in the file',
    function()
      local e = start()
      e:lua("require('octet').configure({ multiline = 'always' })")
      local path = vim.fn.tempname() .. '.py'
      vim.fn.writefile(vim.tbl_map(function(line)
        return line .. '\r'
      end, vim.list_slice(kCircle, 1, 5)), path)
      e:lua("vim.cmd('edit ' .. ...)", path)
      editor.equal(e:lua('return vim.bo.fileformat'), 'dos')
      e:type('GA')
      e:wait_equal(true, "require('octet').is_visible()")
      e:type('<Tab>')
      e:wait_equal(true, ('vim.api.nvim_buf_line_count(0) > %d'):format(5)) -- it had several
      e:type('<Esc>')
      assert(not table.concat(e:lines(), '\n'):find('\r', 1, true))
      e:lua("vim.cmd('write')")
      local written = vim.fn.readfile(path, 'b')
      editor.equal(table.remove(written), '')
      for _, line in ipairs(written) do
        assert(line:find('^[^\r]*\r$'), vim.inspect(line))
      end
    end,
  },
  {
    'the server ends with an editor that is killed',
    function()
      local e = showing()
      local pid = e:lua("return require('octet.client').client.rpc.pid or 0")
      if pid == 0 then
        return -- newer versions do not tell
      end
      vim.loop.kill(e:lua('return vim.fn.getpid()'), 'sigkill')
      editor.wait('the end of the server', function()
        return vim.loop.kill(pid, 0) ~= 0
      end)
    end,
  },
  {
    'the server ends with the editor',
    function()
      local e = showing()
      local pid = e:lua("return require('octet.client').client.rpc.pid or 0")
      if pid == 0 then
        return -- newer versions do not tell
      end
      vim.rpcnotify(e.channel, 'nvim_command', 'qall!')
      editor.wait('the end of the server', function()
        return vim.loop.kill(pid, 0) ~= 0
      end)
    end,
  },
}
